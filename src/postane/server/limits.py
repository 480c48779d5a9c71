"""How much of anything is allowed, counted over all workers.

`Limits` are the numbers. A `Tally` counts what is open by key (an address, an account) in memory that all workers
share: each worker writes to a row of its own and reads the rows of all, so nothing is locked; when a worker dies, its
row is cleared and what it had counted is gone with it.

Must not know: protocols, processes (who makes the shared memory).
"""

import hashlib
from dataclasses import dataclass

SLOTS = 1 << 14
"""Counters a row: keys are hashed onto them, so two keys may share one, which only makes a limit stricter."""

ROW_OCTETS = 4 * (SLOTS + 2)  # the first word tells that the row is in use, the last one is of all rows: see _AROUND

_COUNTED = 4 * (SLOTS + 1)
"""Octets of a row that are its worker's own."""

_AROUND = SLOTS + 1
"""The word of the first row that is another one whenever a worker has taken a row: who counts looks at rows in use
alone, and at this word to know whether these are all of them."""

SLOTS_KEPT = 1 << 12
"""Keys whose slot a worker remembers, some 100 octets each: a keyed hash for each look cost more than the look."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Durations are in seconds, sizes in octets."""

    connections: int = 20000
    per_address: int = 50
    per_account: int = 10
    idle: float = 600.0  # RFC 1939 s3: an autologout timer is of at least ten minutes
    login: float = 60.0
    mistakes_before_login: int = 3
    mistakes: int = 20
    strangers: int = 100  # RCPTs for nobody: a sender's list has a few dead addresses in it, a dictionary nothing else


class Tally:
    """Counts by key over all workers.

    `memory` holds whole rows of ROW_OCTETS octets, zeroed at first; `row` is this worker's own. `secret` is the same
    in all workers and unknown to clients, who could else aim at each other's counters.
    """

    def __init__(self, memory: memoryview, row: int, secret: bytes) -> None:
        words = memory.cast("I")
        width = SLOTS + 2
        self._rows = [words[start : start + width] for start in range(0, len(words), width)]
        self._own = self._rows[row]
        self._first = self._rows[0]
        self._slots: dict[str, int] = {}
        self._hash = hashlib.blake2b(digest_size=4, key=secret)
        # First in use, then the word: who sees the word sees the row, though two workers begin at the same moment.
        self._own[0] = 1
        self._first[_AROUND] = self._first[_AROUND] + 1 & 0xFFFFFFFF
        self._others: list[memoryview] = []
        self._look_around()

    def enter(self, key: str, limit: int) -> bool:
        """Count one more of `key` unless that would be over `limit`. What was entered must be left."""
        slot = self._slots.get(key) or self._find(key)
        own = self._own
        own[slot] += 1  # first count, then look: two workers at once may both refuse, never both exceed
        count = own[slot]
        if self._first[_AROUND] != self._seen:
            self._look_around()
        for row in self._others:
            count += row[slot]
        if count <= limit:
            return True
        own[slot] -= 1
        return False

    def leave(self, key: str) -> None:
        """Count one less of `key`."""
        self._own[self._slots.get(key) or self._find(key)] -= 1

    def _look_around(self) -> None:
        """Learn which rows are in use. One whose worker is gone counts nothing until somebody takes it."""
        self._seen = self._first[_AROUND]
        self._others = [row for row in self._rows if row[0] and row is not self._own]

    def _find(self, key: str) -> int:
        if len(self._slots) >= SLOTS_KEPT:
            self._slots.clear()
        digest = self._hash.copy()
        digest.update(key.encode("utf-8", "surrogateescape"))
        slot = self._slots[key] = 1 + int.from_bytes(digest.digest(), "little") % SLOTS
        return slot


def private_tally() -> Tally:
    """A tally of one worker that shares with nobody: for tests and for a server inside another program."""
    return Tally(memoryview(bytearray(ROW_OCTETS)), 0, b"alone")


def clear_row(memory: memoryview, row: int) -> None:
    """Forget what a worker that is gone had counted."""
    start = row * ROW_OCTETS
    memory[start : start + _COUNTED] = bytes(_COUNTED)
