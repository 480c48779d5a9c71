"""A Maildir, in which a message's file name derives from its key: it is never there twice.

A group of messages is delivered in steps: all are written to `tmp/`, made durable together, renamed into `new/`, and
then `new/` is made durable. What a crash leaves is a file in `tmp/`, which the next run sweeps, or a message that is
found again by its name in `new/` or `cur/`, of a subfolder too, whatever flags a mail reader has given it. Lines end
with LF, as in every Maildir that is delivered to on this machine, or with CR LF as they came; nothing else of a message
is changed. One who deletes a message between the crash and the next run gets it again.

Must not know: where mail comes from.
"""

import contextlib
import os
import re
import socket
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from .base import Delivery, Outcome, Parcel, SinkError
from .content import IN_MEMORY, SpoolError, whole
from .durable import Durability, make_folder, sync_folder
from .failures import FULL, deferred, in_words, told_as
from .keys import MARK_LENGTH, by_mark, mark
from .line_ends import LineEnds, with_line_ends
from .processes import lives
from .thread import OneThread

if TYPE_CHECKING:
    from .strangers import Strangers

GROUP = 250
"""Messages that are made durable together: one wait for the disk for all of them."""

STALE = 36 * 3600.0
"""Seconds after which a file in `tmp/` belongs to nobody (the Maildir convention)."""

TRIES = 10
"""Times that a Maildir is read whose files are renamed meanwhile."""

_MARKED = re.compile(rf"\.M[0-9]+K([0-9a-f]{{{MARK_LENGTH}}})\.")
_OUR_TMP = re.compile(rf"[0-9]+\.M[0-9]+P([0-9]+)K[0-9a-f]{{{MARK_LENGTH}}}\.(.+)")


class MaildirStep(StrEnum):
    """The boundaries of a delivery: what is done when the step is told."""

    FOLDERS_MADE = "folders made"
    WRITTEN = "written"  # a message is in tmp/, which a crash may take back
    DURABLE = "durable"  # all of the group are, in tmp/
    PLACED = "placed"  # one has its name in new/, which a crash may take back
    DONE = "done"  # all have theirs for good


def _ignore_step(_step: MaildirStep) -> None:
    pass


@dataclass(frozen=True, slots=True)
class _Paths:
    tmp: str
    new: str


