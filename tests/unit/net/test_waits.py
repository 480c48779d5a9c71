"""One timer for many waits, on a clock of the test's own."""

import asyncio

import pytest

from postane.net.base import TooSlow
from postane.net.waits import INFINITE, Wait


class Clock(asyncio.SelectorEventLoop):
    """An event loop whose time goes on when the test says so; `timers` counts what was set."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.timers = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when, callback, *args, context=None):
        self.timers += 1
        return super().call_at(when, callback, *args, context=context)


@pytest.fixture
def clock():
    with asyncio.Runner(loop_factory=Clock) as runner:
        yield runner


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def test_many_waits_cost_one_timer(clock):
    async def play() -> None:
        loop = asyncio.get_running_loop()
        place = Wait(60, "nothing has come")
        for _ in range(100):
            waiting = asyncio.create_task(place.wait())
            await turn()
            place.wake()
            await waiting
        assert loop.timers == 1
        place.end()

    clock.run(play())


def test_a_wait_ends_after_its_own_time_and_not_after_that_of_an_earlier_one(clock):
    async def play() -> None:
        loop = asyncio.get_running_loop()
        place = Wait(60, "nothing has come")
        first = asyncio.create_task(place.wait())
        await turn()
        place.wake()
        await first
        loop.now += 30
        second = asyncio.create_task(place.wait())
        await turn()
        loop.now += 40  # the timer of the first one rings
        await turn()
        assert not second.done()
        loop.now += 20
        await turn()
        with pytest.raises(TooSlow, match="nothing has come for 60 s"):
            await second

    clock.run(play())


def test_nobody_waits_when_it_rings(clock):
    async def play() -> None:
        loop = asyncio.get_running_loop()
        place = Wait(60, "nothing has come")
        waiting = asyncio.create_task(place.wait())
        await turn()
        place.wake()
        await waiting
        loop.now += 61
        await turn()
        again = asyncio.create_task(place.wait())
        await turn()
        assert loop.timers == 2
        place.end()
        await again

    clock.run(play())


def test_who_is_cancelled_leaves_the_place(clock):
    async def play() -> None:
        place = Wait(INFINITE, "nothing has come")
        waiting = asyncio.create_task(place.wait())
        await turn()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        place.wake()
        again = asyncio.create_task(place.wait())
        await turn()
        assert not again.done()
        place.wake()
        await again
        assert asyncio.get_running_loop().timers == 0

    clock.run(play())


def test_one_waits_at_a_time(clock):
    async def play() -> None:
        place = Wait(60, "nothing has come")
        waiting = asyncio.create_task(place.wait())
        await turn()
        with pytest.raises(RuntimeError):
            await place.wait()
        place.end()
        await waiting

    clock.run(play())


def test_waits_that_go_on_have_one_time_together(clock):
    async def play() -> None:
        loop = asyncio.get_running_loop()
        place = Wait(60, "nothing has come")
        for goes_on in (False, True):
            waiting = asyncio.create_task(place.wait(goes_on=goes_on))
            await turn()
            loop.now += 25
            place.wake()
            await waiting
            loop.now += 1000  # nobody waits
        last = asyncio.create_task(place.wait(goes_on=True))
        await turn()
        loop.now += 9
        await turn()
        assert not last.done()
        loop.now += 1
        await turn()
        with pytest.raises(TooSlow):
            await last
        again = asyncio.create_task(place.wait(goes_on=True))
        await turn()
        loop.now += 59
        await turn()
        assert not again.done()
        place.end()
        await again

    clock.run(play())
