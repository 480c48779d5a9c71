"""The connection under the `poplib` face: a blocking socket, its lines, its beginning and its end.

RFC 1939 s3 (lines), RFC 2595 s4 (nothing that came before TLS is read after it). The names with an underscore that
`compat` keeps of the original are the steps that programs are known to override or to call.

Must not know: what a command means.
"""

import re
import socket
import ssl
import sys
from poplib import error_proto
from typing import Any, BinaryIO, Final

from postane.pop3.client import LINE_LIMIT

CR: Final = b"\r"
LF: Final = b"\n"
CRLF: Final = CR + LF

DEFAULT: Final[Any] = getattr(socket, "_GLOBAL_DEFAULT_TIMEOUT")  # noqa: B009 - what the original has has no public name
"""The time-out that `socket.setdefaulttimeout` sets."""

SKIP_LIMIT = 16 * 1024 * 1024
"""Octets of one overlong reply that are thrown away before the server is given up."""

_LAST = (b".\r\n", b".\n", b"\r.\n")
_SECRET = re.compile(r"(PASS |APOP \S+ )(.*)", re.IGNORECASE)


class BlockingLines:
    """A connected socket as lines. What is no whole line is `error_proto`; the network's errors are OSError.

    Once it is closed, `sock` and `file` are None, and each command gives `error_proto("-ERR EOF")`.
    """

    def __init__(self, host: str, port: int, timeout: float | None) -> None:
        self.host = host
        self.port = port
        self.file: BinaryIO | None = None
        self.sock: socket.socket | None = None
        self._debugging = 0
        sys.audit("poplib.connect", self, host, port)
        self.sock = self._create_socket(timeout)
        self.file = self.sock.makefile("rb")

    def _create_socket(self, timeout: float | None) -> socket.socket:
        if timeout is not None and not timeout:
            raise ValueError("Non-blocking socket (timeout=0) is not supported")
        return socket.create_connection((self.host, self.port), timeout)

    def _putline(self, line: bytes) -> None:
        self._debug(2, "put", line)
        sys.audit("poplib.putline", self, line)
        if self.sock is None:
            raise error_proto("-ERR EOF")
        self.sock.sendall(line + CRLF)

    def _read_body(self, room: int) -> tuple[list[bytes], int]:
        """The lines up to that with a single dot, without their ends, and how many octets they have with them. More
        than there is room for: closed."""
        lines: list[bytes] = []
        octets, limit = 0, room + len(CRLF)
        while (line := self._readline(limit)) not in _LAST:
            octets += len(line)
            if octets > room:
                self.close()
                raise error_proto("message too long")
            if self._debugging:
                self._debug(2, "get", line)
            if line.startswith(b".."):
                line = line[1:]
                octets -= 1
            lines.append(line[:-2] if line.endswith(CRLF) else without_end(line))
        return lines, octets

    def _readline(self, limit: int) -> bytes:
        """The next octets up to an LF, at most `limit`. What ends without either is never given."""
        line = b"" if self.file is None else self.file.readline(limit)
        if not line.endswith(LF) and len(line) != limit:
            raise error_proto("-ERR EOF")
        return line

    def _skip(self, line: bytes) -> None:
        """Throw the rest of an overlong line away, so that the next reply is the next one; an endless one: close."""
        skipped = 0
        while not line.endswith(LF):
            skipped += len(line)
            if skipped > SKIP_LIMIT:
                self.close()
                return
            line = self._readline(LINE_LIMIT)

    def _debug(self, level: int, what: str, said: str | bytes) -> None:
        if self._debugging >= level:
            text = said if isinstance(said, str) else said.decode("latin-1")
            hidden = _SECRET.sub(r"\1***", text) if what in ("cmd", "put") else text
            print(f"*{what}*", repr(hidden if isinstance(said, str) else hidden.encode("latin-1")))

    def close(self) -> None:
        """Close the connection, which commits nothing. Idempotent."""
        file, self.file = self.file, None
        sock, self.sock = self.sock, None
        try:
            if file is not None:
                file.close()
        finally:
            if sock is not None:
                _shut(sock)

    def _start_tls(self, context: ssl.SSLContext) -> None:
        file, self.file = self.file, None
        sock, self.sock = self.sock, None
        if file is None or sock is None:
            raise error_proto("-ERR EOF")
        try:
            with file:
                if _holds_octets(file, sock):
                    raise error_proto("-ERR the server spoke before TLS")  # RFC 2595 s4
            self.sock = context.wrap_socket(sock, server_hostname=self.host)
        except BaseException:
            sock.close()
            raise
        self.file = self.sock.makefile("rb")


def without_end(line: bytes) -> bytes:
    """CRLF, LF and LF CR end a line: the last one shows as a CR before the next line."""
    if line.endswith(CRLF):
        return line[:-2]
    return line[1:-1] if line.startswith(CR) else line[:-1]


def _holds_octets(file: BinaryIO, sock: socket.socket) -> bool:
    """Whether something has come that nobody has read."""
    timeout = sock.gettimeout()
    sock.settimeout(0)
    try:
        return bool(file.peek(1))  # type: ignore[attr-defined] # it is a BufferedReader
    finally:
        sock.settimeout(timeout)


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the server was first
    finally:
        sock.close()
