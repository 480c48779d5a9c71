"""Numbers in memory that all processes of a store share: a drop's number changes whenever the drop is changed.

Whoever writes makes the number odd before, and even after, in any case before anybody is told that it was written. So
what a process read of a drop after it had read an even number is true of all that was acknowledged, for as long as the
number stays: no index is asked to learn that nothing has changed. A process that is killed leaves an odd number, and
the index is asked until somebody else has written. The numbers are random and never come back; two drops may share
one, and are then asked once more than they had to be.

Nothing of it has to outlive a restart: what is remembered is in the memory of the processes.

Must not know: what is remembered.
"""

import mmap
import os
import secrets
import zlib
from array import array
from collections.abc import Callable
from functools import partial

from .folders import inode, open_file

SLOTS = 32 * 1024
"""Numbers in the file."""

LOOK = 2.0
"""Seconds after which it is looked whether a file is the one that it was: it may have been removed by hand."""

_OCTETS = 8

_Mapped = tuple[memoryview, tuple[int, int] | None]


def slot_of(drop: str) -> int:
    """Where a drop's number is: the same in every process."""
    return zlib.crc32(drop.encode("utf-8", "surrogateescape")) % SLOTS


class Changes:
    """The numbers of one store, in the file `changes` under its root, mapped when they are first asked for.

    `now` is monotonic. Each method is for any thread, and raises OSError where there are no numbers.
    """

    __slots__ = ("_looked", "_mapped", "_path")

    def __init__(self, root: str) -> None:
        self._path = f"{root}/changes"
        self._mapped: _Mapped | None = None
        self._looked = 0.0

    def number(self, slot: int, now: float) -> int:
        """The number that a drop has."""
        number: int = self._numbers(now)[slot]
        return number

    def begin(self, slot: int, now: float) -> Callable[[], None]:
        """A drop is about to be changed; what it gives is called when that is done, and raises nothing."""
        numbers = self._numbers(now)
        own = numbers[slot] = secrets.randbits(8 * _OCTETS) | 1
        return partial(_end, numbers, slot, own)

    def renew(self, slot: int, now: float) -> None:
        """A drop may be another one than it was."""
        numbers = self._numbers(now)
        _end(numbers, slot, numbers[slot] & ~1)

    def _numbers(self, now: float) -> memoryview:
        mapped = self._mapped
        if mapped is None or not 0.0 <= now - self._looked < LOOK:
            if mapped is None or inode(self._path) != mapped[1]:
                mapped = self._mapped = _map(self._path)
            self._looked = now
        return mapped[0]


def _end(numbers: memoryview, slot: int, own: int) -> None:
    """An even number, unless it is odd by somebody else, who is not done yet and will see to it."""
    number = numbers[slot]
    if number == own or number % 2 == 0:
        numbers[slot] = secrets.randbits(8 * _OCTETS) & ~1


def _map(path: str) -> _Mapped:
    descriptor = open_file(path, os.O_RDWR | os.O_CREAT)
    try:
        status = os.fstat(descriptor)
        if status.st_size < SLOTS * _OCTETS:
            # Octets, not a hole: a full disk is told here. Random: no number of a file that was removed comes back.
            numbers = array("Q", secrets.token_bytes(SLOTS * _OCTETS))
            os.pwrite(descriptor, array("Q", [number & ~1 for number in numbers]), 0)
        return memoryview(mmap.mmap(descriptor, SLOTS * _OCTETS)).cast("Q"), (status.st_dev, status.st_ino)
    except ValueError as error:
        raise OSError(f"{path} cannot be mapped: {error}") from error  # somebody cut it meanwhile
    finally:
        os.close(descriptor)
