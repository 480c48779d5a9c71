"""The names, the signatures, the values and the errors of the standard library's `poplib`, on our own ground:
`import postane.client.compat as poplib` is all that a program has to change.

RFC 1939, with RFC 2449 s5 (CAPA), RFC 2595 s4 (STLS) and RFC 6856 s2 (UTF8). Beyond the original: lines of any length,
octets that came before TLS end the session, an argument cannot smuggle a second command, and a line that breaks off is
never taken for a whole one. Replies are given as the octets that came, by line and with its end counted; so this face
stands on the lines themselves, not on the machine, which gives values.

Must not know: asyncio, and the rest of the client.
"""

import hashlib
import re
import socket
import ssl
import warnings
from poplib import error_proto  # the original's own: whoever catches that one catches ours
from typing import TYPE_CHECKING, Any, Final

from postane.pop3.client import LINE_LIMIT

from .compat_lines import CR as CR
from .compat_lines import CRLF as CRLF
from .compat_lines import DEFAULT, BlockingLines, without_end
from .compat_lines import LF as LF

if TYPE_CHECKING:
    from builtins import list as List  # noqa: N812 - a class with a method of that name has no other word for it

__all__ = ["POP3", "POP3_SSL", "error_proto"]

HAVE_SSL: Final = True
POP3_PORT: Final = 110
POP3_SSL_PORT: Final = 995

_MAXLINE = LINE_LIMIT
"""Octets of a reply's own line. Programs are known to set it; it is looked up at each reply."""

_MAXBODY = 1 << 30
"""Octets of the lines after a reply, all together: they are held in memory, and a hostile server knows no end."""

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


class POP3(BlockingLines):
    """One session. What a server refuses, and what is no POP3, is `error_proto`; the network's errors are OSError.

    Message numbers may be int or str. Once it is closed, each command gives `error_proto("-ERR EOF")`.
    """

    encoding = "UTF-8"
    timestamp = re.compile(rb"\+OK.*(<[^<>]+>)")

    def __init__(self, host: str, port: int = POP3_PORT, timeout: float | None = DEFAULT) -> None:
        super().__init__(host, port, timeout)
        self._tls_established = False
        try:
            self.welcome = self._getresp()
        except BaseException:
            self.close()  # nobody else could
            raise

    # The steps that programs are known to override or to call; each has the original's name and value.

    def _putcmd(self, line: str) -> None:
        self._debug(1, "cmd", line)
        octets = bytes(line, self.encoding)
        if _CONTROL.search(octets):
            raise ValueError("Control characters not allowed in commands")
        self._putline(octets)

    def _getline(self) -> tuple[bytes, int]:
        """A line without its end, and its octets with it."""
        line = self._readline(_MAXBODY)
        self._debug(2, "get", line)
        return without_end(line), len(line)

    def _getresp(self) -> bytes:
        """The line of a reply. Raises error_proto where it is a refusal."""
        line = self._readline(_MAXLINE + 1)
        if len(line) > _MAXLINE:
            self._skip(line)
            raise error_proto("line too long")
        reply = without_end(line)
        self._debug(2, "resp", reply)
        if not reply.startswith(b"+"):
            raise error_proto(reply)
        return reply

    def _getlongresp(self) -> "tuple[bytes, List[bytes], int]":
        """A reply with the lines after it, and how many octets these have. Too many of them close the connection."""
        reply = self._getresp()
        return reply, *self._read_body(_MAXBODY)

    def _shortcmd(self, line: str) -> bytes:
        self._putcmd(line)
        return self._getresp()

    def _longcmd(self, line: str) -> "tuple[bytes, List[bytes], int]":
        self._putcmd(line)
        return self._getlongresp()

    def getwelcome(self) -> bytes:
        """The server's first line."""
        return self.welcome

    def set_debuglevel(self, level: int) -> None:
        """0: print nothing; 1: the commands; 2: all lines. Secrets are printed as ***."""
        self._debugging = level

    def user(self, user: str) -> bytes:
        """USER: the reply."""
        return self._shortcmd(f"USER {user}")

    def pass_(self, pswd: str) -> bytes:
        """PASS: the reply. From here to `quit` the maildrop is locked."""
        return self._shortcmd(f"PASS {pswd}")

    def stat(self) -> tuple[int, int]:
        """How many messages there are, and how many octets."""
        reply = self._shortcmd("STAT")
        words = reply.split()
        self._debug(1, "stat", reply)
        if len(words) < 3 or not (words[1].isdigit() and words[2].isdigit()):
            raise error_proto(b"-ERR not an answer to STAT: " + reply)
        return int(words[1]), int(words[2])

    def list(self, which: int | str | None = None) -> Any:
        """`(reply, [b"number octets", ...], octets)`; for one message its reply alone."""
        return self._longcmd("LIST") if which is None else self._shortcmd(f"LIST {which}")

    def retr(self, which: int | str) -> "tuple[bytes, List[bytes], int]":
        """A whole message: `(reply, [line, ...], octets)`."""
        return self._longcmd(f"RETR {which}")

    def dele(self, which: int | str) -> bytes:
        """Mark a message for deletion: the reply."""
        return self._shortcmd(f"DELE {which}")

    def noop(self) -> bytes:
        """The reply to nothing in particular."""
        return self._shortcmd("NOOP")

    def rset(self) -> bytes:
        """Take back all marks: the reply."""
        return self._shortcmd("RSET")

    def quit(self) -> bytes:
        """Commit the deletions and close. Raises error_proto where not all could be deleted; it is closed then, too."""
        try:
            return self._shortcmd("QUIT")
        finally:
            self.close()

    def rpop(self, user: str) -> bytes:
        """RPOP (RFC 1225 s(The UPDATE State)): the reply."""
        return self._shortcmd(f"RPOP {user}")

    def apop(self, user: str, password: str) -> bytes:
        """Log in by the stamp of the greeting (RFC 1939 s7): the reply."""
        stamp = self.timestamp.match(self.welcome)
        if stamp is None:
            raise error_proto("-ERR APOP not supported by server")
        digest = hashlib.md5(stamp[1] + bytes(password, self.encoding), usedforsecurity=False)  # it knows no other
        return self._shortcmd(f"APOP {user} {digest.hexdigest()}")

    def top(self, which: int | str, howmuch: int | str) -> "tuple[bytes, List[bytes], int]":
        """The header part and so many lines of the body: `(reply, [line, ...], octets)`."""
        return self._longcmd(f"TOP {which} {howmuch}")

    def uidl(self, which: int | str | None = None) -> Any:
        """`(reply, [b"number uidl", ...], octets)`; for one message its reply alone."""
        return self._longcmd("UIDL") if which is None else self._shortcmd(f"UIDL {which}")

    def utf8(self) -> bytes:
        """UTF8 (RFC 6856 s2): the reply."""
        return self._shortcmd("UTF8")

    def capa(self) -> "dict[str, List[str]]":
        """What the server offers: names, and the words after each."""
        try:
            lines = self._longcmd("CAPA")[1]
        except error_proto:
            raise error_proto("-ERR CAPA not supported by server") from None
        offers = [line.decode("ascii", "replace").split() for line in lines]
        return {words[0]: words[1:] for words in offers if words}

    def stls(self, context: ssl.SSLContext | None = None) -> bytes:
        """Begin TLS: the reply. Without a context nobody's certificate is checked, as in the original.

        Octets that came before the handshake are never read: error_proto, and the connection is closed; so it is where
        the handshake fails.
        """
        if self._tls_established:
            raise error_proto("-ERR TLS session already established")
        if "STLS" not in self.capa():
            raise error_proto("-ERR STLS not supported by server")
        reply = self._shortcmd("STLS")
        try:
            self._start_tls(context or _unchecked_context())
        except BaseException:
            self.close()
            raise
        self._tls_established = True
        return reply


