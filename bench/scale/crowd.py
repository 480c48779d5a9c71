"""Clients that log in and then say nothing, in a process of their own: `crowd.py PORT plain|tls PREFIX ACCOUNTS`.

It reads lines "grow TO" from standard input, says "stands N" when so many stand, and ends with its input.
"""

import asyncio
import ssl
import sys
from pathlib import Path
from typing import cast

import uvloop

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

from peers import PASSWORD
from served import prepare
from talk import trusting

AT_ONCE = 48
"""Logins on their way at the same time."""
PATIENCE = 30.0
"""Seconds that one may take."""


class Guest(asyncio.Protocol):
    """One client: it answers the server with its next line until STAT is answered."""

    def __init__(self, name: str) -> None:
        self.stands: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines = [f"USER {name}\r\n", f"PASS {PASSWORD}\r\n", "STAT\r\n"]
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if self.stands.done():
            return
        if not data.startswith(b"+OK"):
            self.stands.set_exception(RuntimeError(data.decode(errors="replace").strip()))
        elif self._lines:
            self._transport.write(self._lines.pop(0).encode())
        else:
            self.stands.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.stands.done():
            self.stands.set_exception(exc or RuntimeError("the server hung up"))


async def main(port: int, kind: str, prefix: str, accounts: int) -> None:
    """Grow when told to."""
    loop = asyncio.get_running_loop()
    context: ssl.SSLContext | None = trusting() if kind == "tls" else None
    guests: list[Guest] = []
    gate = asyncio.Semaphore(AT_ONCE)

    async def enter(number: int) -> None:
        async with gate:
            _, guest = await loop.create_connection(
                lambda: Guest(f"{prefix}{number % accounts}"), "127.0.0.1", port, ssl=context
            )
            async with asyncio.timeout(PATIENCE):
                await guest.stands
            guests.append(guest)

    while line := await asyncio.to_thread(sys.stdin.readline):
        await asyncio.gather(*(enter(number) for number in range(len(guests), int(line.split()[1]))))
        print("stands", len(guests), flush=True)


if __name__ == "__main__":
    prepare(None)
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
