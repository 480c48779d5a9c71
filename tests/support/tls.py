"""Conversations over TLS, begun with it or by STLS and STARTTLS; and a server whose certificate can be renewed."""

import ssl
from pathlib import Path
from typing import Any

from postane.net.tls import Certificate

from .certificates import LOCALHOST, Authority, client_context, der
from .postoffice import PostOffice
from .talk import Talk

POP3S: tuple[bytes, ...] = ()
STLS = (b"STLS",)
STARTTLS = (b"EHLO client.test", b"STARTTLS")
LMTP_STARTTLS = (b"LHLO client.test", b"STARTTLS")


class TlsTalk(Talk):
    """A conversation over TLS, begun by some commands, or at once where there is none; `before` is what the server
    said in clear."""

    def __init__(
        self,
        address: tuple[str, int],
        context: ssl.SSLContext,
        begin: tuple[bytes, ...] = POP3S,
        *,
        name: str | None = "localhost",
        session: ssl.SSLSession | None = None,
        source: str | None = None,
    ) -> None:
        plain = Talk(address, source=source, greeting=bool(begin))
        self.before = [plain.greeting]
        try:
            for command in begin:
                plain.send(command + b"\r\n")
                self.before += plain.reply()
            assert not begin or self.before[-1][:3] in (b"+OK", b"220"), self.before
            plain._file.close()
            self.socket = self.secured = context.wrap_socket(plain.socket, server_hostname=name, session=session)
        except BaseException:
            plain.close()
            raise
        self._file = self.socket.makefile("rb")
        try:
            self.greeting = b"" if begin else self.line()
        except BaseException:
            self.close()
            raise

    def certificate(self) -> bytes:
        """The server's (DER)."""
        return self.secured.getpeercert(binary_form=True) or b""


class Secured:
    """A server with a certificate; `live` is where the configuration looks for it."""

    def __init__(self, folder: Path, settings: dict[str, dict[str, Any]] | None = None, *, is_linked: bool = False):
        self.authority = Authority(folder)
        self.live = Certificate(folder / "live.pem", folder / "live.key")
        self._is_linked = is_linked
        self._count = 0
        self.shown = self.renew()
        paths = {"certificate": str(self.live.chain), "key": str(self.live.key)}
        listen = {"listen": ["127.0.0.1:0"]}
        merged = {"pop3s": listen, "smtps": listen, **(settings or {})}
        merged["tls"] = {**paths, **merged.get("tls", {})}
        self.office = PostOffice(merged)
        self.context = client_context(self.authority.path)

    def renew(self) -> bytes:
        """Another certificate is there; it is given back as it will be shown."""
        self._count += 1
        new = self.authority.issue(f"archive{self._count}", LOCALHOST)
        for path, live in ((new.chain, self.live.chain), (new.key, self.live.key)):
            aside = live.with_suffix(".aside")
            if self._is_linked:
                aside.symlink_to(path.name)
            else:
                aside.write_bytes(path.read_bytes())
                aside.chmod(0o600)
            aside.replace(live)
        return der(new.chain)

    def talk(self, service: str = "pop3s", begin: tuple[bytes, ...] = POP3S, **how: Any) -> TlsTalk:
        """A conversation with it."""
        return TlsTalk(self.office.address(service), how.pop("context", self.context), begin, **how)

    def sees(self, certificate: bytes) -> bool:
        """Whether whoever comes now is shown it."""
        with self.talk() as talk:
            return talk.certificate() == certificate
