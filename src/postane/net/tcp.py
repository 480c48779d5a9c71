"""The real stream: a socket under an asyncio transport.

Reading stops while more than READ_AHEAD octets wait unread, and `drain` waits while more than WRITE_HIGH are unsent, so
that neither a fast sender nor a slow reader makes the process hold much.

Must not know: any protocol.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

from .deadlines import Deadlines
from .stream import NotSecured, Peer, StreamClosed, TlsFacts
from .tls import ServerTls
from .tls_link import TlsLink

READ_AHEAD = 128 * 1024
"""Octets that may wait unread before the peer is no longer read from."""

WRITE_HIGH = 256 * 1024
WRITE_LOW = 64 * 1024
"""Unsent octets above which `drain` waits, and below which it goes on."""

HANDSHAKE_WAIT = 60.0
"""Seconds that a TLS handshake may take, where the deadline allows more."""

INFINITE = float("inf")

LINGER = 2.0
"""Seconds for which a peer that is still sending is read from after the last word to it, so that the word arrives."""


class SocketStream(asyncio.Protocol):
    """A Stream over a socket. `on_open` is called with it when the connection stands; with `tls` a handshake is
    possible later."""

    # Ten thousand of them are open: no dictionaries.
    __slots__ = (
        "_attendant", "_deadline", "_deadlines", "_is_ended", "_is_expired", "_is_lost", "_is_reading", "_is_writable",
        "_loop", "_old_deadline", "_on_open", "_received", "_server_tls", "_transport", "_waiter", "peer", "tls",
    )  # fmt: skip

    begins_with_tls = False
    is_probe = False

    def __init__(
        self, deadlines: Deadlines, on_open: Callable[["SocketStream"], None], tls: ServerTls | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadlines = deadlines
        self._on_open = on_open
        self._transport: asyncio.Transport | TlsLink | None = None
        self._received = b""
        self._is_reading = True
        self._is_ended = False  # the peer has closed its side
        self._is_lost = False
        self._is_writable = True
        self._waiter: asyncio.Future[None] | None = None
        self._attendant: Callable[[], None] | None = None
        self._deadline = INFINITE
        self._is_expired = False
        self.peer = Peer("unix")
        self.tls: TlsFacts | None = None
        self._server_tls = tls

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._take(transport)
        self._meet(transport.get_extra_info("peername"))

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        if len(self._received) > READ_AHEAD and self._is_reading and self._transport is not None:
            self._is_reading = False
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._is_ended = True
        self._wake()
        return True  # half-closed: what is still to be said may be said

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._deadlines.remove(self)
        self._wake()

    def pause_writing(self) -> None:
        self._is_writable = False

    def resume_writing(self) -> None:
        self._is_writable = True
        self._wake()

    # What the house calls

    @property
    def stands(self) -> bool:
        """See Stream."""
        return self.tls is not None or not self.begins_with_tls

    @property
    def is_encrypted(self) -> bool:
        """See Stream."""
        return self.tls is not None

    @property
    def can_start_tls(self) -> bool:
        """See Stream."""
        return self._server_tls is not None and self.tls is None

    def speak_for(self, client: Peer) -> None:
        """See Stream."""
        self.peer = client
        self.tls = None if self.tls is None else self.tls.relayed()

    @property
    def is_introduced(self) -> bool:
        """See Stream: who connects is who it is."""
        return True

    async def introduce(self) -> None:
        """See Stream."""

    async def secure(self) -> None:
        """See Stream."""

    def secure_now(self) -> bool:
        """See Stream."""
        return True

    async def start_tls(self, last_words: bytes) -> None:
        """See Stream. Nothing is read from the last words on: what comes next from the kernel is the handshake's."""
        if self._transport is None or self._server_tls is None or self._is_lost:
            raise StreamClosed
        if self._received or self._is_ended:
            self.abort()
            raise NotSecured("octets came before the handshake")
        self._transport.write(last_words)
        await self._shake_hands()

    async def _shake_hands(self) -> None:
        """Hold a handshake; what has come already is the beginning of it."""
        link = self._begin_handshake()
        while not self._is_shaken(link):
            try:
                await self._wait()
            except TimeoutError:
                self._is_expired = True
        self._loop.call_soon(link.flush)  # with the greeting, where one comes now

    def _begin_handshake(self, receive: Callable[[bytes], None] | None = None) -> TlsLink:
        octets = self.read_now()
        tls, raw = self._server_tls, self._transport
        if tls is None or raw is None or isinstance(raw, TlsLink):
            raise StreamClosed
        link = self._transport = TlsLink(tls.context, raw, self, self._wake, receive)
        self._old_deadline, self._deadline = self._deadline, min(self._deadline, self._loop.time() + HANDSHAKE_WAIT)
        if octets:
            link.data_received(octets)
        return link

    def _is_shaken(self, link: TlsLink) -> bool:
        """Whether the handshake is over. Raises NotSecured, StreamClosed, TimeoutError."""
        if not link.is_complete:
            if not (self._is_lost or self._is_ended or self._is_expired):
                return False
            if link.trouble is None:
                self.abort()
            raise link.failure(TimeoutError() if self._is_expired else StreamClosed())
        self._deadline = self._old_deadline
        if link.secured is not None and self._server_tls is not None:
            self.tls = self._server_tls.facts(link.secured, str(self.peer))
        return True

    def set_deadline(self, seconds: float | None) -> None:
        """See Stream."""
        self._deadline = INFINITE if seconds is None else self._loop.time() + seconds
        self._is_expired = False

    def expire(self, now: float) -> None:
        """End the present wait if the deadline has passed."""
        if now < self._deadline:
            return
        if self._waiter is not None:
            if not self._waiter.done():
                self._waiter.set_exception(TimeoutError())
        elif self._attendant is not None:
            self._is_expired = True
            self._attendant()

    async def read(self) -> bytes:
        """See Stream."""
        while (octets := self.read_now()) is None:
            await self._wait()
        return octets

    def read_now(self) -> bytes | None:
        """See Stream."""
        octets = self._received
        if not octets:
            if self._is_lost:
                raise StreamClosed
            if self._is_expired:
                raise TimeoutError
            return b"" if self._is_ended else None
        self._received = b""
        if not self._is_reading and self._transport is not None:
            self._is_reading = True
            self._transport.resume_reading()
        return octets

    def attend(self, call: Callable[[], None] | None) -> None:
        """See Stream."""
        self._attendant = call
        if call is not None and self._is_lost:
            self._loop.call_soon(call)

    def write(self, octets: bytes) -> None:
        """See Stream."""
        if self._transport is not None and not self._is_lost:
            self._transport.write(octets)

    @property
    def is_writable(self) -> bool:
        """See Stream."""
        return self._is_writable and not self._is_lost

    async def drain(self) -> None:
        """See Stream."""
        while not self._is_writable and not self._is_lost:
            await self._wait()
        if self._is_lost:
            raise StreamClosed

    async def close(self, *, is_peer_sending: bool = False) -> None:
        """See Stream. To a peer that may still be sending, the last word is said first and what it sends is dropped:
        closing at once would reset the connection and take the word back."""
        if self._transport is None or self._is_lost:
            return
        with contextlib.suppress(TimeoutError, StreamClosed, OSError):
            if is_peer_sending and self._transport.can_write_eof():
                self._transport.write_eof()
                self.set_deadline(LINGER)
                while await self.read():
                    pass
        if not self._is_lost:
            self._transport.close()
        with contextlib.suppress(TimeoutError):
            while not self._is_lost:
                await self._wait()
        self.abort()

    def leave(self, last_octets: bytes = b"") -> None:
        """See Stream."""
        if isinstance(self._transport, TlsLink) and not self._is_lost:
            self._transport.close(last_octets)
        elif self._transport is not None and not self._is_lost:
            self._transport.write(last_octets)
            self._transport.close()

    @property
    def is_gone(self) -> bool:
        """See Stream."""
        return self._is_lost or self._transport is None

    def abort(self) -> None:
        """See Stream."""
        if self._transport is not None and not self._is_lost:
            self._transport.abort()

    def _meet(self, address: object) -> None:
        """The connection stands, and this is where it comes from."""
        if isinstance(address, tuple):
            self.peer = Peer(str(address[0]), int(address[1]))
        self._deadlines.add(self)
        self._on_open(self)

    def _take(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH, low=WRITE_LOW)
        self._is_reading = True

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None:
            if not self._waiter.done():
                self._waiter.set_result(None)
        elif self._attendant is not None:
            self._attendant()
