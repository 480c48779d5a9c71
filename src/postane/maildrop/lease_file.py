"""The file of a drop's lease, opened: who has the lock on it has the lease, while the file has its name.

Its first line tells who has it, its time when the holder was last at work. Both are written without a sync, and the
file is never removed: what counts is the lock. A lease is taken over by a new file in the place of the old one.

Must not know: what the lease is for.
"""

import contextlib
import fcntl
import os

from .base import Holder
from .folders import inode, open_file
from .takeovers import Number

_LINE_LIMIT = 1024

TELLING = 2.0
"""Seconds after which the file is looked at, and it is told again that the holder is at work."""

_NEVER = -1
"""What the number of takeovers never is."""


class LeaseFile:
    """An open lease file. It stays with one process: a lock is everybody's who shares the open file."""

    __slots__ = ("_descriptor", "_inode", "_looked", "_path", "_pid", "_seen", "_takeovers")

    def __init__(self, path: str, takeovers: Number, descriptor: int = -1) -> None:
        """Open it, made where it is not there; or take one that was opened. Raises OSError."""
        self._path = path
        self._takeovers = takeovers
        self._pid = os.getpid()
        self._inode: tuple[int, int] | None = None
        self._looked = 0.0
        self._seen = _NEVER
        self._descriptor = _open(path) if descriptor < 0 else descriptor

    def lock(self, now: float, *, is_shared: bool = False) -> bool:
        """Try to lock it; whether it is locked, and the one that has the name. Raises BlockingIOError, OSError."""
        fcntl.flock(self._descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        seen = self._takeovers[0]  # before it is looked, so that one who comes meanwhile is seen the next time
        status = os.fstat(self._descriptor)
        self._inode = (status.st_dev, status.st_ino)
        # That it has any name at all is asked without a path, and tells nearly all.
        if status.st_nlink == 0 or (self._seen not in (seen, _NEVER) and not self.is_named):
            self._seen = _NEVER
            return False
        self._seen, self._looked = seen, now
        return True

    def unlock(self) -> bool:
        """Give the lock back, and stay open; whether that makes sense. Raises nothing."""
        if self._seen == _NEVER:
            return False
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Closing the only descriptor unlocks. Idempotent."""
        self._seen = _NEVER
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    @property
    def is_named(self) -> bool:
        """Whether it has the name now: a lock on a removed file excludes nobody."""
        return inode(self._path) == self._inode

    def note_use(self, now: float) -> bool:
        """The holder is at work; whether the file is still the one."""
        if self._takeovers[0] == self._seen and -TELLING < now - self._looked < TELLING:
            return True  # no takeover in the whole store: 0.15 us where a look at the file cost 2.5
        seen = self._takeovers[0]
        if self._descriptor < 0 or not self.is_named:
            self._seen = _NEVER
            return False
        self._seen = seen
        if not -TELLING < now - self._looked < TELLING:
            self._looked = now
            with contextlib.suppress(OSError):  # it is only told
                os.utime(self._descriptor, (now, now))
        return True

    def tell(self, holder: Holder) -> None:
        """Who has the lease, for others to read: mail can be read and deleted on a full disk too."""
        try:
            os.pwrite(self._descriptor, format_holder(holder, self._pid), 0)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)  # rather nobody than the holder before

    def told(self) -> Holder | None:
        """Who has it, as the file tells. Raises OSError."""
        return parse_holder(os.pread(self._descriptor, _LINE_LIMIT, 0), os.fstat(self._descriptor).st_mtime)


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)  # it is nearly always there; making it has to look around
    except FileNotFoundError:
        return open_file(path, os.O_RDWR | os.O_CREAT)


def format_holder(holder: Holder, process: int) -> bytes:
    """The line that tells who holds a lease."""
    line = f"{holder.session}\t{holder.address}\t{holder.protocol}\t{holder.since!r}\t{process}\n"
    return line.encode("utf-8", "backslashreplace")


def parse_holder(line: bytes, last_seen: float | None = None) -> Holder | None:
    """The inverse; None where it cannot be read: the holder may be about to write it."""
    fields = line.partition(b"\n")[0].decode("utf-8", "replace").split("\t")
    try:
        session, address, protocol, since, _process = fields
        return Holder(session, address, protocol, float(since), last_seen)
    except ValueError:
        return None
