"""Conversations over TLS: begun with it, or by STLS and STARTTLS."""

import ssl

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
