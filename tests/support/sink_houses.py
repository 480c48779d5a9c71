"""Destinations for fetched mail, each with a way to look at what has come there."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from postane.mail.mboxrd import Piece, Postmark, Splitter
from postane.sinks.base import Parcel, Sink
from postane.sinks.content import MemoryContent, whole
from postane.sinks.line_ends import LineEnds
from postane.sinks.maildir import MaildirSink
from postane.sinks.mbox import MboxSink

FIELD_LINE = re.compile(rb"\AX-Postane-Fetch: [0-9a-f]{32}\r\n")
ARRIVED = 1_700_000_000.25


@dataclass(slots=True)
class SinkHouse:
    """One destination. `make` gives another sink for it; `contents` is what is there, CR LF, in order, without what
    the destination itself puts before a message."""

    make: Callable[[], Sink]
    contents: Callable[[], list[bytes]]
    is_octet_exact: bool = True


def parcel(number: int, data: bytes | None = None, *, lead: bytes = b"X-Lead: of ours\r\n", **more: object) -> Parcel:
    """The parcel of that number."""
    content = MemoryContent(b"Subject: %d\r\n\r\nmessage %d\r\n" % (number, number) if data is None else data)
    given = {"sender": "wmt@example.org", "arrived": ARRIVED + number, **more}
    return Parcel(f"work/uidl-{number}", "work", content, lead, **given)  # type: ignore[arg-type]


def octets(parcel: Parcel) -> bytes:
    """All of it."""
    return b"".join(whole(parcel))


@asynccontextmanager
async def maildir_house(root: Path) -> AsyncIterator[SinkHouse]:
    """A Maildir with LF line ends, as most are."""
    path = root / "Maildir"

    def contents() -> list[bytes]:
        return [each.read_bytes().replace(b"\n", b"\r\n") for each in maildir_files(path)]

    yield SinkHouse(lambda: MaildirSink(str(path)), contents)


@asynccontextmanager
async def maildir_crlf_house(root: Path) -> AsyncIterator[SinkHouse]:
    """A Maildir with line ends as they came."""
    path = root / "Maildir"
    yield SinkHouse(
        lambda: MaildirSink(str(path), line_ends=LineEnds.CRLF), lambda: [f.read_bytes() for f in maildir_files(path)]
    )


def maildir_files(path: Path) -> list[Path]:
    """The messages of a Maildir and its subfolders, as they came."""
    files = [*path.glob("new/*"), *path.glob("cur/*"), *path.glob(".*/new/*"), *path.glob(".*/cur/*")]
    return sorted(files, key=lambda file: file.name)


@asynccontextmanager
async def mbox_house(root: Path) -> AsyncIterator[SinkHouse]:
    """An mbox."""
    path = root / "Mail" / "inbox"
    yield SinkHouse(lambda: MboxSink(str(path)), lambda: mbox_messages(path))


def mbox_messages(path: Path) -> list[bytes]:
    """The messages of an mbox without the field that bears the key."""
    if not path.exists():
        return []
    splitter = Splitter()
    messages: list[bytes] = []
    for part in splitter.feed(path.read_bytes().replace(b"\n", b"\r\n")) + splitter.finish():
        if isinstance(part, Postmark):
            messages.append(b"")
        elif isinstance(part, Piece):
            messages[-1] += part.octets
    return [FIELD_LINE.sub(b"", message, count=1) for message in messages]


SINKS: dict[str, Callable[[Path], AbstractAsyncContextManager[SinkHouse]]] = {
    "maildir": maildir_house,
    "maildir-crlf": maildir_crlf_house,
    "mbox": mbox_house,
}
