"""How long a start takes: with an empty store, with very many drops, with a very large one; and its first session."""

import time
from collections.abc import Callable

import drops
import sizes
from figures import Part, Table
from peers import PASSWORD
from served import House, cores, say
from talk import Talk

TIMES = 3
SLOWER = 3.0
"""A start that takes so many times that of an empty store is a finding."""


def run(make: Callable[..., House], is_made: Callable[[str], bool], size: int, number: int) -> Part:
    """Start each store a few times; the stores are those of the other parts, where they were filled already."""
    empty = make("empty")
    empty.add_accounts(["nobody"], ["nobody"])
    large, many = _large(make, is_made, size), _many(make, is_made, number)
    looks = [
        ("an empty store", empty, "nobody"),
        (f"{number:,} drops and accounts", many, drops.name_of(0)),
        (f"a drop of {size:,} messages", large, sizes.name_of(size)),
    ]
    rows, ready = [], []
    for name, house, account in looks:
        started, first, listed = zip(*(_start(house, account) for _ in range(TIMES)), strict=True)
        ready.append(sorted(started)[TIMES // 2])
        rows.append([name, *(f"{sorted(each)[TIMES // 2] * 1000:,.1f}" for each in (started, first, listed))])
        say(f"start: {name}: {ready[-1]:.2f} s")
    findings = [
        f"{looks[index][0]}: ready after {each:.2f} s, an empty store after {ready[0]:.2f} s"
        for index, each in enumerate(ready)
        if each > SLOWER * ready[0]
    ]
    head = ["the store has", "until ready, ms", "connect to STAT, ms", "first RETR in it, ms"]
    remarks = ["The files are in the system's cache. The first login of an account costs its slow hash as well."]
    return Part("start", [Table("A start, and the first session after it", head, rows)], (), remarks, findings)


def _large(make: Callable[..., House], is_made: Callable[[str], bool], size: int) -> House:
    is_filled = is_made("sizes")
    house = make("sizes")
    if not is_filled:
        house.add_accounts([sizes.name_of(size)])
        say(f"start: filling {size:,} messages: {sizes.fill_one(house, size):.1f} s")
    return house


def _many(make: Callable[..., House], is_made: Callable[[str], bool], number: int) -> House:
    is_filled = is_made("drops")
    house = make("drops")
    if not is_filled:
        say(f"start: filling {number:,} drops")
        drops.grow(house, 0, number)
    return house


def _start(house: House, account: str) -> tuple[float, float, float]:
    """Seconds until it was ready, from connecting to STAT's answer, and of a RETR in that session."""
    took = house.start({cores()[0]})
    try:
        begun = time.monotonic()
        with Talk(house.ports["pop3"]).enter(account, PASSWORD) as talk:
            messages = int(talk.ask("STAT").split()[1])
            stat = time.monotonic()
            if messages:
                talk.ask_many("RETR 1")
            return took, stat - begun, time.monotonic() - stat
    finally:
        house.stop()
