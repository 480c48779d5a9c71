"""What two workers do that have as much of a core each as one has alone, and two servers that share nothing.

On two cores a driver, two workers at full speed and whatever else the machine does are one too many: the rate tells who
got which part of a core. So each worker is held to the same share (`governor`), one on each core, and there is room for
all. Two servers with a store each, at the same load, are what no worker could be better than: what a unit costs more
with them is the machine's, and what it costs more with two workers of one server is ours.

The three take turns of a second each, because the machine is faster in one minute than in the next.
"""

import contextlib
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import load
from figures import Table, micro
from governor import Governor
from served import House, cores, say

SHARE = 0.4
"""Of a core, for each worker: two of them and a driver leave a third of two cores to others."""
SECONDS = 0.8
TURNS, QUICK_TURNS = 4, 2
SETTINGS = ("one worker", "two workers", "two servers")
NEARLY_TWICE = 1.7
MEETING = frozenset({"lmtp16"})
"""Loads in which both workers write to the same drops and wait for each other: told, and no finding."""
OURS = 1.2
"""A unit that costs so many times more with two workers than with two servers is a finding."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Units a second, and seconds of processor time for one of them."""

    rate: float
    cpu: float


def run(make: Callable[..., House], modes: Sequence[str], *, quick: bool) -> tuple[Table, list[str]]:
    """All loads in all settings: the table, and what asks for a mend."""
    houses = {name: make(name) for name in ("alone", "beside", "both")}
    with contextlib.ExitStack() as stack:
        for name, house in houses.items():
            load.fill_load(house)
            house.configure({"server": {"workers": 2 if name == "both" else 1, "drain": "1s"}})
            house.start()
            stack.callback(house.stop)
        _spread([houses["both"]])
        _spread([houses["alone"], houses["beside"]])
        sets = dict(
            zip(SETTINGS, ([houses["alone"]], [houses["both"]], [houses["alone"], houses["beside"]]), strict=True)
        )
        found = {mode: _take_turns(sets, mode, quick=quick) for mode in modes}
    return table_of(found), findings(found)


def _take_turns(sets: Mapping[str, Sequence[House]], mode: str, *, quick: bool) -> dict[str, list[Turn]]:
    found: dict[str, list[Turn]] = {name: [] for name in sets}
    for number in range(QUICK_TURNS if quick else TURNS):
        for name, houses in sets.items():
            found[name].append(_load(houses, mode, 1600 if number == 0 else 0))
            done = found[name][-1]
            say(f"workers: {mode}, {name} held to {SHARE:.0%} of a core: {done.rate:,.0f}/s, {micro(done.cpu)} us each")
    return found


def _load(houses: Sequence[House], mode: str, warm: int) -> Turn:
    """The same load for each of the houses, at once."""
    workers = [pid for house in houses for pid in house.workers()]
    with Governor(workers, SHARE), ThreadPoolExecutor(len(houses)) as pool:
        each = list(pool.map(lambda house: load.apply(house, mode, SECONDS, None, warm), houses))
    rate = sum(done.rate for done in each)
    return Turn(rate, sum(done.rate * done.cpu for done in each) / rate)


def _spread(houses: Sequence[House]) -> None:
    """One worker on each core, with the threads that it has and will have."""
    places = cores()
    for number, pid in enumerate(pid for house in houses for pid in house.workers()):
        for thread in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(thread), {places[number % len(places)]})


def gain(found: Mapping[str, Sequence[Turn]], name: str) -> float:
    """How many times as much as one worker: the median of the turns, each beside the one worker of its own time."""
    return statistics.median(some.rate / one.rate for some, one in zip(found[name], found[SETTINGS[0]], strict=True))


def dearer(found: Mapping[str, Sequence[Turn]], name: str, than: str) -> float:
    """How many times as much a unit costs as in another setting, likewise."""
    return statistics.median(some.cpu / other.cpu for some, other in zip(found[name], found[than], strict=True))


def table_of(found: Mapping[str, Mapping[str, Sequence[Turn]]]) -> Table:
    """A row for each load."""
    one, two, apart = SETTINGS
    head = ["load", "one worker: a second", "two workers", "gain", "two servers", "gain"]
    head += ["one worker: CPU each, us", "two workers", "two servers", "two workers by two servers"]
    rows = []
    for mode, turns in found.items():
        rates = {name: f"{statistics.median(turn.rate for turn in turns[name]):,.0f}" for name in SETTINGS}
        costs = [micro(statistics.median(turn.cpu for turn in turns[name])) for name in SETTINGS]
        gains = {name: f"{gain(turns, name):.2f}x" for name in (two, apart)}
        row = [mode, rates[one], rates[two], gains[two], rates[apart], gains[apart]]
        rows.append([*row, *costs, f"{dearer(turns, two, apart):.2f}x"])
    return Table(f"Each worker held to {SHARE:.0%} of a core", head, rows)


def findings(found: Mapping[str, Mapping[str, Sequence[Turn]]]) -> list[str]:
    """What is ours to mend: what two servers that share nothing do not suffer."""
    _, two, apart = SETTINGS
    said = []
    for mode, turns in found.items():
        if mode in MEETING:
            continue
        gained, possible = gain(turns, two), gain(turns, apart)
        if gained < min(NEARLY_TWICE, possible * NEARLY_TWICE / 2):
            said.append(f"{mode}: two workers do {gained:.2f} times what one does, two servers {possible:.2f} times")
        if (ratio := dearer(turns, two, apart)) > OURS:
            said.append(f"{mode}: a unit costs {ratio:.2f} times as much with two workers as with two servers")
    return said
