"""A number in memory that all processes of a store share: it changes whenever a lease was taken over.

Each session asks with each command whether it was evicted. While the number is what it was, nobody was, and to ask
costs no system call. Whoever takes a lease over puts the new file in place first and the number second, so that who
sees the new number finds the new file. The number is random, not counted: two who take over at once need no lock,
because a number that was seen once never comes back.

It is a hint, never the guarantee: that is the fence around each deletion (`sqlite_fence`).

Must not know: what a lease is.
"""

import contextlib
import itertools
import mmap
import os
import secrets
from typing import Protocol

from .folders import open_file

_OCTETS = 8


class Number(Protocol):
    """Where the number is: at index 0."""

    def __getitem__(self, index: int, /) -> int: ...
    def __setitem__(self, index: int, value: int, /) -> None: ...


class Unmapped:
    """In place of a file that cannot be mapped: never as it was, so that each one who asks has to look."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def __getitem__(self, index: int, /) -> int:
        return next(self._numbers)

    def __setitem__(self, index: int, value: int, /) -> None:
        pass


class Takeovers:
    """The number of one store, in the file `takeovers` under its root."""

    __slots__ = ("_number", "_path")

    def __init__(self, root: str) -> None:
        self._path = f"{root}/takeovers"
        self._number: Number | None = None

    @property
    def number(self) -> Number:
        """The number, mapped when it is first asked for. Raises nothing."""
        if self._number is None:
            self._number = Unmapped()
            with contextlib.suppress(OSError, ValueError):
                self._number = _map(self._path)
        return self._number


def note(number: Number) -> None:
    """A lease was taken over."""
    number[0] = secrets.randbits(8 * _OCTETS)


def _map(path: str) -> Number:
    descriptor = open_file(path, os.O_RDWR | os.O_CREAT)
    try:
        if os.fstat(descriptor).st_size < _OCTETS:
            os.pwrite(descriptor, secrets.token_bytes(_OCTETS), 0)  # octets, not a hole: a full disk is told here
        return memoryview(mmap.mmap(descriptor, _OCTETS)).cast("Q")
    finally:
        os.close(descriptor)
