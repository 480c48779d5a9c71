"""What the targets share: an input as a case, a machine driven to its end, and what it holds meanwhile.

The first four octets of an input choose (how things are answered, where the rest is cut, whether it is flooded), the
others are what the peer sends.
"""

import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from postane.wire.chart import Chart
from postane.wire.errors import RemoteProtocolError
from postane.wire.machine import PAUSED, Signal

HEAD = 4
"""Octets of an input that choose."""

FLOOD_FROM = 0xF8
"""The last octet that chooses, from here on: the last octet of the rest comes very often (a line end: but once)."""

FLOOD = 400_000
HELD_LIMIT = 200_000
"""Octets and entries a machine may hold between two pieces: a line of 64 KiB and 64 KiB that are used, and room."""

_OCTETS_LIMIT = 1200  # longer ones do not come octet by octet: each takes too long; a line's limit is within


@dataclass(frozen=True, slots=True)
class Case:
    """One input. `variant` is for the target to use."""

    variant: int
    octets: bytes
    pieces: list[bytes]

    def splits(self) -> list[list[bytes]]:
        """The octets in one, in pieces, and one by one."""
        whole = [self.octets] if self.octets else []
        if len(self.octets) > _OCTETS_LIMIT:
            return [whole, self.pieces]
        return [whole, self.pieces, [self.octets[at : at + 1] for at in range(len(self.octets))]]

    def check(self, run: Callable[[list[bytes]], object]) -> None:
        """Any split gives the same."""
        whole, *others = map(run, self.splits())
        for other in others:
            assert other == whole, f"another split gives something else\n{other!r}\n{whole!r}"


def read_case(data: bytes) -> Case:
    """The case that an input stands for."""
    variant, high, low, flood = data[:HEAD].ljust(HEAD, b"\0")
    octets = data[HEAD:]
    if flood >= FLOOD_FROM:
        octets += (octets[-1:].strip(b"\n") or b"x") * FLOOD
    dice = random.Random(high << 8 | low)
    cuts = sorted({dice.randrange(len(octets) + 1) for _ in range(dice.randint(1, 12))})
    pieces = [octets[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(octets)], strict=True)]
    return Case(variant, octets, [piece for piece in pieces if piece])


def converse(machine: Any, pieces: Iterable[bytes], react: Callable[[Any], object]) -> list[object]:
    """All that a machine gives, chunks of bodies joined, and what `react` makes of each event and each error.

    `react` is not asked about chunks: how many there are depends on the split.
    """
    seen: list[object] = []
    for piece in pieces:
        machine.feed(piece)
        for _ in range(2 * FLOOD):
            try:
                event = machine.next_event()
                if isinstance(event, Signal):
                    break
                if _join(seen, event):
                    continue
                seen += [event, react(event), machine.state]
            except RemoteProtocolError as error:
                seen.append((error.text, error.fault, error.fatal))
                if error.fatal:
                    return seen
                seen += [react(error), machine.state]
        else:
            raise AssertionError("events without an end")
        if event is PAUSED:
            return seen
        assert_small(machine, piece)
    return seen


def _join(seen: list[object], event: Any) -> bool:
    if type(event).__name__ != "BodyChunk":
        return False
    assert event.octets, "a chunk of nothing"
    if seen and type(seen[-1]) is type(event):
        event = type(event)(seen.pop().octets + event.octets)  # type: ignore[attr-defined]
    seen.append(event)
    return True


def assert_small(thing: object, piece: bytes, limit: int = HELD_LIMIT) -> None:
    """It holds no more than it may after a piece; not looked at after single octets, for there are never many."""
    if len(piece) > 1:
        assert (octets := held(thing)) <= limit, f"{type(thing).__name__} holds {octets}"


def held(thing: object) -> int:
    """Octets, characters and entries that are reached from it, apart from what never changes."""
    match thing:
        case Enum() | Chart():
            return 0
        case bytes() | bytearray() | str():
            return len(thing)
        case list() | tuple() | deque() | set() | frozenset():
            return len(thing) + sum(map(held, thing))
        case dict():
            return len(thing) + sum(map(held, thing.values()))
    if not any(kind.__module__.startswith("postane.") for kind in type(thing).__mro__):
        return 0
    names = {name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())}
    names |= set(getattr(thing, "__dict__", ()))
    return sum(held(getattr(thing, name, None)) for name in names)
