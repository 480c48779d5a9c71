"""An mbox opened and locked, as Debian's policy (11.6) asks of every program: by fcntl first, then by a dot lock.

The lock of fcntl is one of the open file where the system has such (Linux), so that two accounts of this process shut
each other out as well. Where a dot lock may not be made beside the file (/var/mail, for who is not in its group), the
other one has to do. A dot lock that its owner left when it died is removed: one of this host whose process is gone, or
one that was not touched for five minutes.

Must not know: what is in the file.
"""

import contextlib
import errno
import os
import re
import socket
import stat
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from .base import SinkError
from .failures import told_as
from .processes import lives

if sys.platform != "win32":
    import fcntl

STALE = 300.0
"""Seconds after which a dot lock that nobody touches belongs to nobody."""

TOUCHED_EVERY = 60.0
"""Seconds after which a dot lock of ours is touched again."""

TOLD_AFTER = 2.0
"""Seconds of waiting after which it is told."""

_TAKEN = frozenset({errno.EACCES, errno.EAGAIN})
_MAY_NOT = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a lock, in seconds; `wait` waits, `is_over` tells that nobody wants it any more.

    `tell` hears what is waited for when that takes long, and "" when it is over.
    """

    seconds: float
    wait: Callable[[float], None]
    is_over: Callable[[], bool]
    tell: Callable[[str], None] = lambda _: None


class LockedFile:
    """A file that is open for reading and appending, and locked. It is made where it is not there."""

    __slots__ = ("_dot", "_path", "_touched", "descriptor")

    def __init__(self, path: str, patience: Patience) -> None:
        """Raises SinkError where it cannot be opened, or stays locked."""
        self._path = path
        self._dot: str | None = None
        self._touched = 0.0
        self.descriptor = -1
        with told_as(f"the mbox {path} cannot be opened"):
            self._lock(patience)

    def keep(self) -> None:
        """Called while the file is written: a lock that is held for long is not to look like one that was left."""
        if self._dot is not None and time.monotonic() - self._touched > TOUCHED_EVERY:
            self._touched = time.monotonic()
            with contextlib.suppress(OSError):
                os.utime(self._dot)

    def release(self) -> None:
        """Unlock and close. Idempotent."""
        dot, self._dot = self._dot, None
        if dot is not None:
            with contextlib.suppress(OSError):
                os.unlink(dot)
        if self.descriptor >= 0:
            os.close(self.descriptor)  # which unlocks it
            self.descriptor = -1

    def _lock(self, patience: Patience) -> None:
        begun = time.monotonic()
        pause = 0.02
        is_told = False
        try:
            while not self._try():
                waited = time.monotonic() - begun
                if patience.is_over():
                    raise SinkError(f"the wait for the lock of {self._path} was given up")
                if waited > patience.seconds:
                    raise SinkError(f"the mbox {self._path} stays locked by another program{_remedy(self._path)}")
                if waited > TOLD_AFTER and not is_told:
                    is_told = True
                    limit = f"{patience.seconds:g} s at most"
                    patience.tell(f"the mbox {self._path} is locked by another program: waiting, {limit}")
                patience.wait(pause)
                pause = min(pause * 2, 1.0)
        finally:
            if is_told:
                patience.tell("")

    def _try(self) -> bool:
        self.descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | _BINARY, 0o600)
        is_locked = False
        try:
            is_locked = self._is_current() and _lock_file(self.descriptor) and self._lock_dot() and self._is_current()
        finally:
            if not is_locked:
                self.release()
        return is_locked

    def _is_current(self) -> bool:
        """Whether the open file is still the one of that name: mail readers put new ones in its place."""
        ours = os.fstat(self.descriptor)
        if not stat.S_ISREG(ours.st_mode):
            raise SinkError(f"{self._path} is no file: no mbox", may_pass=False)
        try:
            return os.path.samestat(ours, os.stat(self._path))
        except FileNotFoundError:
            return False

    def _lock_dot(self) -> bool:
        path = f"{self._path}.lock"
        try:
            _make_dot(path)
        except FileExistsError:
            if _is_stale(path):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
            return False
        except OSError as error:
            if error.errno in _MAY_NOT:
                return True
            raise
        self._dot, self._touched = path, time.monotonic()
        return True


_BINARY = getattr(os, "O_BINARY", 0)


def _make_dot(path: str) -> None:
    """Make a dot lock; it says whose it is from its first moment on where the system can do that."""
    said = f"{os.getpid()} {socket.gethostname()}\n".encode()
    try:
        descriptor = os.open(os.path.dirname(path) or ".", os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o644)
    except (AttributeError, OSError):
        _make_file(path, said)
        return
    try:
        os.write(descriptor, said)
        os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor)  # a descriptor: so that links are followed
    except FileNotFoundError:  # no /proc
        _make_file(path, said)
    finally:
        os.close(descriptor)


def _make_file(path: str, octets: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, octets)
    finally:
        os.close(descriptor)


def _is_stale(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            said = file.read(400).decode("utf-8", "replace")
            age = time.time() - os.fstat(file.fileno()).st_mtime
    except OSError:
        return False
    found = re.match(r"([0-9]+) (\S+)", said)
    is_of_the_dead = found is not None and found[2] == socket.gethostname() and not lives(int(found[1]))
    return is_of_the_dead or age > STALE


def _remedy(path: str) -> str:
    """What to do about a dot lock, where there is one; of a number alone nobody knows which machine it is of."""
    try:
        with open(f"{path}.lock", "rb") as file:
            found = re.match(rb"[0-9]{1,9}", file.read(400))
    except OSError:
        return ""
    whose = ""
    if found is not None:
        pid = int(found[0])
        whose = f", of process {pid}" + ("" if lives(pid) else ", which does not run here")
    return f" ({path}.lock{whose}): remove that file if no program writes to the mbox"


def _lock_file(descriptor: int) -> bool:
    """False: somebody else has it."""
    if sys.platform == "win32":
        return True
    try:
        if sys.platform == "linux" and sys.maxsize > 2**32:
            whole = struct.pack("@hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, whole)
        else:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        if error.errno == errno.ENOLCK:  # a file system without locks: the dot lock has to do
            return True
        raise
    return True
