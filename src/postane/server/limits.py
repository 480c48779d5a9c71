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

ROW_OCTETS = 4 * (SLOTS + 1)  # the first counter tells that the row is in use


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
        counters = memory.cast("I")
        width = SLOTS + 1
        self._rows = [counters[start : start + width] for start in range(0, len(counters), width)]
        self._own = self._rows[row]
        self._own[0] = 1
        self._secret = secret

    def enter(self, key: str, limit: int) -> bool:
        """Count one more of `key` unless that would be over `limit`. What was entered must be left."""
        slot = self._slot(key)
        self._own[slot] += 1  # first count, then look: two workers at once may both refuse, never both exceed
        if sum(row[slot] for row in self._rows if row[0]) <= limit:
            return True
        self._own[slot] -= 1
        return False

    def leave(self, key: str) -> None:
        """Count one less of `key`."""
        self._own[self._slot(key)] -= 1

    def _slot(self, key: str) -> int:
        digest = hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=4, key=self._secret).digest()
        return 1 + int.from_bytes(digest, "little") % SLOTS


def private_tally() -> Tally:
    """A tally of one worker that shares with nobody: for tests and for a server inside another program."""
    return Tally(memoryview(bytearray(ROW_OCTETS)), 0, b"alone")


def clear_row(memory: memoryview, row: int) -> None:
    """Forget what a worker that is gone had counted."""
    memory[row * ROW_OCTETS : (row + 1) * ROW_OCTETS] = bytes(ROW_OCTETS)