class MaildirSink:
    """A Sink that is a Maildir; it is made where it is not there."""

    can_tell = True
    group = GROUP

    def __init__(
        self,
        path: str,
        *,
        line_ends: LineEnds = LineEnds.LF,
        on_step: Callable[[MaildirStep], None] = _ignore_step,
    ) -> None:
        self.name = f"maildir:{path}"
        self.is_new = False
        self._path = path
        self._tmp, self._new, self._cur = (os.path.join(path, folder) for folder in ("tmp", "new", "cur"))
        self._last = 0  # when the last message came, in microseconds: names sort as messages come
        self._line_ends = line_ends
        self._on_step = on_step
        self._thread = OneThread("postane-maildir")
        self._durability: Durability | None = None
        self._strangers: tuple[list[tuple[str, int]], Strangers] | None = None  # with when the folders had changed
        self._host = re.sub(r"[^A-Za-z0-9_-]", lambda found: f"\\{ord(found[0]):03o}", socket.gethostname())
        if os.name == "nt":
            self._host = self._host.replace("\\", "_")

    async def open(self) -> None:
        """Make what is not there, sweep what a crash has left. Raises SinkError."""
        await self._thread.run(self._open)

    async def locate(self) -> tuple[str, bool]:
        """See Located. Raises SinkError."""
        return await self._thread.run(self._locate)

    async def find(self, keys: Collection[str]) -> set[str]:
        """Which of these are in it, its subfolders included. Raises SinkError."""
        return await self._thread.run(partial(self._find, keys)) if keys else set()

    async def resembling(self, wanted: Mapping[str, str]) -> set[str]:
        """See Sink: some readers give every file a name of their own. Raises SinkError."""
        return await self._thread.run(partial(self._resembling, wanted))

    async def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Delivery]:
        """Put them in, durably. Raises SinkError."""
        return await self._thread.run(partial(self._deliver, parcels))

    async def close(self) -> None:
        """Let go."""
        await self._thread.close()
        if self._durability is not None:
            self._durability.close()
            self._durability = None

    def _open(self) -> None:
        with told_as(f"the Maildir {self._path} cannot be used"):
            self.is_new = not os.path.isdir(self._cur)
            for folder in (self._path, self._tmp, self._new, self._cur):
                make_folder(folder)
            self._on_step(MaildirStep.FOLDERS_MADE)
            if self._durability is None:
                self._durability = Durability(self._path)
            self._sweep()

    def _locate(self) -> tuple[str, bool]:
        with told_as(f"the Maildir {self._path} cannot be read"):
            return str(os.stat(self._path).st_ino), not any(_names(folder) for folder in self._folders())

    def _sweep(self) -> None:
        """Remove our own files that nobody writes any more: too old, or of a process of this host that is gone."""
        with os.scandir(self._tmp) as entries:
            ours = [(entry, found) for entry in entries if (found := _OUR_TMP.fullmatch(entry.name))]
        for entry, found in ours:
            with contextlib.suppress(OSError):
                is_old = entry.stat().st_mtime < time.time() - STALE
                if is_old or (found[2] == self._host and not lives(int(found[1]))):
                    os.unlink(entry.path)

    def _find(self, keys: Collection[str]) -> set[str]:
        wanted = by_mark(keys)
        with told_as(f"the Maildir {self._path} cannot be read"):
            found = (_MARKED.search(name) for folder in self._folders() for name in _names(folder))
            return {wanted[each[1]] for each in found if each is not None and each[1] in wanted}

    def _resembling(self, wanted: Mapping[str, str]) -> set[str]:
        from .strangers import HEADER, read_strangers  # rarely asked for

        with told_as(f"the Maildir {self._path} cannot be read"):
            for _ in range(TRIES):
                state = [(folder, _changed(folder)) for folder in self._folders()]
                if self._strangers is not None and self._strangers[0] == state:  # no file has another name than then
                    # One that was renamed while they were looked at may have been missed.
                    return self._strangers[1].resembling(wanted) | self._find(wanted)
                others = (f"{folder}/{name}" for folder, _ in state for name in _names(folder) if _is_other(name))
                self._strangers = state, read_strangers(_beginning(path, HEADER) for path in others)
        raise SinkError(f"the Maildir {self._path} changes faster than it is read: try again later")

    def _folders(self) -> Iterator[str]:
        for folder in (self._path, *_subfolders(self._path)):
            yield f"{folder}/new"
            yield f"{folder}/cur"

    def _deliver(self, parcels: Sequence[Parcel]) -> list[Delivery]:
        if self._durability is None:
            raise SinkError("the Maildir is not open")
        answers = [Delivery(Outcome.DELIVERED)] * len(parcels)
        written: list[_Paths] = []
        try:
            with told_as(f"nothing can be put into the Maildir {self._path}"):
                self._write_all(parcels, answers, written)
                self._durability.sync([each.tmp for each in written])
                self._on_step(MaildirStep.DURABLE)
                self._place_all(written)
        except SinkError:
            for each in written:
                _remove(each.tmp)
            raise
        return answers

    def _write_all(self, parcels: Sequence[Parcel], answers: list[Delivery], written: list[_Paths]) -> None:
        for number, parcel in enumerate(parcels):
            paths = self._paths(parcel)
            try:
                self._write(paths.tmp, parcel)
            except SpoolError as error:
                answers[number] = deferred(error.text)
            except OSError as error:
                if error.errno not in FULL:
                    raise
                answers[number] = deferred(f"no room in the Maildir {self._path}: {in_words(error)}")
            else:
                written.append(paths)
                self._on_step(MaildirStep.WRITTEN)

    def _paths(self, parcel: Parcel) -> _Paths:
        self._last = max(int(parcel.arrived * 1e6), self._last + 1)
        seconds, micros = divmod(self._last, 1_000_000)
        key = f"K{mark(parcel.key)}.{self._host}"
        return _Paths(
            f"{self._tmp}/{seconds}.M{micros:06}P{os.getpid()}{key}", f"{self._new}/{seconds}.M{micros:06}{key}"
        )

    def _write(self, path: str, parcel: Parcel) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | _BINARY, 0o600)
        try:
            for chunk in with_line_ends(_pieces(parcel), self._line_ends):
                left = memoryview(chunk)
                while left:
                    left = left[os.write(descriptor, left) :]
        except (OSError, SpoolError):
            _remove(path)
            raise
        finally:
            os.close(descriptor)

    def _place_all(self, written: list[_Paths]) -> None:
        for each in written:
            os.rename(each.tmp, each.new)
            self._on_step(MaildirStep.PLACED)
        sync_folder(self._new)
        self._on_step(MaildirStep.DONE)


def _pieces(parcel: Parcel) -> Iterable[bytes]:
    """A small message is written at once."""
    return whole(parcel) if parcel.content.octets > IN_MEMORY else (b"".join(whole(parcel)),)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


_BINARY = getattr(os, "O_BINARY", 0)


def _subfolders(path: str) -> list[str]:
    """The folders of a Maildir++."""
    with os.scandir(path) as entries:
        return [entry.path for entry in entries if entry.name.startswith(".") and entry.is_dir()]


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_other(name: str) -> bool:
    """Whether a file of `new/` or `cur/` is a message without a mark of ours."""
    return not name.startswith(".") and _MARKED.search(name) is None


def _changed(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _beginning(path: str, octets: int) -> bytes:
    """Of a file; one that has another name by now is looked for when it is asked for again."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(octets)
    except FileNotFoundError:
        return b""
