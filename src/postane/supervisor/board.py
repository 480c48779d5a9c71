"""Memory that all workers share: the counters of connections and sessions, and what is remembered of failed logins.

Made by the parent before it forks. A worker of any generation takes a row; the parent clears the row of one that died.
What is remembered of failed logins belongs to no worker: it outlives each of them, and every reload.

Must not know: what is counted.
"""

import mmap
import secrets

from postane.accounts.failures import Slate
from postane.accounts.throttle import THROTTLE_OCTETS
from postane.server.limits import ROW_OCTETS, Tally, clear_row

ROWS = 256
"""Workers that may live at once, with those of an older generation that still have sessions."""


class Board:
    """Two tallies for each worker, by address and by account, and one slate for all, on which failures are noted."""

    def __init__(self) -> None:
        self._memory = memoryview(mmap.mmap(-1, 2 * ROWS * ROW_OCTETS))
        self._half = ROWS * ROW_OCTETS
        self._secret = secrets.token_bytes(16)
        self._taken: set[int] = set()
        self.failures = Slate(memoryview(mmap.mmap(-1, THROTTLE_OCTETS)), secrets.token_bytes(32))

    def take_row(self) -> int:
        """A row for a new worker. Raises RuntimeError where there is none left."""
        for row in range(ROWS):
            if row not in self._taken:
                self._taken.add(row)
                return row
        raise RuntimeError(f"more than {ROWS} workers")

    def clear(self, row: int) -> None:
        """A worker is gone: forget what it had counted."""
        clear_row(self._memory[: self._half], row)
        clear_row(self._memory[self._half :], row)
        self._taken.discard(row)

    def connections(self, row: int) -> Tally:
        """The worker's own counters of connections."""
        return Tally(self._memory[: self._half], row, self._secret)

    def sessions(self, row: int) -> Tally:
        """The worker's own counters of logged-in sessions."""
        return Tally(self._memory[self._half :], row, self._secret)
