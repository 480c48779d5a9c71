"""An mbox in its "rd" form, in which a message bears its key in a header field: it is never there twice.

A group of messages is appended in steps: the file is locked, a note is left of where they begin, they are appended, the
file is made durable, the note goes. What a crash leaves half done the next run mends by the note (`mbox_note`). Lines
end with LF, as in every mbox of this kind of system; a last line without an end gets one; nothing else of a message is
changed, and `From ` lines come back by taking one `>` off.

Must not know: where mail comes from.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import partial

from postane.mail.mboxrd import Quoter, format_postmark

from .base import Delivery, Outcome, Parcel
from .content import SpoolError, whole
from .durable import make_folder, sync_file, sync_folder
from .failures import FULL, deferred, in_words, told_as
from .keys import by_mark, field_line
from .line_ends import LineEnds, with_line_ends
from .mbox_lock import LockedFile, Patience
from .mbox_note import Note, heads, mend, remove_note, write_note
from .thread import OneThread

GROUP = 100
"""Messages that are made durable together."""

LOCK_WAIT = 60.0
"""Seconds to wait for another program to unlock the file."""


class MboxStep(StrEnum):
    """The boundaries of a delivery: what is done when the step is told."""

    LOCKED = "locked"
    NOTED = "noted"  # where the messages begin is durable
    BEGUN = "begun"  # the beginning of a message is in the file
    APPENDED = "appended"  # a message is in the file, which a crash may take back
    DURABLE = "durable"  # all of them are there for good, and the note still says that they may not be
    DONE = "done"


def _ignore_step(_step: MboxStep) -> None:
    pass


def _ignore_wait(_words: str) -> None:
    pass


class MboxSink:
    """A Sink that is an mbox, and a Waiter for its lock; it is made where it is not there.

    `note` is where it notes what it is about to append, in a folder that may be written to; None: beside the mbox.
    """

    can_tell = True
    group = GROUP

    def __init__(
        self,
        path: str,
        *,
        note: str | None = None,
        lock_wait: float = LOCK_WAIT,
        on_step: Callable[[MboxStep], None] = _ignore_step,
    ) -> None:
        self.name = f"mbox:{path}"
        self.is_new = False
        self.on_wait: Callable[[str], None] = _ignore_wait
        self._path = path
        self._note = note or f"{path}.postane"
        self._lock_wait = lock_wait
        self._on_step = on_step
        self._thread = OneThread("postane-mbox")

    async def open(self) -> None:
        """Make it where it is not there, mend what a crash has left. Raises SinkError."""
        await self._thread.run(self._open)

    async def locate(self) -> tuple[str, bool]:
        """See Located. Raises SinkError."""
        return await self._thread.run(self._locate)

    async def find(self, keys: Collection[str]) -> set[str]:
        """Which of these are in it: all of it is read. Raises SinkError."""
        return await self._thread.run(partial(self._find, keys)) if keys else set()

    async def resembling(self, wanted: Mapping[str, str]) -> set[str]:
        """See Sink: some readers put header fields into another order. Raises SinkError."""
        return await self._thread.run(partial(self._resembling, wanted))

    async def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Delivery]:
        """Append them, durably. Raises SinkError."""
        return await self._thread.run(partial(self._deliver, parcels)) if parcels else []

    async def close(self) -> None:
        """Let go."""
        await self._thread.close()

    def _open(self) -> None:
        with told_as(f"the mbox {self._path} cannot be used"):
            folder = os.path.dirname(self._path) or "."
            make_folder(folder)
            self.is_new = not os.path.exists(self._path)
            with self._locked():
                if self.is_new:
                    sync_folder(folder)

    def _locate(self) -> tuple[str, bool]:
        with told_as(f"the mbox {self._path} cannot be read"):
            found = os.stat(self._path)
            return str(found.st_ino), found.st_size == 0

    def _find(self, keys: Collection[str]) -> set[str]:
        wanted = by_mark(keys)
        with told_as(f"the mbox {self._path} cannot be read"), self._locked() as file:
            return {wanted[head.mark] for head in heads(file.descriptor) if head.mark in wanted}

    def _resembling(self, wanted: Mapping[str, str]) -> set[str]:
        from .strangers import mbox_strangers, read_strangers  # rarely asked for

        with told_as(f"the mbox {self._path} cannot be read"), self._locked() as file:
            return read_strangers(mbox_strangers(file.descriptor)).resembling(wanted)

    def _deliver(self, parcels: Sequence[Parcel]) -> list[Delivery]:
        with told_as(f"nothing can be appended to the mbox {self._path}"), self._locked() as file:
            self._on_step(MboxStep.LOCKED)
            start, lead = _end(file.descriptor)
            inode = os.fstat(file.descriptor).st_ino
            write_note(self._note, Note(inode, start, lead, tuple(map(_begin, parcels))))
            self._on_step(MboxStep.NOTED)
            answers = self._append_all(file, parcels, lead)
            sync_file(file.descriptor)
            self._on_step(MboxStep.DURABLE)
            remove_note(self._note)
            self._on_step(MboxStep.DONE)
            return answers

    def _append_all(self, file: LockedFile, parcels: Sequence[Parcel], lead: bytes) -> list[Delivery]:
        answers = []
        _write(file.descriptor, lead)
        for parcel in parcels:
            start = os.lseek(file.descriptor, 0, os.SEEK_END)
            try:
                self._append(file, parcel)
            except SpoolError as error:
                os.ftruncate(file.descriptor, start)
                answers.append(deferred(error.text))
            except OSError as error:
                os.ftruncate(file.descriptor, start)
                if error.errno not in FULL:
                    raise
                answers.append(deferred(f"no room in the mbox {self._path}: {in_words(error)}"))
            else:
                answers.append(Delivery(Outcome.DELIVERED))
                self._on_step(MboxStep.APPENDED)
        return answers

    def _append(self, file: LockedFile, parcel: Parcel) -> None:
        _write(file.descriptor, _begin(parcel))
        self._on_step(MboxStep.BEGUN)
        for chunk in with_line_ends(_quoted(parcel), LineEnds.LF):
            file.keep()
            _write(file.descriptor, chunk)

    @contextmanager
    def _locked(self) -> Iterator[LockedFile]:
        """The file, locked and sound."""
        thread = self._thread
        file = LockedFile(self._path, Patience(self._lock_wait, thread.wait, lambda: thread.is_stopped, self.on_wait))
        try:
            mend(self._path, file.descriptor, self._note)
            yield file
        finally:
            file.release()


def _begin(parcel: Parcel) -> bytes:
    return (format_postmark(parcel.sender, parcel.arrived) + field_line(parcel.key)).replace(b"\r\n", b"\n")


def _quoted(parcel: Parcel) -> Iterator[bytes]:
    quoter = Quoter()
    for chunk in whole(parcel):
        yield quoter.feed(chunk)
    yield quoter.finish()


def _end(descriptor: int) -> tuple[int, bytes]:
    """Where the file ends, and what it lacks to end in an empty line."""
    size = os.lseek(descriptor, 0, os.SEEK_END)
    os.lseek(descriptor, max(size - 2, 0), os.SEEK_SET)
    last = os.read(descriptor, 2)
    if not size or last == b"\n\n":
        return size, b""
    return size, b"\n" if last.endswith(b"\n") else b"\n\n"


def _write(descriptor: int, octets: bytes) -> None:
    left = memoryview(octets)
    while left:
        left = left[os.write(descriptor, left) :]
