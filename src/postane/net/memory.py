"""A stream in memory, shipped because users' tests need it too: slow, cut, or one octet at a time.

`MemoryStream` is the server's end; the test holds the other end in its hands: `give` octets, `end` them, look at what
was `written`. Nothing here touches a socket or a clock.

Must not know: any protocol.
"""

import asyncio
from collections.abc import Callable

from .stream import NotSecured, Peer, StreamClosed, TlsFacts

FACTS = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384")
"""What a connection is encrypted with that is said to be."""


class MemoryStream:
    """A Stream whose peer is a test.

    `piece` octets at most are given by one read (1: octet by octet). `cut_after`: the connection is lost once so many
    octets were written to it. `is_stuck`: the peer reads nothing, so `drain` never returns before `expire`. With
    `offers_tls` a handshake succeeds, and `tls` is what it settles; nothing is really encrypted.
    """

    def __init__(
        self,
        peer: Peer = Peer("127.0.0.1", 40000),  # noqa: B008 - a frozen value
        *,
        piece: int | None = None,
        cut_after: int | None = None,
        is_encrypted: bool = False,
        offers_tls: TlsFacts | None = None,
    ) -> None:
        self.peer = peer
        self.tls = FACTS if is_encrypted else None
        self.stands = True
        self.begins_with_tls = False
        self.is_introduced = False  # who sets `stands` to False overrides `introduce`
        self.is_probe = False
        self._offers_tls = offers_tls
        self.is_stuck = False
        self.is_closed = False
        self.deadline: float | None = None
        self.written = bytearray()
        self._piece = piece
        self._cut_after = cut_after
        self._incoming = bytearray()
        self._is_ended = False
        self._is_expired = False
        self._changed = asyncio.Event()
        self._attendant: Callable[[], None] | None = None

    # The test's side

    def give(self, octets: bytes) -> None:
        """The peer sends octets."""
        self._incoming += octets
        self._tell()

    def end(self) -> None:
        """The peer closes its side."""
        self._is_ended = True
        self._tell()

    def expire(self) -> None:
        """The deadline passes."""
        self._is_expired = True
        self._tell()

    def take(self) -> bytes:
        """What was written since the last call."""
        octets = bytes(self.written)
        self.written.clear()
        return octets

    # The house's side

    @property
    def is_encrypted(self) -> bool:
        """See Stream."""
        return self.tls is not None

    @property
    def can_start_tls(self) -> bool:
        """See Stream."""
        return self._offers_tls is not None and self.tls is None

    def speak_for(self, client: Peer) -> None:
        """See Stream."""
        self.peer = client
        self.tls = None if self.tls is None else self.tls.relayed()

    async def introduce(self) -> None:
        """See Stream."""

    async def secure(self) -> None:
        """See Stream."""

    def secure_now(self) -> bool:
        """See Stream."""
        self._check()
        return True

    async def start_tls(self, last_words: bytes) -> None:
        """See Stream."""
        self.write(last_words)
        if self._incoming:
            self.abort()
            raise NotSecured("octets before the handshake")
        self.tls = self._offers_tls

    def set_deadline(self, seconds: float | None) -> None:
        """See Stream."""
        self.deadline = seconds

    async def read(self) -> bytes:
        """See Stream."""
        while (octets := self.read_now()) is None:
            await self._wait()
        return octets

    def read_now(self) -> bytes | None:
        """See Stream."""
        if not self._incoming:
            self._check()
            return b"" if self._is_ended else None
        octets = bytes(self._incoming[: self._piece])
        del self._incoming[: len(octets)]
        return octets

    def attend(self, call: Callable[[], None] | None) -> None:
        """See Stream."""
        self._attendant = call
        if self.is_closed:
            self._tell()

    def write(self, octets: bytes) -> None:
        """See Stream."""
        if self.is_closed:
            return
        self.written += octets
        if self._cut_after is not None and len(self.written) >= self._cut_after:
            del self.written[self._cut_after :]
            self.abort()

    async def drain(self) -> None:
        """See Stream."""
        self._check()
        while self.is_stuck:
            await self._wait()
            self._check()

    @property
    def is_writable(self) -> bool:
        """See Stream."""
        return not self.is_stuck

    def leave(self, last_octets: bytes = b"") -> None:
        """See Stream."""
        self.write(last_octets)
        self.abort()

    @property
    def is_gone(self) -> bool:
        """See Stream."""
        return self.is_closed

    async def close(self, *, is_peer_sending: bool = False) -> None:
        """See Stream."""
        del is_peer_sending
        self.abort()

    def abort(self) -> None:
        """See Stream."""
        self.is_closed = True
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        if self._attendant is not None:
            asyncio.get_running_loop().call_soon(self._attend)

    def _attend(self) -> None:
        if self._attendant is not None:
            self._attendant()

    def _check(self) -> None:
        if self.is_closed:
            raise StreamClosed
        if self._is_expired:
            raise TimeoutError

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()
