"""The stream of a service that begins with TLS: it stays the protocol of its transport, and hands what comes to TLS.

Must not know: any protocol.
"""

from collections.abc import Callable

from .tcp import SocketStream
from .tls_link import TlsLink


class SecureStream(SocketStream):
    """A SocketStream on which nothing can be said before a handshake."""

    __slots__ = ()

    begins_with_tls = True

    def data_received(self, data: bytes) -> None:
        """What comes is TLS's, which gives it back opened."""
        if isinstance(self._transport, TlsLink):
            self._transport.data_received(data)
            self._transport.flush()  # tickets that no greeting took along
        else:
            super().data_received(data)

    def eof_received(self) -> bool:
        super().eof_received()
        return False  # TLS has no half-closed state

    async def secure(self) -> None:
        """See Stream."""
        await self._shake_hands()

    def secure_now(self) -> bool:
        """See Stream."""
        link = self._transport
        return self._is_shaken(link if isinstance(link, TlsLink) else self._begin_handshake())

    def _begin_handshake(self, receive: Callable[[bytes], None] | None = None) -> TlsLink:
        return super()._begin_handshake(receive or super().data_received)
