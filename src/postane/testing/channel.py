"""One connection of a fake server: lines in, octets out, and the faults that strike on the way.

Must not know: what is said.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .faults import BareLf, DropAfter, Latency, NoPipelining, Stall, Troubles

PIECE = 64 * 1024
LINE_LIMIT = 64 * 1024
LOGGED = 1000
"""Octets of one answer that are kept in the log."""


class Gone(Exception):
    """The connection is over, by the client or by a fault."""


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the transcript: `connection` counts from 1; a long answer is cut."""

    connection: int
    is_client: bool
    octets: bytes = field(repr=False)

    def __str__(self) -> str:
        words = self.octets.decode("utf-8", "backslashreplace").rstrip("\r\n").replace("\r\n", "\n     ")
        return f"{self.connection} {'C' if self.is_client else 'S'}: {words}"


class Channel:
    """Lines of the client, answers of the server; `log` is told of both."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        troubles: Troubles,
        log: Callable[[bool, bytes], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._troubles = troubles
        self._log = log
        self._buffer = b""
        self._is_lone = bool(troubles.every(NoPipelining))
        self._has_bare_lf = bool(troubles.every(BareLf))
        drop = troubles.strike(DropAfter)
        self._left = None if drop is None else drop.octets
        self._unlogged = 0
        self._held = b""  # a CR whose LF may come with the next piece

    async def line(self) -> bytes:
        """What the client says next, without the line end. Raises Gone."""
        while b"\n" not in self._buffer:
            octets = await self._read()
            self._buffer += octets
            if len(self._buffer) > LINE_LIMIT and b"\n" not in self._buffer:
                raise Gone
        line, _, rest = self._buffer.partition(b"\n")
        self._buffer = b"" if self._is_lone else rest
        self._log(True, line + b"\n")
        return line.rstrip(b"\r")

    async def send(self, verb: str, pieces: Iterable[bytes]) -> None:
        """Say these octets, which answer a verb. Raises Gone."""
        for latency in self._troubles.every(Latency):
            await asyncio.sleep(latency.seconds)
        stall = self._troubles.strike(Stall, lambda fault: fault.verb == verb)
        left = None if stall is None else stall.after
        self._unlogged = LOGGED
        for piece in pieces:
            if left is not None and len(piece) > left:
                await self._write(piece[:left])
                await self._silence()
            left = None if left is None else left - len(piece)
            await self._write(piece)
        if stall is not None:
            await self._silence()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Hold the handshake; what the client has said before it is forgotten. Raises Gone."""
        self._buffer = b""
        await self._writer.start_tls(context)

    async def _write(self, octets: bytes) -> None:
        if self._has_bare_lf:
            octets = self._held + octets
            self._held = b"\r" if octets.endswith(b"\r") else b""
            octets = octets.removesuffix(b"\r").replace(b"\r\n", b"\n")
        if self._left is not None:
            octets = octets[: self._left]
            self._left -= len(octets)
        if self._unlogged and octets:
            self._log(False, octets[: self._unlogged])
            self._unlogged = max(0, self._unlogged - len(octets))
        self._writer.write(octets)
        await self._writer.drain()
        if self._left == 0:
            raise Gone

    async def _silence(self) -> None:
        while True:
            await self._read()

    async def _read(self) -> bytes:
        octets = await self._reader.read(PIECE)
        if not octets:
            raise Gone
        return octets
