"""Two workers beside one, on two cores that the driver needs a part of as well.

With one worker the server has a core and the driver the other. With two, all of them share both cores: what two workers
can do is then bounded by what is left of two cores. So beside it stands what they do that have a part of a core each,
with room for all (`share`).
"""

import multiprocessing
import time
from collections.abc import Callable

import driver
import load
import share
from figures import Part, Table, micro
from served import House, cores, say

MODES = ("sessions", "retr16", "lmtp16")
SECONDS, QUICK_SECONDS = 2.5, 1.0
SHARED_MODES = (*MODES, "lmtp16 polled")
"""With a part of a core each; the last one delivers to 200 drops, where lmtp16 has 16."""
SPIN = 0.4
"""Seconds of counting by which the machine's own two cores are compared with one."""


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
    held, findings = share.run(make, SHARED_MODES, quick=quick)
    return _part(found, machine_gain(), held, findings)


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


def _part(found: dict[tuple[str, int], load.Load], gain: float, held: Table, findings: list[str]) -> Part:
    head = ["load", "one: a second", "two: a second", "gain", "one: CPU each, us", "two: CPU each, us"]
    head += ["one: cores of server + driver", "two: the same"]
    rows = []
    for mode in MODES:
        one, two = found[mode, 1], found[mode, 2]
        shares = [f"{each.cores:.2f} + {each.driver_cores:.2f}" for each in (one, two)]
        rates = [f"{one.rate:,.0f}", f"{two.rate:,.0f}", f"{two.rate / one.rate:.2f}x"]
        rows.append([mode, *rates, micro(one.cpu), micro(two.cpu), *shares])
    remarks = [
        f"At full speed: two processes that only count do {gain:.2f} times what one does here, and the driver shares"
        " the two cores, so that the rate gains no more than it leaves.",
        f"Held to {share.SHARE:.0%} of a core each, there is room for all: this is what a second worker adds. Two"
        " servers share nothing with each other; what a unit costs more with them is the machine's.",
        "lmtp16 delivers to 16 drops, each of which both workers write to: who finds the other one's change reads pages"
        " again, and who comes while it is written waits. `lmtp16 polled` delivers to 200.",
    ]
    full = Table("Two workers beside one, at full speed", head, rows)
    return Part("workers", [held, full], remarks=remarks, findings=findings)
