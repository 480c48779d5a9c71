"""One timer for the deadlines of all streams: one for each read would cost more than the read.

Must not know: sockets.
"""

import asyncio
from typing import Protocol


class Expiring(Protocol):
    """A stream whose waits end at a deadline."""

    def expire(self, now: float) -> None:
        """End the present wait if the deadline has passed; `now` is by the event loop's clock."""
        ...


class Deadlines:
    """Ends the waits of all streams that are past their deadline; looks every `period` seconds."""

    def __init__(self, period: float) -> None:
        self._period = period
        self._streams: set[Expiring] = set()

    def add(self, stream: Expiring) -> None:
        """Watch a stream."""
        self._streams.add(stream)

    def remove(self, stream: Expiring) -> None:
        """Watch it no longer."""
        self._streams.discard(stream)

    async def sweep_forever(self) -> None:
        """Run until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._period)
            now = loop.time()
            for stream in tuple(self._streams):
                stream.expire(now)
