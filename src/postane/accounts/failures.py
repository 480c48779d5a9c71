"""What all workers remember together of logins that failed: small records in memory that they share.

A record is one word of eight octets: a tag (a part of its key's keyed hash), a count, the time of its last note. A word
is written by one store, so nobody ever sees half a record, a worker that is killed at any instant leaves nothing half
behind, and there is no lock that it could take with it. Two workers that note the same key within the same microsecond
may count it once: a guess costs milliseconds of hashing, so there is nothing to win by that.

Records lie in groups, the hash tells which. A full group lets go of what is over, then of the smallest count, then of
the oldest: who notes a million names once pushes nobody out who has failed twice. The hash's key is secret, so
nobody can aim at another's record.

Must not know: what is counted, and what follows from it.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

WORD = 8
"""Octets of a record."""

WAYS = 8
"""Records of a group: a line of a processor's cache."""

TAG_BITS, COUNT_BITS, TIME_BITS = 28, 8, 28
"""A stranger's record is taken for one's own once in 2**28 / WAYS, thirty million, keys."""

COUNT_LIMIT = (1 << COUNT_BITS) - 1

TICK = 0.25
"""Seconds of a step of time. It begins again after two years; a record that old may look like a new one."""

_TIME_MASK = (1 << TIME_BITS) - 1
_FUTURE = _TIME_MASK >> 1


@dataclass(frozen=True, slots=True)
class Record:
    """`count` notes, the last one `age` seconds ago."""

    count: int = 0
    age: float = 0.0


NOTHING = Record()


class Records:
    """Counts by key.

    `memory` is zeroed at first and holds whole groups; `secret` is the same in all workers and unknown to clients.
    `lasts` tells for how many seconds after its last note a record with such a count stays; `clock` gives seconds, the
    same in all workers.
    """

    def __init__(
        self, memory: memoryview, secret: bytes, clock: Callable[[], float], lasts: Callable[[int], float]
    ) -> None:
        self._words = memory.cast("Q")  # one store each: CPython copies eight octets at an aligned place
        self._groups = len(self._words) // WAYS
        self._hash = hashlib.blake2b(digest_size=WORD, key=secret)
        self._clock = clock
        self._lasts = lasts

    def __len__(self) -> int:
        now = self._now()
        return sum(self._read(word, now).count > 0 for word in self._words)

    def look(self, key: bytes) -> Record:
        """What is remembered of the key; a count of 0 where that is nothing."""
        place = self._find(*self._slot(key))
        return NOTHING if place is None else self._read(self._words[place], self._now())

    def note(self, key: bytes) -> int:
        """Count one more, now; what the count is."""
        first, tag = self._slot(key)
        now = self._now()
        place = self._find(first, tag)
        if place is None:
            count, place = 1, self._least(first, now)
        else:
            count = min(self._read(self._words[place], now).count + 1, COUNT_LIMIT)
        self._words[place] = _pack(tag, count, now)
        return count

    def touch(self, key: bytes) -> None:
        """What is remembered of the key is as new; its count stays."""
        first, tag = self._slot(key)
        now = self._now()
        place = self._find(first, tag)
        if place is not None and (count := self._read(self._words[place], now).count):
            self._words[place] = _pack(tag, count, now)

    def forgive(self, key: bytes, count: int) -> None:
        """Count so many less; the time of the last note stays."""
        place = self._find(*self._slot(key))
        if place is not None:
            word = self._words[place]
            left = _count(word) - count
            self._words[place] = _pack(_tag(word), left, word & _TIME_MASK) if left > 0 else 0

    def _slot(self, key: bytes) -> tuple[int, int]:
        """The first place of the key's group, and its tag."""
        digest = self._hash.copy()  # faster than to key another one
        digest.update(key)
        number = int.from_bytes(digest.digest(), "little")
        return (number & 0xFFFFFFFF) % self._groups * WAYS, number >> (64 - TAG_BITS)

    def _find(self, first: int, tag: int) -> int | None:
        words = self._words[first : first + WAYS].tolist()
        if any(words):
            for place, word in enumerate(words, first):
                if word and word >> COUNT_BITS + TIME_BITS == tag:
                    return place
        return None

    def _least(self, first: int, now: int) -> int:
        """The place whose record will be missed least."""

        def worth(place: int) -> tuple[int, float]:
            record = self._read(self._words[place], now)
            return record.count, -record.age

        return min(range(first, first + WAYS), key=worth)

    def _read(self, word: int, now: int) -> Record:
        """A word as a record; one that is over is none."""
        count = _count(word)
        steps = now - word & _TIME_MASK
        age = 0.0 if steps > _FUTURE else steps * TICK  # another worker may have written after we looked at the clock
        return Record(count, age) if count and age < self._lasts(count) else NOTHING

    def _now(self) -> int:
        return int(self._clock() / TICK) & _TIME_MASK


def _pack(tag: int, count: int, time: int) -> int:
    return tag << COUNT_BITS + TIME_BITS | count << TIME_BITS | time


def _tag(word: int) -> int:
    return word >> COUNT_BITS + TIME_BITS


def _count(word: int) -> int:
    return word >> TIME_BITS & COUNT_LIMIT


@dataclass(frozen=True, slots=True)
class Slate:
    """Memory that all workers share, zeroed at first, and the secret of its hashes."""

    memory: memoryview = field(repr=False)
    secret: bytes = field(repr=False)

    def part(self, number: int, parts: int) -> memoryview:
        """One of so many equal parts."""
        octets = len(self.memory) // parts
        return self.memory[number * octets : (number + 1) * octets]
