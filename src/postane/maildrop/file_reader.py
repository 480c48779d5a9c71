"""Reading a large body: on the event loop what the system has in memory, in a thread what must come off a disk.

Must not know: what a message is.
"""

import os
from functools import partial

from .base import StoreDamaged
from .folders import storage_error
from .slow_drops import Turns

_NO_WAIT: int | None = getattr(os, "RWF_NOWAIT", None)


class FileReader:
    """A BlobReader of a file that is open."""

    __slots__ = ("_at", "_descriptor", "_drop", "_path", "_size", "_turns")

    def __init__(self, turns: Turns, drop: str, path: str, descriptor: int, size: int) -> None:
        self._turns = turns
        self._drop = drop
        self._path = path
        self._descriptor = descriptor
        self._size = size
        self._at = 0

    async def read(self, limit: int) -> bytes:
        """The next octets."""
        wanted = min(limit, self._size - self._at)
        if wanted <= 0:
            return b""
        step = partial(os.pread, self._descriptor, wanted, self._at)
        octets = await self._turns.ask(self._drop, step, is_at_hand=self._is_at_hand(wanted))
        if not octets:
            raise StoreDamaged("message is damaged", f"{self._path} ends after {self._at} octets of {self._size}")
        self._at += len(octets)
        return octets

    async def close(self) -> None:
        """Close the file."""
        self.close_now()

    def close_now(self) -> None:
        """The same."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _is_at_hand(self, wanted: int) -> bool:
        """Whether the last of the wanted octets, and so most likely all of them, are in memory."""
        if _NO_WAIT is None:
            return False
        try:
            return os.preadv(self._descriptor, [bytearray(1)], self._at + wanted - 1, _NO_WAIT) == 1
        except OSError:
            return False


def open_body(turns: Turns, drop: str, path: str, octets: int) -> FileReader:
    """Open the file of a body of that size. Raises MaildropError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise StoreDamaged("message is damaged", f"{path} is missing") from error
    except OSError as error:
        raise storage_error(error, "cannot open a body") from error
    size = os.fstat(descriptor).st_size
    if size != octets:
        os.close(descriptor)
        raise StoreDamaged("message is damaged", f"{path} is of {size} octets instead of {octets}")
    return FileReader(turns, drop, path, descriptor, size)
