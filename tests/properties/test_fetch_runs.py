"""Runs to several destinations, in any order of mishaps: nothing is lost, deleted too early or held back, and who can
tell what it has gets nothing twice."""

import asyncio
import gc
import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from postane.fetch.account import Keep, KeepKind
from postane.fetch.progress import Progress
from postane.fetch.run import fetch
from postane.journal.base import JournalError
from postane.journal.memory import MemoryJournal, MemoryRun
from postane.sinks.base import Delivery, Outcome, Parcel, SinkError
from support.fetching import Bench, Mail, mail

WELL = 6
"""Runs without a mishap in which all has to come to its end."""


class Killed(BaseException):
    """The process is gone."""


class Chance:
    """What goes wrong, and how often something did after which nobody can know what was delivered."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.is_well = False
        self.is_dead = False
        self.unknown = 0

    def strikes(self, likelihood: float) -> bool:
        return not self.is_well and self.rng.random() < likelihood


class Destination:
    """It puts down whatever it is given, as often as it is given it."""

    is_new = False

    def __init__(self, name: str, chance: Chance, *, can_tell: bool) -> None:
        self.name = name
        self.can_tell = can_tell
        self.group = chance.rng.choice((3, 100)) if can_tell else 1
        self.has = Counter[str]()
        self._chance = chance

    async def open(self) -> None:
        if self._chance.strikes(0.3):
            raise SinkError("it is shut")

    async def find(self, keys: Collection[str]) -> set[str]:
        if self._chance.strikes(0.1):
            raise SinkError("it does not answer")
        return {key for key in keys if self.can_tell and self.has[key]}

    async def resembling(self, wanted: Mapping[str, str]) -> set[str]:
        return set()

    async def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Delivery]:
        return [await self._deliver(parcel) for parcel in parcels]

    async def _deliver(self, parcel: Parcel) -> Delivery:
        await asyncio.sleep(0)
        if self._chance.strikes(0.1):
            return Delivery(self._chance.rng.choice((Outcome.DEFERRED, Outcome.REFUSED)), "full")
        if self._chance.strikes(0.04):
            raise SinkError("the disk is full")
        self.has[parcel.key] += 1
        if self._chance.strikes(0.08):
            self._chance.unknown += 1
            raise SinkError("the line broke before the answer")
        if self._chance.strikes(0.02):
            self._chance.is_dead = True
            self._chance.unknown += 1
            raise Killed
        return Delivery(Outcome.DELIVERED)

    async def close(self) -> None:
        pass


class State(MemoryRun):
    """A run whose disk may be full, and whose process may be dead."""

    chance: Chance

    def _check(self) -> None:
        if self.chance.is_dead:
            raise JournalError("nobody writes any more")
        if self.chance.strikes(0.01):
            self.chance.unknown += 1
            raise JournalError("the disk is full", may_pass=True)
        super()._check()

    async def finish(self, *, is_clean: bool) -> None:
        is_written = not self.chance.is_dead and not self.chance.strikes(0.05)
        await super().finish(is_clean=is_clean and is_written)
        if not is_written:
            raise JournalError("the disk is full", may_pass=True)


class States(MemoryJournal):
    """The journal of those."""

    def __init__(self, chance: Chance, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self._chance = chance

    async def begin(self, account: str) -> MemoryRun:
        run = await super().begin(account)
        run.__class__ = State
        run.chance = self._chance  # type: ignore[attr-defined]
        return run


async def one_run(bench: Bench, chance: Chance) -> None:
    """It may be stopped, or killed, at any moment."""
    bench.server.commits = not chance.strikes(0.1)
    bench.server.breaks_after = 1500 if chance.strikes(0.2) else None
    chance.is_dead = False
    run = asyncio.create_task(fetch(bench.job(), bench.journal, Progress("work", lambda: bench.at)))
    if chance.strikes(0.4):
        for _ in range(chance.rng.randrange(25)):
            await asyncio.sleep(0)
        run.cancel()  # once: who is asked twice ends as if killed
    with suppress(asyncio.CancelledError):
        await asyncio.wait([run])
    if not run.cancelled() and not isinstance(run.exception(), Killed):
        run.result()


async def live(seed: int) -> None:
    chance, told = Chance(seed), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    rng = chance.rng
    sinks = [Destination(f"to{number}", chance, can_tell=rng.random() < 0.6) for number in range(rng.choice((1, 2, 3)))]
    wishes = {"keep": Keep(rng.choice((KeepKind.NONE, KeepKind.ALL)))}
    if rng.random() < 0.4:
        wishes["expunge_every"] = rng.choice((1, 4))  # type: ignore[assignment]
    bench = Bench(**wishes)
    bench.sinks = sinks  # type: ignore[assignment]
    bench.journal = States(chance, lambda: bench.at)
    all_ = list[Mail]()

    def check(*, at_the_end: bool = False) -> None:
        there = {each.uidl for each in bench.server.mails}
        for each in all_:
            has = {sink.name: sink.has[bench.key(each.uidl or "")] for sink in sinks}
            if at_the_end or each.uidl not in there:
                assert all(has.values()), f"{each.uidl} is at {has}, and at the server: {each.uidl in there}"
            for sink in sinks:
                most = 1 if sink.can_tell else 1 + chance.unknown
                assert has[sink.name] <= most, (
                    f"{each.uidl} is {has[sink.name]} times at {sink.name} ({chance.unknown})"
                )

    for _ in range(rng.randrange(2, 12)):
        for _ in range(rng.choice((0, 3, 12))):
            all_.append(mail(len(all_) + 1))
            bench.server.mails.append(all_[-1])
        await one_run(bench, chance)
        check()
    chance.is_well = True
    for _ in range(WELL):
        await one_run(bench, chance)
        check()
    check(at_the_end=True)
    if bench.account.keep.kind is KeepKind.NONE:
        assert not bench.server.mails
    gc.collect(1)
    assert not told, "what went wrong is nobody's"


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9))
def test_in_any_order_of_mishaps_nothing_is_lost_or_doubled_or_held_back(seed):
    asyncio.run(live(seed))
