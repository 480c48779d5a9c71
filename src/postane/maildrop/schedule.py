"""Whose turn it is to keep house: one process at a time, once in a period, over restarts and generations.

A locked file says that somebody is at it, and its age when the last round ended. A process that dies lets go of the
lock, and another one begins anew.

Must not know: what is done.
"""

import fcntl
import os
from pathlib import Path

from .folders import open_file

PAUSES = 8
"""How often in a period a process looks whether it is its turn."""

LONGEST_PAUSE = 60.0


class Schedule:
    """Rounds of `every` seconds, by the file `path`. Methods raise OSError."""

    def __init__(self, path: Path, every: float) -> None:
        self._path = str(path)
        self._every = every
        self._descriptor = -1

    @property
    def pause(self) -> float:
        """Seconds to wait before the next look."""
        return min(self._every / PAUSES, LONGEST_PAUSE)

    def begin(self, now: float) -> bool:
        """Whether a round is due and ours; then it must be ended."""
        is_new = not os.path.exists(self._path)
        if is_new and not os.path.isdir(os.path.dirname(self._path)):
            return False  # nothing is kept here yet
        descriptor = open_file(self._path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            last = os.fstat(descriptor).st_mtime
            if is_new or os.fstat(descriptor).st_size == 0 or not last <= now < last + self._every:
                self._descriptor, descriptor = descriptor, -1
                return True
        except BlockingIOError:
            pass
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        return False

    def end(self, now: float) -> None:
        """The round is over; the next one is due in a period."""
        descriptor, self._descriptor = self._descriptor, -1
        try:
            os.pwrite(descriptor, b".", 0)
            os.utime(descriptor, (now, now))
        finally:
            os.close(descriptor)
