"""A destination that is made when its run begins."""

import pytest

from postane.fetching.late_sink import LateSink
from postane.sinks.base import Outcome, SinkError
from support.fetching import MemorySink
from support.sink_houses import parcel


class Opened(MemorySink):
    """It says when it is opened and closed."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    async def open(self) -> None:
        self.calls.append("open")

    async def close(self) -> None:
        self.calls.append("close")


async def test_it_is_made_once_for_a_run_and_closed_with_it():
    made: list[Opened] = []

    async def make() -> Opened:
        made.append(Opened())
        return made[-1]

    sink = LateSink(make, "late", can_tell=True, group=7)
    assert (sink.name, sink.can_tell, sink.group, sink.is_new, made) == ("late", True, 7, False, [])
    await sink.open()
    assert [each.outcome for each in await sink.deliver([parcel(1)])] == [Outcome.DELIVERED]
    assert await sink.find([parcel(1).key, parcel(2).key]) == {parcel(1).key}
    made[0].is_new = True
    assert sink.is_new
    await sink.close()
    await sink.close()
    assert made[0].calls == ["open", "close"]
    await sink.open()
    assert len(made) == 2


async def test_one_that_cannot_be_made_is_told_and_closes():
    async def make() -> Opened:
        raise SinkError("its password is not said", may_pass=False)

    sink = LateSink(make, "late", can_tell=False, group=1)
    with pytest.raises(SinkError, match="its password is not said"):
        await sink.open()
    await sink.close()


async def test_one_that_cannot_be_opened_is_closed_all_the_same():
    inner = Opened()

    async def fail() -> None:
        raise SinkError("nobody is there")

    inner.open = fail  # type: ignore[method-assign]

    async def make() -> Opened:
        return inner

    sink = LateSink(make, "late", can_tell=False, group=1)
    with pytest.raises(SinkError, match="nobody is there"):
        await sink.open()
    await sink.close()
    assert inner.calls == ["close"]
