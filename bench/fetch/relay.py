"""A relay that adds time to the way: what comes in on one side goes out on the other so much later, in order.

    python relay.py PORT MILLISECONDS     # prints the port that it listens on

Half of the time is added each way, as a longer line would add it; how much crosses in it is not limited.
"""

import asyncio
import sys
from collections import deque
from typing import cast

import uvloop


class Side(asyncio.Protocol):
    """One end: what it hears is said at the other end when its time has come."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._late: deque[tuple[float, bytes]] = deque()
        self._is_waiting = False
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        self._later(data)

    def eof_received(self) -> bool:
        self._later(b"")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._later(b"")

    def _later(self, octets: bytes) -> None:
        self._late.append((self._loop.time() + self._seconds, octets))
        self._pass_on()

    def _pass_on(self) -> None:
        now = self._loop.time()
        while self._late and self._late[0][0] <= now:
            self._say(self._late.popleft()[1])
        if self._late and not self._is_waiting:
            self._is_waiting = True
            self._loop.call_at(self._late[0][0], self._wake)

    def _wake(self) -> None:
        self._is_waiting = False
        self._pass_on()

    def _say(self, octets: bytes) -> None:
        transport = self.other.transport if self.other is not None else None
        if transport is None or transport.is_closing():
            return
        if octets:
            transport.write(octets)
        else:
            transport.close()


async def relay(port: int, seconds: float) -> asyncio.Server:
    """Listen on a free port of loopback and relay to `port` of it, `seconds` later each way."""
    loop = asyncio.get_running_loop()

    class Near(Side):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self._far = loop.create_task(self._reach())

        async def _reach(self) -> None:
            far = Side(seconds)
            far.other = self
            await loop.create_connection(lambda: far, "127.0.0.1", port)
            self.other = far
            self._pass_on()

        def _say(self, octets: bytes) -> None:
            if self.other is None or self.other.transport is None:
                self._late.appendleft((loop.time(), octets))
                loop.call_later(0.001, self._pass_on)
            else:
                super()._say(octets)

    return await loop.create_server(lambda: Near(seconds), "127.0.0.1", 0)


async def _main() -> None:
    server = await relay(int(sys.argv[1]), float(sys.argv[2]) / 2000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main())
