"""Two workers beside one, on two cores that the driver needs a part of as well.

With one worker the server has a core and the driver the other. With two, all of them share both cores: what two workers
can do is then bounded by what is left of two cores, and what two cores can do is less than twice of one where they are
two threads of one. So beside the rate stands what a unit cost: where that stays, twice the cores do twice the work.
"""

import multiprocessing
import time
from collections.abc import Callable

import driver
import load
from figures import Part, Table, micro
from served import House, cores, say

MODES = ("sessions", "retr16", "lmtp16")
SECONDS, QUICK_SECONDS = 2.5, 1.0
SPIN = 0.4
"""Seconds of counting by which the machine's own two cores are compared with one."""
DEARER = 1.35
"""A unit that costs so many times more with two workers is a finding."""


def run(make: Callable[..., House], *, quick: bool) -> Part:
    """All loads with one worker, and with two."""
    both = cores()
    if len(both) < 2:
        return Part("workers", [], remarks=["There is one core only: nothing to compare."])
    driver.build()
    seconds = QUICK_SECONDS if quick else SECONDS
    house = make("workers")
    load.fill_load(house)
    found: dict[tuple[str, int], load.Load] = {}
    for workers in (1, 2):
        house.configure({"server": {"workers": workers, "drain": "1s"}})
        house.start({both[0]} if workers == 1 else set(both))
        try:
            for mode in MODES:
                found[mode, workers] = load.apply(house, mode, seconds, both[-1] if workers == 1 else None)
                done = found[mode, workers]
                say(f"workers: {mode}, {workers}: {done.rate:,.0f}/s, {micro(done.cpu)} us each")
        finally:
            house.stop()
    return _part(found, machine_gain())


def machine_gain() -> float:
    """How much more two processes count than one does, on this machine now: 2.0 where its cores are whole."""
    alone = sum(_count_together(1))
    return sum(_count_together(2)) / alone


def _count_together(processes: int) -> list[int]:
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        return pool.map(_count, [time.monotonic() + 0.1] * processes, chunksize=1)


def _count(begin: float) -> int:
    while time.monotonic() < begin:
        pass
    counted, end = 0, begin + SPIN
    while time.monotonic() < end:
        counted += 1
    return counted


def _part(found: dict[tuple[str, int], load.Load], gain: float) -> Part:
    head = ["load", "one: a second", "two: a second", "gain", "one: CPU each, us", "two: CPU each, us"]
    head += ["one: cores of server + driver", "two: the same", "two: what two whole cores would do"]
    rows, findings = [], []
    for mode in MODES:
        one, two = found[mode, 1], found[mode, 2]
        shares = [f"{each.cores:.2f} + {each.driver_cores:.2f}" for each in (one, two)]
        rates = [f"{one.rate:,.0f}", f"{two.rate:,.0f}", f"{two.rate / one.rate:.2f}x"]
        possible = 2 / two.cpu / (one.rate * max(1.0, one.cores) if one.cores > 0.95 else 1 / one.cpu)
        rows.append([mode, *rates, micro(one.cpu), micro(two.cpu), *shares, f"{possible:.2f}x of one"])
        if two.cpu > DEARER * one.cpu:
            findings.append(f"{mode}: a unit costs {two.cpu / one.cpu:.2f} times as much with two workers as with one")
    remarks = [
        f"Two processes that only count do {gain:.2f} times what one does here: more than that nothing can gain.",
        "The driver runs on the same two cores: the gain of the rate is bounded by what it leaves.",
        "The last column is what the units' cost says: two cores for the server alone, against one for one worker.",
    ]
    return Part("workers", [Table("Two workers beside one", head, rows)], remarks=remarks, findings=findings)
