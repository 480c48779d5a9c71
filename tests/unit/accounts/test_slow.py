"""Slow work: how much at once, who is first, who is turned away."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from postane.accounts.base import AccountsUnavailable
from postane.accounts.slow import SlowWork


class Mill:
    """Slow work with one thread, which is busy until it is let go."""

    def __init__(self) -> None:
        self.slow = SlowWork(threads=1, waiting=3)
        self.done: list[str] = []
        self._go = threading.Event()

    def grind(self, name: str) -> str:
        assert self._go.wait(20)
        self.done.append(name)
        return name.upper()

    async def ask(self, *names: str) -> "list[asyncio.Task[str]]":
        tasks = []
        for name in names:
            tasks.append(asyncio.create_task(self.slow.do(self.grind, name)))
            await asyncio.sleep(0)
        return tasks

    def let_go(self) -> None:
        self._go.set()


@pytest.fixture
async def mill() -> AsyncIterator[Mill]:
    mill = Mill()
    yield mill
    mill.let_go()
    mill.slow.close()


async def test_the_newest_is_first(mill: Mill) -> None:
    tasks = await mill.ask("a", "b", "c", "d")
    mill.let_go()
    assert await asyncio.gather(*tasks) == ["A", "B", "C", "D"]
    assert mill.done == ["a", "d", "c", "b"]


async def test_of_too_many_the_oldest_is_turned_away(mill: Mill) -> None:
    tasks = await mill.ask("a", "b", "c", "d", "e", "f")
    for task in tasks[1:3]:
        with pytest.raises(AccountsUnavailable, match="more logins than"):
            await task
    mill.let_go()
    assert await asyncio.gather(tasks[0], *tasks[3:]) == ["A", "D", "E", "F"]


async def test_who_goes_away_leaves_the_place_to_others(mill: Mill) -> None:
    running, first, second = await mill.ask("a", "b", "c")
    second.cancel()
    await asyncio.sleep(0)
    running.cancel()
    mill.let_go()
    assert await first == "B"
    assert await asyncio.gather(running, second, return_exceptions=True) != ["A", "C"]
    assert await asyncio.gather(*await mill.ask("e", "f")) == ["E", "F"]
    assert "c" not in mill.done


async def test_who_goes_away_when_the_turn_has_come_passes_it_on(mill: Mill) -> None:
    (running,) = await mill.ask("a")
    first, second = await mill.ask("b", "c")
    mill.let_go()
    await running
    second.cancel()
    assert await first == "B"
    assert (await asyncio.gather(*await mill.ask("e"))) == ["E"]


async def test_what_fails_fails_for_whom_it_was_done(mill: Mill) -> None:
    mill.let_go()
    with pytest.raises(ValueError, match="invalid literal"):
        await mill.slow.do(int, "x")
    assert await mill.slow.do(int, "5") == 5


async def test_who_goes_while_being_turned_away_gives_no_turn_back(mill: Mill) -> None:
    """Nobody had one: else each such moment would let one more begin at once, for ever."""
    await mill.ask("running")
    tasks = await mill.ask("oldest", "b", "c")
    newest = asyncio.create_task(mill.slow.do(mill.grind, "newest"))
    asyncio.get_running_loop().call_soon(tasks[0].cancel)  # in the same turn as it is turned away
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert tasks[0].done()
    waiting = [*tasks[1:], newest]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    assert len(mill.slow._waiting) == len(waiting), "all others still wait for the one thread"
    mill.let_go()
    assert await asyncio.gather(*waiting) == ["B", "C", "NEWEST"]
