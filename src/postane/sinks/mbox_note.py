"""A note about an mbox: from where on messages are being appended. What it is for is to mend a broken append.

The note is durable before the first octet is appended and goes when the last one is durable. Where a crash left one,
all its messages that are in the file are whole but for the last of them: that one is cut off where nothing follows it;
where somebody else has appended a message since, it stays, torn, under a key that is nobody's, and is delivered anew.

Must not know: locks, parcels.
"""

import contextlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .durable import sync_file, sync_folder
from .keys import FIELD, MARK_LENGTH

BLOCK = 1024 * 1024
"""Octets of an mbox that are looked at together."""

SHARED = 4096
"""Octets that two blocks share: no postmark with a field of ours is longer."""

_HEAD = re.compile(rb"(?<=\n)From [^\n]{0,2500}\n%s: ([0-9a-f]{%d})\r?\n" % (FIELD.encode(), MARK_LENGTH))
# A postmark of somebody else's, be it behind half a line of ours. One that is quoted is in a message of ours, unless a
# header field follows it: then that message broke off behind its `>`, or has a mailbox in it, and is not cut either.
_SOMEBODY_ELSES = re.compile(
    rb"(?<!>)From [^\n]{1,2500}[0-9]:[0-9][0-9]|From [^\n]{1,2500}[0-9]:[0-9][0-9][^\n]*\n[!-9;-~]+:"
)
_WORD = b"From "  # nothing that is quoted has it at the beginning of a line
_NOBODYS = b"0" * MARK_LENGTH


@dataclass(frozen=True, slots=True)
class Head:
    """Where a message of ours begins in the file, and with which mark; `mark_at` is where that stands."""

    at: int
    mark: str
    mark_at: int


@dataclass(frozen=True, slots=True)
class Note:
    """An append that was begun: `size` is the file's before it, `lead` what the file lacked to end in an empty line,
    `begins` are the first lines of its messages, in order, each to the end of its mark's line."""

    inode: int
    size: int
    lead: bytes
    begins: tuple[bytes, ...]

    @property
    def marks(self) -> tuple[str, ...]:
        """The messages' marks."""
        return tuple(begin[-MARK_LENGTH - 1 : -1].decode("ascii") for begin in self.begins)


def write_note(path: str, note: Note) -> None:
    """Leave a note in a file of that name, durably. Raises OSError."""
    temporary = f"{path}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(
            descriptor,
            json.dumps([note.inode, note.size, note.lead.hex(), *(each.hex() for each in note.begins)]).encode(),
        )
        sync_file(descriptor)
    finally:
        os.close(descriptor)
    os.replace(temporary, path)
    sync_folder(os.path.dirname(path) or ".")


def remove_note(path: str) -> None:
    """The append is durable, or undone; so is this. A note that came back would undo what was said to be there.
    Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
        sync_folder(os.path.dirname(path) or ".")


def mend(path: str, descriptor: int, note_path: str) -> None:
    """Mend what a broken append has left in an open file. The file is locked. Raises OSError."""
    note = _read_note(note_path)
    if note is None:
        return
    now = os.fstat(descriptor)
    is_same = now.st_ino == note.inode and now.st_size >= note.size
    first = note.lead + note.begins[0]
    tail = _read_at(descriptor, note.size)[: len(first)] if is_same else b""
    may_cut = is_same and tail == first  # else somebody has rewritten it, or it broke off at once
    ours = [head for head in heads(descriptor, note.size if may_cut else 0) if head.mark in note.marks]
    if is_same and len(tail) < len(first) and first.startswith(tail):
        os.ftruncate(descriptor, note.size)
    elif ours:
        size = _without_next(descriptor, note, ours[-1]) if may_cut else None
        if size is not None:
            os.ftruncate(descriptor, size)
        else:
            _undo(path, descriptor, ours[-1], may_cut=may_cut)
    sync_file(descriptor)
    remove_note(note_path)


def _without_next(descriptor: int, note: Note, last: Head) -> int | None:
    """The size without the broken first lines of the message that follows the last one; None: there are no such."""
    following = note.marks.index(last.mark) + 1
    if following == len(note.begins):
        return None
    size, begin = os.fstat(descriptor).st_size, note.begins[following]
    tail = _read_at(descriptor, max(size - len(begin) - 2, 0))
    for length in range(len(begin) - 1, len(_WORD) - 1, -1):
        if tail.endswith(b"\n\n" + begin[:length]):
            return size - length
    return None


def heads(descriptor: int, start: int = 0) -> Iterator[Head]:
    """The messages of ours from an offset on, which is a line's beginning, in the order of the file. Raises OSError."""
    last, before = -1, b"\n"
    while octets := _read_at(descriptor, start):
        origin = start - len(before)
        for found in _HEAD.finditer(before + octets):
            if origin + found.start() > last:  # in what two blocks share it is found twice
                last = origin + found.start()
                yield Head(last, found[1].decode("ascii"), origin + found.start(1))
        if len(octets) <= SHARED:
            return
        before = octets[-SHARED - 1 : -SHARED]
        start += len(octets) - SHARED


def _undo(path: str, descriptor: int, head: Head, *, may_cut: bool) -> None:
    if may_cut and not _has_postmark(descriptor, head.mark_at):
        os.ftruncate(descriptor, head.at)
        return
    # Another descriptor: what is written to one that appends is appended, wherever it was to go.
    with open(path, "r+b", buffering=0) as file:
        if os.path.samestat(os.fstat(file.fileno()), os.fstat(descriptor)):
            file.seek(head.mark_at)
            file.write(_NOBODYS)
            sync_file(file.fileno())


def _has_postmark(descriptor: int, start: int) -> bool:
    """Whether there is anything like a postmark from there on, be it in the middle of a line."""
    while octets := _read_at(descriptor, start):
        if _SOMEBODY_ELSES.search(octets):
            return True
        if len(octets) <= SHARED:
            return False
        start += len(octets) - SHARED
    return False


def _read_at(descriptor: int, start: int) -> bytes:
    os.lseek(descriptor, start, os.SEEK_SET)
    return os.read(descriptor, BLOCK)


def _read_note(path: str) -> Note | None:
    """None: there is none, or it is nothing of ours."""
    try:
        with open(path, encoding="ascii") as file:
            inode, size, *given = json.load(file)
        lead, *begins = map(bytes.fromhex, given)
        return Note(int(inode), int(size), lead, tuple(begins)) if begins else None
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return None
