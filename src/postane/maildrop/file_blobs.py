"""The blob side of the embedded store: large bodies as files, one folder for each drop.

A body is written to `tmp/` and synced, gets its name in `blobs/` by a hard link (so that a hundred recipients share
its octets), and then the folder is synced. An upload is locked while somebody writes it: what a crash left is told
from what is slow.

Must not know: what a message is.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from postane.mail.measure import Facts, Measure

from .base import Blob, BlobReader, MaildropError
from .crew import Crew
from .file_reader import FileReader, open_body
from .folders import Folders, inode, make_folder, open_file, storage_error, sync, sync_folder
from .sides import ORPHAN_AGE, Step, StepHook, Upload, ignore_step
from .slow_drops import SlowDrops, Turns

ResultT = TypeVar("ResultT")

THREADS = 16
"""File operations at the same time."""

_UNLINKABLE = frozenset({errno.EXDEV, errno.EMLINK, errno.EPERM, errno.ENOTSUP})


class FileBlobs:
    """A BlobSide of files."""

    def __init__(
        self,
        root: Path,
        *,
        orphan_age: float = ORPHAN_AGE,
        on_step: StepHook = ignore_step,
        slow: SlowDrops | None = None,
    ) -> None:
        self.folders = Folders(root)
        self.on_step = on_step
        self._orphan_age = orphan_age
        self._crew = Crew(THREADS, "postane-blobs")
        self._turns = Turns(self._crew, slow or SlowDrops())
        self._is_swept = False

    def begin(self) -> Upload:
        """Take in a body."""
        return FileUpload(self)

    async def place(self, upload: Upload, drop: str, name: str) -> None:
        """Give a finished upload a name in a drop."""
        if not isinstance(upload, FileUpload):
            raise TypeError("an upload goes to the side that began it")
        await self.run("cannot store a body", partial(self._place, upload.path, drop, name))

    async def finish_in(self, drop: str, name: str, upload: Upload, *pieces: bytes, is_undotted: bool = False) -> Facts:
        """Both at once: one change of threads there and back less, for nearly every message."""
        if not isinstance(upload, FileUpload):
            raise TypeError("an upload goes to the side that began it")
        finish = upload.finishing(pieces, is_undotted)

        def work() -> Facts:
            facts = finish()
            self._place(upload.path, drop, name)
            return facts

        return await self.run("cannot store a body", work)

    async def open(self, drop: str, blob: Blob) -> BlobReader:
        """Open a body."""
        path = f"{self.folders.drop(drop)}/blobs/{blob.name}"
        opening = partial(open_body, self._turns, drop, path, blob.octets)
        return await self._turns.ask(drop, opening, give_back=FileReader.close_now)

    async def remove(self, drop: str, names: Sequence[str]) -> list[str]:
        """Remove bodies."""
        return await self.run("cannot remove bodies", partial(self._remove, drop, names))

    async def names(self, drop: str, age: float) -> list[str]:
        """The names placed at least `age` seconds ago."""
        folder = f"{self.folders.drop(drop)}/blobs"
        if await self._turns.ask(drop, partial(inode, folder)) is None:
            return []
        return await self.run("cannot list bodies", partial(_names, folder, time.time() - age))

    async def close(self) -> None:
        """Let go of the threads."""
        self._crew.close()

    async def run(self, work: str, step: Callable[[], ResultT]) -> ResultT:
        """Do something in a thread. Raises MaildropError."""
        try:
            return await self._crew.do(step)
        except OSError as error:
            raise storage_error(error, work) from error

    def begin_to(self, step: Callable[[], None]) -> None:
        """Have something done in a thread that nobody waits for, and that nobody misses where it fails."""
        self._crew.do(step, asyncio.Future.exception)

    def sweep_uploads(self) -> None:
        """Remove uploads that a crash left; in a thread, once in the life of a process."""
        if self._is_swept:
            return
        self._is_swept = True
        for name in _names(self.folders.tmp, time.time() - self._orphan_age):
            with contextlib.suppress(OSError):
                _remove_unless_locked(f"{self.folders.tmp}/{name}")

    def _place(self, upload: str, drop: str, name: str) -> None:
        folder = f"{self.folders.make_drop(drop)}/blobs"
        make_folder(folder)
        try:
            os.link(upload, f"{folder}/{name}")
        except OSError as error:
            if error.errno not in _UNLINKABLE:
                raise
            _copy(upload, f"{folder}/{name}")
        self.on_step(Step.BLOB_PLACED)
        sync_folder(folder)
        self.on_step(Step.BLOB_DURABLE)

    def _remove(self, drop: str, names: Sequence[str]) -> list[str]:
        folder = f"{self.folders.drop(drop)}/blobs"
        left = []
        for name in names:
            try:
                os.unlink(f"{folder}/{name}")
            except FileNotFoundError:
                continue
            except OSError:
                left.append(name)
            self.on_step(Step.BLOB_GONE)
        return left


class FileUpload:
    """A body that grows in a file of its own.

    One thread at a time: a step goes on although whoever waited for it was cancelled, and may not meet a closed file.
    """

    __slots__ = ("_descriptor", "_is_begun", "_is_discarded", "_lock", "_measure", "_side", "path")

    def __init__(self, side: FileBlobs) -> None:
        self._side = side
        self._measure = Measure()
        self._descriptor = -1
        self._is_begun = False
        self._is_discarded = False
        self._lock = threading.Lock()
        self.path = f"{side.folders.tmp}/{secrets.token_hex(16)}"

    async def write(self, *pieces: bytes, is_undotted: bool = False) -> None:
        """The next octets."""
        self._is_begun = True
        await self._side.run("cannot store a body", partial(self._write, pieces, is_undotted))

    async def finish(self, *pieces: bytes, is_undotted: bool = False) -> Facts:
        """Make it durable."""
        return await self._side.run("cannot store a body", self.finishing(pieces, is_undotted))

    def finishing(self, pieces: Sequence[bytes], is_undotted: bool) -> Callable[[], Facts]:
        """The same, to be called in a thread."""
        self._is_begun = True
        return partial(self._finish, pieces, is_undotted)

    async def discard(self) -> None:
        """Forget it."""
        if self._is_begun:
            self._is_begun = False
            with contextlib.suppress(MaildropError):
                await self._side.run("cannot discard a body", self._discard)

    def forget(self) -> None:
        """The same by and by."""
        if self._is_begun:
            self._is_begun = False
            self._side.begin_to(self._discard)

    def _write(self, pieces: Sequence[bytes], is_undotted: bool) -> None:
        with self._lock:
            self._append(pieces, is_undotted)

    def _append(self, pieces: Sequence[bytes], is_undotted: bool) -> None:
        if self._is_discarded:
            return
        if self._descriptor < 0:
            self._open()
        for octets in pieces:
            left = memoryview(octets)
            while left:
                left = left[os.write(self._descriptor, left) :]
            self._measure.feed(octets, is_undotted=is_undotted)

    def _open(self) -> None:
        self._side.sweep_uploads()
        self._side.folders.make(self._side.folders.tmp)
        self._descriptor = open_file(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _finish(self, pieces: Sequence[bytes], is_undotted: bool) -> Facts:
        with self._lock:
            self._append(pieces, is_undotted)
            if not self._is_discarded:
                sync(self._descriptor)
        self._side.on_step(Step.BODY_SPOOLED)
        return self._measure.facts()

    def _discard(self) -> None:
        with self._lock:
            self._is_discarded = True
            descriptor, self._descriptor = self._descriptor, -1
            if descriptor >= 0:
                os.close(descriptor)
                os.unlink(self.path)


def _names(folder: str, latest: float) -> list[str]:
    """The files that got their name (a link changes a file's state) at `latest` or before."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.stat(follow_symlinks=False).st_ctime <= latest)
    except FileNotFoundError:
        return []


def _remove_unless_locked(path: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
    finally:
        os.close(descriptor)


def _copy(source: str, target: str) -> None:
    """Where the file system cannot link: a copy, durable before it has its name."""
    part = f"{target}.part"
    descriptor = open_file(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with open(source, "rb") as octets, os.fdopen(descriptor, "wb") as copy:
        shutil.copyfileobj(octets, copy, 1024 * 1024)
        copy.flush()
        sync(copy.fileno())
    os.rename(part, target)
