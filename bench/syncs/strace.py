"""What `strace` saw of a server: writes, names, syncs and answers, in their order.

A file is dirty from a write until a sync of it has returned, a folder from a new name in it until a sync of the folder.
What is dirty when an answer leaves was not durable then: that is the evidence which docs/durability.md shows. Where
answers to some are given while others are written to the same file, each message has a mark in its octets, and the mark
is followed: to the file it was written to, to the sync of that file, to the answer on its client's connection.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

SYSCALLS = (
    "fsync,fdatasync,sync_file_range,sync,syncfs,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,"
    "pwrite64,pwritev,pwritev2,write,writev,sendto,sendmsg,ftruncate,fallocate,copy_file_range,sendfile"
)

_CALL = re.compile(r"^(\d+) +(?:\d+\.\d+ )?(\w+)\((.*)$")
_RESUMED = re.compile(r"^(\d+) +(?:\d+\.\d+ )?<\.\.\. (\w+) resumed>(.*)$")
_PATH = re.compile(r"^\d+<(/[^>]*?)>(?:\(deleted\))?")
_CLIENT = re.compile(r"->127\.0\.0\.1:(\d+)\]>")
_MARK = re.compile(r"mark-\d+-")
_SOCKET = re.compile(r"^\d+<(?:TCP|TCPv6|UNIX|UNIX-STREAM|socket)\S*")
_NAMES = re.compile(r'"((?:[^"\\]|\\.)*)"')
_AT = re.compile(r"(?:AT_FDCWD(?:<[^>]*>)?|\d+<([^>]*)>), \"((?:[^\"\\]|\\.)*)\"")


class Kind(StrEnum):
    """What a call did."""

    SYNC = "sync"
    WRITE = "write"
    NAME = "name"  # a name was made in a folder
    UNLINK = "unlink"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Event:
    """One call: `what` is the path of a file or folder, or the text that was sent; `port` is the client's.

    `marks` are those that are in what was written.
    """

    kind: Kind
    what: str
    port: int = 0
    marks: frozenset[str] = frozenset()


_SYNCS = frozenset({"fsync", "fdatasync", "sync_file_range", "syncfs", "sync"})
_WRITES = frozenset(
    {"pwrite64", "pwritev", "pwritev2", "write", "writev", "sendto", "sendmsg", "ftruncate", "fallocate", "sendfile"}
)


def parse_trace(text: str) -> Iterator[Event]:
    """The events, in order: a write from its begin and again at its end, all but answers when they have worked."""
    pending: dict[tuple[str, str], Event | None] = {}
    for line in text.splitlines():
        if found := _RESUMED.match(line):
            event = pending.pop((found[1], found[2]), None)
            if event is not None and _has_worked(found[3]) and event.kind is not Kind.ANSWER:
                yield event
        elif found := _CALL.match(line):
            event = _event(found[2], found[3])
            is_over = not found[3].endswith("<unfinished ...>")
            if not is_over:
                pending[(found[1], found[2])] = event
            is_seen = event is not None and event.kind in (Kind.WRITE, Kind.ANSWER)
            if event is not None and (_has_worked(found[3]) if is_over else is_seen):
                yield event


def _has_worked(rest: str) -> bool:
    return not re.search(r"= -1 \w+ \(", rest)


def _event(call: str, arguments: str) -> Event | None:
    """What the call does; None where nothing is to be learned from it."""
    path = _PATH.match(arguments)
    if call in _SYNCS:
        return Event(Kind.SYNC, path[1] if path else "everything")
    if call in _WRITES:
        if path:
            return Event(Kind.WRITE, path[1], marks=frozenset(_MARK.findall(arguments)))
        if not _SOCKET.match(arguments):
            return None
        said = _NAMES.search(arguments)
        client = _CLIENT.search(arguments)
        return Event(Kind.ANSWER, said[1] if said else "", int(client[1]) if client else 0)
    names = [f"{folder}/{name}" if folder and name[:1] != "/" else name for folder, name in _AT.findall(arguments)]
    names = names or _NAMES.findall(arguments)
    if not names:
        return None
    if call.startswith("unlink"):
        return Event(Kind.UNLINK, names[0])
    return Event(Kind.NAME, names[-1])


@dataclass(slots=True)
class Story:
    """What happened up to the last answer that was waited for, and after it."""

    before: list[str] = field(default_factory=list)
    """Paths that were synced before it, in order."""
    after: list[str] = field(default_factory=list)
    unlinked: int = 0
    answers: int = 0
    too_early: list[str] = field(default_factory=list)
    """What was not durable when an answer left that stood for it."""


def read_story(events: Sequence[Event], store: str, drops: Sequence[str], beginning: str) -> Story:
    """Follow a trace: the answers that begin with `beginning` stand, line by line, for the folders `drops` in turn.

    Without drops there is nothing to stand for, and the last answer ends the story.
    """
    story = Story()
    dirty: dict[str, None] = {}
    count = sum(_lines(event, beginning) for event in events) if not drops else len(drops)
    for event in events:
        is_over = story.answers >= count
        if event.kind is Kind.SYNC:
            (story.after if is_over else story.before).append(event.what)
            dirty.pop(event.what, None)
        elif event.kind is Kind.UNLINK:
            story.unlinked += not is_over
            dirty.pop(event.what, None)
        elif event.kind is Kind.WRITE and _is_mail(event.what, store):
            dirty[event.what] = None
        elif event.kind is Kind.NAME and _is_mail(event.what, store) and f"{store}/tmp/" not in event.what:
            dirty[event.what.rpartition("/")[0]] = None
        elif event.kind is Kind.ANSWER and (lines := _lines(event, beginning)) and not is_over:
            standing_for = drops[story.answers : story.answers + lines]
            story.answers += lines
            story.too_early += [path for path in dirty if _concerns(path, store, standing_for)]
    return story


def early_marks(events: Sequence[Event], store: str, marks: Mapping[int, str]) -> list[str]:
    """What was answered with 250 before it was durable: `marks` has the mark of each client's message, by its port."""
    early = []
    unsynced: dict[str, set[str]] = {}
    durable: set[str] = set()
    for event in events:
        if event.kind is Kind.WRITE and _is_mail(event.what, store):
            unsynced.setdefault(event.what, set()).update(event.marks - durable)
        elif event.kind is Kind.SYNC:
            durable |= unsynced.pop(event.what, set())
        elif _lines(event, "250") and event.port in marks and marks[event.port] not in durable:
            early.append(f"the message of client {event.port}")
    return early


def _lines(event: Event, beginning: str) -> int:
    """How many of the awaited answers one write has."""
    if event.kind is not Kind.ANSWER:
        return 0
    return sum(line.startswith(beginning) for line in event.what.split(r"\r\n"))


def _is_mail(path: str, store: str) -> bool:
    """Whether it holds what was acknowledged: not who has a drop open, and not SQLite's map of its log."""
    is_kept = path.startswith((f"{store}/drops/", f"{store}/tmp/"))
    return is_kept and not path.endswith(("-shm", "/lease", "/removed"))


def _concerns(path: str, store: str, drops: Sequence[str]) -> bool:
    """Whether one of these drops needs it: what is in another drop's folder is that one's alone."""
    if not path.startswith(f"{store}/drops/"):
        return path.startswith(f"{store}/tmp")
    return any(f"{path}/".startswith(f"{drop}/") or drop.startswith(f"{path}/") or drop == path for drop in drops)
