"""A Link whose server keeps to a dialogue: for each thing that the client should say, what is answered."""

import asyncio

from postane.net.base import Certificate, LinkLost
from postane.net.stream import Peer, TlsFacts


class DialogueLink:
    """`turns` are what the client must say, and the answer. After the last one the server closes its side, unless it
    `hangs`. `piece` octets at most are given by one read. What the client says otherwise is in `said`, not answered."""

    def __init__(
        self,
        greeting: bytes,
        *turns: tuple[bytes, bytes],
        piece: int = 65536,
        hangs: bool = False,
        private: bool = True,
    ) -> None:
        self.peer = Peer("192.0.2.1", 109)
        self.tls: TlsFacts | None = None
        self.certificate: Certificate | None = None
        self.is_private = private
        self.is_writable = True
        self.said: list[bytes] = []
        self.is_closed = False
        self.is_aborted = False
        self._coming = greeting
        self._turns = list(turns)
        self._piece = piece
        self._hangs = hangs

    @property
    def is_done(self) -> bool:
        """Whether all of the dialogue was held."""
        return not self._turns and not self._coming

    def write(self, octets: bytes) -> None:
        self.said.append(octets)
        if self._turns and self._turns[0][0] == octets:
            self._coming += self._turns.pop(0)[1]
        else:
            self._turns.clear()

    async def read(self) -> bytes:
        while (octets := self.read_now()) is None:
            await asyncio.Event().wait()
        return octets

    def read_now(self) -> bytes | None:
        if self.is_aborted:
            raise LinkLost("the connection is closed")
        octets, self._coming = self._coming[: self._piece], self._coming[self._piece :]
        return octets or (None if self._hangs else b"")

    async def drain(self) -> None:
        """There is always room."""

    async def start_tls(self) -> None:
        raise AssertionError("nobody asked for TLS")

    async def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_aborted = True
