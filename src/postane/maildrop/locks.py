"""A drop's lease as a locked file: free at once when the process that holds it dies, however it dies.

The file's first line tells who has it. It is written without a sync and never removed: what counts is the lock.

Must not know: what the lease is for.
"""

import contextlib
import fcntl
import os

from .base import Holder
from .folders import inode, open_file
from .leases import Taken

_LINE_LIMIT = 1024


class FileLease:
    """A Lease on one drop, held through an open file."""

    __slots__ = ("_descriptor", "_inode", "_path", "drop")

    def __init__(self, drop: str, path: str, descriptor: int) -> None:
        self.drop = drop
        self._path = path
        self._descriptor = descriptor
        status = os.fstat(descriptor)
        self._inode = (status.st_dev, status.st_ino)

    @property
    def is_held(self) -> bool:
        """Whether it is held, by the file that has the name now: a lock on a removed file excludes nobody."""
        return self._descriptor >= 0 and inode(self._path) == self._inode

    async def release(self) -> None:
        """Give it back."""
        self.drop_lock()

    def drop_lock(self) -> None:
        """Give it back; closing the only descriptor unlocks."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def take(drop: str, path: str, holder: Holder) -> FileLease | Taken:
    """Try once to take the lease. Raises OSError."""
    while True:
        descriptor = open_file(path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            line = os.pread(descriptor, _LINE_LIMIT, 0)
            os.close(descriptor)
            return Taken(parse_holder(line))
        except OSError:
            os.close(descriptor)
            raise
        lease = FileLease(drop, path, descriptor)
        if lease.is_held:
            _tell_holder(descriptor, holder)
            return lease
        lease.drop_lock()  # the file was removed between open and lock


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


def parse_holder(line: bytes) -> Holder | None:
    """The inverse; None where it cannot be read: the holder may be about to write it."""
    fields = line.partition(b"\n")[0].decode("utf-8", "replace").split("\t")
    try:
        session, address, protocol, since, _pid = fields
        return Holder(session, address, protocol, float(since))
    except ValueError:
        return None
