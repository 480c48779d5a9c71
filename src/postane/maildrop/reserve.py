"""Space kept back, so that a full disk can be emptied: deleting writes to a log first, and needs room for it.

The file is given up when a deletion finds no space, and kept again as soon as there is enough.

Must not know: what is deleted.
"""

import contextlib
import os

from .folders import open_file

RESERVE = 16 * 1024 * 1024
"""Octets kept back: a transaction that deletes a hundred thousand messages writes about as much."""

SHARE = 16
"""The reserve is at most the 16th part of a small disk, and is not made where less than four times of it is free."""


class Reserve:
    """One file of a store; any process may make it, and give it up."""

    __slots__ = ("_path",)

    def __init__(self, root: str) -> None:
        self._path = f"{root}/reserve"

    def keep(self) -> None:
        """Make it, where it is not there and there is space; in any thread. Raises nothing."""
        if os.path.exists(self._path):
            return
        with contextlib.suppress(OSError):
            self._make()

    def give_up(self) -> bool:
        """Free its space, in any thread; whether that was done. Raises nothing."""
        try:
            os.unlink(self._path)
        except OSError:
            return False
        return True

    def _make(self) -> None:
        disk = os.statvfs(os.path.dirname(self._path))
        size = min(RESERVE, disk.f_blocks * disk.f_frsize // SHARE)
        if disk.f_bavail * disk.f_frsize < 4 * size:
            return
        descriptor = open_file(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            _fill(descriptor, size)
        except OSError:
            os.unlink(self._path)
            raise
        finally:
            os.close(descriptor)


def _fill(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    block = bytes(1024 * 1024)
    for _ in range(size // len(block)):
        os.write(descriptor, block)
