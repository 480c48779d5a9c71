"""Room in a write-ahead log, made ahead of what SQLite will write there.

A sync of a file that has grown waits for the file system's journal too; one of octets that were there before does not,
and takes half the time. SQLite makes its log longer with each transaction, so zeros are written behind it, more each
time: what SQLite reads of a log ends where a frame is not its own.

Must not know: what is written.
"""

import contextlib
import os

FACTOR = 4
"""How many times longer a log is made that has grown: one for a few messages stays small."""

DEPOSIT = 32 * 1024
"""Octets of a log that a transaction takes, or fewer: one deposit of an everyday message."""

FRAME = 24 + 4096
"""Octets of a page in the log, and of what is told of it, which is never all zeros."""

LONG_ENOUGH = 64
"""Transactions after which one that is as long as it may be is looked at again."""


class Log:
    """The log of one index. Nothing but SQLite writes in it unless the write lock is held."""

    __slots__ = ("_limit", "_path", "_rest", "_size")

    def __init__(self, index: str, limit: int) -> None:
        self._path = f"{index}-wal"
        self._limit = limit
        self._size = 0  # what there was, or was made, the last time; SQLite may have made more since
        self._rest = 0  # transactions that need no look

    def is_short(self) -> bool:
        """Whether SQLite has made it longer, and is about to do so again; to be asked before each transaction."""
        if self._rest > 0:
            self._rest -= 1
            return False
        size = self._length()
        if size >= self._limit:
            self._rest = LONG_ENOUGH
        return self._size < size < self._limit

    def make_room(self) -> None:
        """Make it longer where that is wanted; in a write transaction. Raises nothing: room is not owed."""
        size = self._length()
        with contextlib.suppress(OSError):
            if self._size < size < self._limit:
                self._size, size = size, self._lengthen(size, min(FACTOR * size, self._limit))
                self._rest = (size - self._size) // DEPOSIT
        self._size = size

    def _lengthen(self, size: int, wanted: int) -> int:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        try:
            if os.pread(descriptor, FRAME, max(0, size - FRAME)) == bytes(FRAME):
                return size  # another process has made room: each of them would else make more of what the other made
            return size + os.pwrite(descriptor, bytes(wanted - size), size)
        except OSError:
            os.ftruncate(descriptor, size)  # the space is somebody else's
            return size
        finally:
            os.close(descriptor)

    def _length(self) -> int:
        try:
            return os.stat(self._path).st_size
        except FileNotFoundError:
            return 0
