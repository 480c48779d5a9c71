"""A drop's lease as a locked file: free at once when the process that holds it dies, however it dies.

Must not know: what the lease is for.
"""

import contextlib
import os
import resource
from collections import OrderedDict

from .base import Holder
from .folders import open_file
from .lease_file import LeaseFile
from .leases import Taken
from .takeovers import Number, Takeovers, note

KEPT = 256
"""Lease files that stay open when they are given back: a client that polls often costs half the calls of the system."""

DESCRIPTORS_EACH = 32
"""Open files of the process for each of them."""


class LeaseFiles:
    """The lease files of one store, on the event loop; some stay open for the next session, not locked."""

    __slots__ = ("_kept", "_most", "_takeovers")

    def __init__(self, takeovers: Takeovers) -> None:
        self._takeovers = takeovers
        self._kept: OrderedDict[str, LeaseFile] = OrderedDict()
        self._most = -1

    def take(self, drop: str, path: str, holder: Holder, *, is_shared: bool) -> "FileLease | Taken":
        """Try once to take the lease, alone or with others who share it. Raises OSError."""
        file = self._kept.pop(drop, None)
        if file is None:
            return take(drop, path, holder, self._takeovers.number, is_shared=is_shared, keeper=self)
        try:
            if file.lock(holder.since, is_shared=is_shared):
                file.tell(holder)
                return FileLease(drop, file, is_shared=is_shared, keeper=self)
        except OSError:  # somebody has it, perhaps by a file that was replaced since: that says nothing
            pass
        file.close()
        return take(drop, path, holder, self._takeovers.number, is_shared=is_shared, keeper=self)

    def keep(self, drop: str, file: LeaseFile) -> None:
        """A lease was given back."""
        if drop in self._kept or not file.unlock():
            file.close()
            return
        self._kept[drop] = file
        if self._most < 0:
            descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            self._most = KEPT if descriptors == resource.RLIM_INFINITY else min(KEPT, descriptors // DESCRIPTORS_EACH)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)[1].close()

    def close(self) -> None:
        """Let go of the files that nobody holds. Idempotent."""
        while self._kept:
            self._kept.popitem()[1].close()


class FileLease:
    """A Lease on one drop, held through an open file, which `keeper` gets back.

    While it is pinned it stays held: a transaction that deletes under it is on its way to the disk.
    """

    __slots__ = ("_file", "_is_released", "_keeper", "_pins", "drop", "is_shared")

    def __init__(
        self, drop: str, file: LeaseFile, *, is_shared: bool = False, keeper: LeaseFiles | None = None
    ) -> None:
        """The file is locked."""
        self.drop = drop
        self.is_shared = is_shared
        self._file: LeaseFile | None = file
        self._keeper = keeper
        self._pins = 0
        self._is_released = False

    @property
    def is_held(self) -> bool:
        """Whether it is held, by the file that has the name now."""
        return self._file is not None and self._file.is_named

    def note_use(self, now: float) -> bool:
        """The holder is at work; whether the lease is still its own."""
        return self._file is not None and self._file.note_use(now)

    def pin(self) -> None:
        """Hold it, released or not, until it is unpinned."""
        self._pins += 1

    def unpin(self) -> None:
        """The inverse."""
        self._pins -= 1
        if self._is_released:
            self.drop_lock()

    async def release(self) -> None:
        """Give it back."""
        self.drop_lock()

    def release_now(self) -> bool:
        """Give it back: always without waiting."""
        self.drop_lock()
        return True

    def drop_lock(self) -> None:
        """Give it back. Idempotent."""
        self._is_released = True
        if self._pins == 0:
            file, self._file = self._file, None
            if file is not None and self._keeper is not None:
                self._keeper.keep(self.drop, file)
            elif file is not None:
                file.close()


def take(
    drop: str,
    path: str,
    holder: Holder,
    takeovers: Number,
    *,
    is_shared: bool = False,
    keeper: LeaseFiles | None = None,
) -> FileLease | Taken:
    """Try once to take the lease, alone or with others who share it. Raises OSError."""
    while True:
        file = LeaseFile(path, takeovers)
        try:
            if file.lock(holder.since, is_shared=is_shared):
                file.tell(holder)
                return FileLease(drop, file, is_shared=is_shared, keeper=keeper)
        except BlockingIOError:
            with contextlib.closing(file):
                return Taken(file.told())
        except OSError:
            file.close()
            raise
        file.close()  # it was removed, or replaced, between open and lock


def give_back(lease: FileLease | Taken) -> None:
    """Give back what `take` gave, if anything."""
    if isinstance(lease, FileLease):
        lease.drop_lock()


def replace(drop: str, path: str, holder: Holder, takeovers: Number) -> FileLease:
    """Take the lease from whoever has it: a new file, locked already, in the place of theirs.

    To be called inside a transaction that excludes those that delete, and those that call this. Raises OSError.
    """
    new = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new)  # a process died just here
    file = LeaseFile(path, takeovers, open_file(new, os.O_RDWR | os.O_CREAT | os.O_EXCL))
    try:
        file.lock(holder.since)
        file.tell(holder)
        os.rename(new, path)
    except OSError:
        file.close()
        raise
    note(takeovers)
    return FileLease(drop, file)
