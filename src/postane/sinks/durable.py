"""Makes files outlive a crash, many of them together where the system can.

A file that is synced alone costs a commit of the file system's journal, and there are about 900 in a second. Linux can
sync a whole file system by one call (syncfs), which costs a group of files one commit. It is asked for where it tells
of failures (Linux 5.8) and reaches the disk (file systems of this machine), and for a while not where it has taken
long: it waits for what everybody else has written, too.

Must not know: what is in the files.
"""

import contextlib
import errno
import os
import re
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

TELLS_OF_FAILURES = (5, 8)
"""The first Linux whose syncfs tells when something could not be written."""

LOCAL = frozenset({"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "tmpfs", "xfs"})
"""File systems whose syncfs is known to reach the disk, and to tell of failures; overlayfs keeps those of the file
system below it to itself."""

FEW = 4
"""So many files are synced one by one."""

PATIENCE = 3.0
"""Seconds that one syncfs may take before groups of files are synced alone for a while."""

WHILE = 20
"""So many groups."""

THREADS = 8
"""Files that are synced at the same time: they share commits."""

_ESCAPED = re.compile(r"\\([0-7]{3})")


class Durability:
    """Syncs files that are all in one file system. All methods belong to one thread."""

    __slots__ = ("_alone", "_descriptor")

    def __init__(self, folder: str) -> None:
        self._alone = 0  # groups that are still to be synced alone
        # Opened before anything is written: what cannot be written from now on is told to this descriptor.
        self._descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC) if can_sync_all(folder) else -1

    def sync(self, paths: Sequence[str]) -> None:
        """The files' octets are on the disk after it. Raises OSError where that is not sure of any of them."""
        if len(paths) <= FEW or self._descriptor < 0 or self._alone:
            _sync_each(paths)
            self._alone = max(self._alone - 1, 0)
            return
        begun = time.monotonic()
        _syncfs(self._descriptor)
        if time.monotonic() - begun > PATIENCE:
            self._alone = WHILE

    def close(self) -> None:
        """Let go; files are synced alone from now on. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def sync_file(descriptor: int) -> None:
    """The octets of an open file are on the disk after it. Raises OSError."""
    if sys.platform == "darwin":
        import fcntl

        with contextlib.suppress(OSError):  # not every file system has it
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def sync_folder(folder: str) -> None:
    """The names in a folder are on the disk after it. Raises OSError."""
    if sys.platform == "win32":  # where a folder cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        sync_file(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: str) -> None:
    """Make a folder, and those around it, durably, where they are not there; for the user alone. Raises OSError."""
    if os.path.isdir(path):
        return
    around = os.path.dirname(path.rstrip("/"))
    if around:
        make_folder(around)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    if not os.path.isdir(path):
        raise NotADirectoryError(errno.ENOTDIR, "Not a directory", path)
    sync_folder(around or ".")


def can_sync_all(folder: str) -> bool:
    """Whether syncfs can be had and relied on for what is in a folder."""
    if sys.platform != "linux" or _release() < TELLS_OF_FAILURES:
        return False
    if file_system(folder) not in LOCAL:
        return False
    import ctypes

    return hasattr(ctypes.CDLL(None), "syncfs")


def file_system(folder: str) -> str:
    """The kind of file system that a folder is in; "" where that is not known."""
    path = os.path.realpath(folder)
    kinds = {"": ""}
    with (
        contextlib.suppress(OSError),
        open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines,
    ):
        for line in lines:
            mount, _, kind = line.partition(" - ")
            point = _ESCAPED.sub(lambda found: chr(int(found[1], 8)), mount.split(" ")[4])
            kinds[point.rstrip("/")] = kind.partition(" ")[0]  # a later one lies over an earlier one
    while path.rstrip("/") not in kinds:
        path = os.path.dirname(path)
    return kinds[path.rstrip("/")]


def _release() -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _syncfs(descriptor: int) -> None:
    import ctypes

    if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _sync_each(paths: Sequence[str]) -> None:
    if len(paths) == 1:
        _sync_path(paths[0])
    else:
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(_sync_path, paths))


def _sync_path(path: str) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        sync_file(descriptor)
    finally:
        os.close(descriptor)
