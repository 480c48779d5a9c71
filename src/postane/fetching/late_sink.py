"""A destination that can only be made when its run begins: its password has to be asked for.

Must not know: which kind of destination it is.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from postane.sinks.base import Delivery, Parcel, Sink


class LateSink:
    """A Sink that `make` gives when it is opened. The rest is what the sink will say of itself."""

    def __init__(self, make: Callable[[], Awaitable[Sink]], name: str, *, can_tell: bool, group: int) -> None:
        self.name = name
        self.can_tell = can_tell
        self.group = group
        self._make = make
        self._sink: Sink | None = None

    @property
    def is_new(self) -> bool:
        """See Sink."""
        return self._sink is not None and self._sink.is_new

    async def open(self) -> None:
        """See Sink."""
        self._sink = await self._make()
        await self._sink.open()

    async def find(self, keys: Collection[str]) -> set[str]:
        """See Sink."""
        return await self._made.find(keys)

    async def resembling(self, wanted: Mapping[str, str]) -> set[str]:
        """See Sink."""
        return await self._made.resembling(wanted)

    async def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Delivery]:
        """See Sink."""
        return await self._made.deliver(parcels)

    async def close(self) -> None:
        """See Sink."""
        sink, self._sink = self._sink, None
        if sink is not None:
            await sink.close()

    @property
    def _made(self) -> Sink:
        assert self._sink is not None, "the run opens its sinks first"
        return self._sink
