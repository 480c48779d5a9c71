"""A drop's lease as a locked file: free at once when the process that holds it dies, however it dies.

The file's first line tells who has it, its time when the holder was last at work. Both are written without a sync, and
the file is never removed: what counts is the lock. A lease is taken over by a new file in the place of the old one.

Must not know: what the lease is for.
"""

import contextlib
import fcntl
import os

from .base import Holder
from .folders import inode, open_file
from .leases import Taken
from .takeovers import Number, note

_LINE_LIMIT = 1024

TELLING = 2.0
"""Seconds after which the file is looked at, and it is told again that the holder is at work."""

_NEVER = -1
"""What the number of takeovers never is."""


class FileLease:
    """A Lease on one drop, held through an open file.

    While it is pinned it stays held: a transaction that deletes under it is on its way to the disk.
    """

    __slots__ = (
        "_descriptor", "_inode", "_is_released", "_looked", "_path", "_pins", "_seen", "_takeovers",
        "drop", "is_shared",
    )  # fmt: skip

    def __init__(
        self, drop: str, path: str, descriptor: int, since: float, takeovers: Number, *, is_shared: bool = False
    ) -> None:
        """Read `takeovers` before it is looked whether the file is still the one."""
        self.drop = drop
        self.is_shared = is_shared
        self._takeovers = takeovers
        self._seen = takeovers[0]
        self._looked = since
        self._pins = 0
        self._is_released = False
        self._path = path
        self._descriptor = descriptor
        status = os.fstat(descriptor)
        self._inode = (status.st_dev, status.st_ino)

    @property
    def is_held(self) -> bool:
        """Whether it is held, by the file that has the name now: a lock on a removed file excludes nobody."""
        return self._descriptor >= 0 and inode(self._path) == self._inode

    def note_use(self, now: float) -> bool:
        """The holder is at work; whether the lease is still its own."""
        if self._takeovers[0] == self._seen and -TELLING < now - self._looked < TELLING:
            return True  # no takeover in the whole store: 0.15 us where a look at the file cost 2.5
        return self._look(now)

    def _look(self, now: float) -> bool:
        seen = self._takeovers[0]  # first, so that one who comes meanwhile is seen the next time
        if not self.is_held:
            self._seen = _NEVER
            return False
        self._seen = seen
        if not -TELLING < now - self._looked < TELLING:
            self._looked = now
            with contextlib.suppress(OSError):  # it is only told
                os.utime(self._descriptor, (now, now))
        return True

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
        """Give it back; closing the only descriptor unlocks."""
        self._is_released = True
        if self._pins == 0:
            self._seen = _NEVER
            descriptor, self._descriptor = self._descriptor, -1
            if descriptor >= 0:
                os.close(descriptor)


def take(drop: str, path: str, holder: Holder, takeovers: Number, *, is_shared: bool = False) -> FileLease | Taken:
    """Try once to take the lease, alone or with others who share it. Raises OSError."""
    while True:
        descriptor = open_file(path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            line, status = os.pread(descriptor, _LINE_LIMIT, 0), os.fstat(descriptor)
            os.close(descriptor)
            return Taken(parse_holder(line, status.st_mtime))
        except OSError:
            os.close(descriptor)
            raise
        lease = FileLease(drop, path, descriptor, holder.since, takeovers, is_shared=is_shared)
        if lease.is_held:
            _tell_holder(descriptor, holder)
            return lease
        lease.drop_lock()  # the file was removed between open and lock


def replace(drop: str, path: str, holder: Holder, takeovers: Number) -> FileLease:
    """Take the lease from whoever has it: a new file, locked already, in the place of theirs.

    To be called inside a transaction that excludes those that delete, and those that call this. Raises OSError.
    """
    new = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new)  # a process died just here
    descriptor = open_file(new, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _tell_holder(descriptor, holder)
        os.rename(new, path)
    except OSError:
        os.close(descriptor)
        raise
    note(takeovers)
    return FileLease(drop, path, descriptor, holder.since, takeovers)


def _tell_holder(descriptor: int, holder: Holder) -> None:
    """Who has the lease, for others to read: mail can be read and deleted on a full disk too."""
    try:
        os.pwrite(descriptor, format_holder(holder), 0)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)  # rather nobody than the holder before


def format_holder(holder: Holder) -> bytes:
    """The line that tells who holds a lease."""
    fields = (holder.session, holder.address, holder.protocol, repr(holder.since), str(os.getpid()))
    return ("\t".join(fields) + "\n").encode("utf-8", "backslashreplace")


def parse_holder(line: bytes, last_seen: float | None = None) -> Holder | None:
    """The inverse; None where it cannot be read: the holder may be about to write it."""
    fields = line.partition(b"\n")[0].decode("utf-8", "replace").split("\t")
    try:
        session, address, protocol, since, _pid = fields
        return Holder(session, address, protocol, float(since), last_seen)
    except ValueError:
        return None