class POP3_SSL(POP3):  # noqa: N801 - the original's name
    """The same with TLS from the first octet. Without a context nobody's certificate is checked, as in the original.

    `keyfile` and `certfile` are those that the original had up to Python 3.11, where they were deprecated.
    """

    def __init__(
        self,
        host: str,
        port: int = POP3_SSL_PORT,
        keyfile: str | None = None,
        certfile: str | None = None,
        timeout: float | None = DEFAULT,
        context: ssl.SSLContext | None = None,
    ) -> None:
        for name, given in (("keyfile", keyfile), ("certfile", certfile)):
            if context is not None and given is not None:
                raise ValueError(f"context and {name} arguments are mutually exclusive")
        if keyfile is not None or certfile is not None:
            text = "keyfile and certfile are deprecated, use a custom context instead"
            warnings.warn(text, DeprecationWarning, stacklevel=2)
        self.keyfile = keyfile
        self.certfile = certfile
        self.context = context or _unchecked_context(certfile, keyfile)
        super().__init__(host, port, timeout)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        sock = super()._create_socket(timeout)
        try:
            return self.context.wrap_socket(sock, server_hostname=self.host)
        except BaseException:
            sock.close()
            raise

    def stls(self, keyfile: object = None, certfile: object = None, context: object = None) -> bytes:  # type: ignore[override]
        """TLS stands already: error_proto."""
        raise error_proto("-ERR TLS session already established")


def _unchecked_context(certfile: str | None = None, keyfile: str | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if keyfile is not None and certfile is None:
        raise ValueError("certfile must be specified")
    if certfile is not None:
        context.load_cert_chain(certfile, keyfile)
    return context
