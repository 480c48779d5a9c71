"""Destinations for fetched mail, each with a way to look at what has come there."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from imapclient import IMAPClient

from postane.client.login import Plaintext
from postane.credentials.base import Secret, SecretKind
from postane.fetching.imap_folder import imap_sink
from postane.mail.mboxrd import Piece, Postmark, Splitter
from postane.maildrop.base import Holder, Lock, MaildropStore, OpenMessage
from postane.maildrop.embedded import embedded_store
from postane.net.base import Target, TlsMode, TlsPolicy
from postane.net.dial import dial
from postane.sinks.base import Sink
from postane.sinks.command import CommandSink
from postane.sinks.line_ends import LineEnds
from postane.sinks.maildir import MaildirSink
from postane.sinks.maildrop import MaildropSink
from postane.sinks.mbox import MboxSink
from postane.sinks.smtp import SmtpSink
from postane.sinks.smtp_session import SmtpServerAt
from postane.smtp.states import Dialect

from .dovecot import PASSWORD, dovecot
from .parcels import ARRIVED as ARRIVED
from .parcels import octets as octets
from .parcels import parcel as parcel
from .receiver import receiving

FIELD_LINE = re.compile(rb"\AX-Postane-Fetch: [0-9a-f]{32}\r\n")


@dataclass(slots=True)
class SinkHouse:
    """One destination. `make` gives another sink for it; `contents` is what is there, CR LF, in order, without what
    the destination itself puts before a message; `keeps` tells what it cannot keep."""

    make: Callable[[], Sink]
    contents: Callable[[], Awaitable[list[bytes]]]
    keeps: Callable[[bytes], bytes] = bytes


@asynccontextmanager
async def maildir_house(root: Path) -> AsyncIterator[SinkHouse]:
    """A Maildir with LF line ends, as most are."""
    path = root / "Maildir"

    async def contents() -> list[bytes]:
        return [each.read_bytes().replace(b"\n", b"\r\n") for each in maildir_files(path)]

    yield SinkHouse(lambda: MaildirSink(str(path)), contents)


@asynccontextmanager
async def maildir_crlf_house(root: Path) -> AsyncIterator[SinkHouse]:
    """A Maildir with line ends as they came."""
    path = root / "Maildir"

    async def contents() -> list[bytes]:
        return [each.read_bytes() for each in maildir_files(path)]

    yield SinkHouse(lambda: MaildirSink(str(path), line_ends=LineEnds.CRLF), contents)


def maildir_files(path: Path) -> list[Path]:
    """The messages of a Maildir and its subfolders, as they came."""
    files = [*path.glob("new/*"), *path.glob("cur/*"), *path.glob(".*/new/*"), *path.glob(".*/cur/*")]
    return sorted(files, key=lambda file: file.name)


@asynccontextmanager
async def mbox_house(root: Path) -> AsyncIterator[SinkHouse]:
    """An mbox."""
    path = root / "Mail" / "inbox"

    async def contents() -> list[bytes]:
        return mbox_messages(path)

    yield SinkHouse(lambda: MboxSink(str(path)), contents)


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


@asynccontextmanager
async def maildrop_house(root: Path) -> AsyncIterator[SinkHouse]:
    """A drop of an embedded store."""
    store = embedded_store(root / "post")
    reader = embedded_store(root / "post")  # whoever looks at it is another process, as a rule

    async def contents() -> list[bytes]:
        return await drop_messages(reader, "anna")

    try:
        yield SinkHouse(lambda: MaildropSink(store, "anna"), contents)
    finally:
        await store.close()
        await reader.close()


async def drop_messages(store: MaildropStore, drop: str) -> list[bytes]:
    """The messages of a drop."""
    session = await store.open(drop, Holder("reader", "", "pop3", 0.0), Lock())
    try:
        await session.load()
        return [await _read(await session.open_message(n)) for n in range(1, session.snapshot.total + 1)]
    finally:
        await session.close()


async def _read(message: OpenMessage) -> bytes:
    octets = b""
    while piece := await message.read(65536):
        octets += piece
    await message.close()
    return octets


@asynccontextmanager
async def command_house(root: Path) -> AsyncIterator[SinkHouse]:
    """A script that makes a file of each message."""
    path = root / "taken"
    path.mkdir()
    script = f"cat > {path}/$$.part && n=$(ls {path} | grep -c -v part); mv {path}/$$.part {path}/$(printf %06d $n)"

    async def contents() -> list[bytes]:
        return [each.read_bytes().replace(b"\n", b"\r\n") for each in sorted(path.glob("*[0-9]"))]

    yield SinkHouse(lambda: CommandSink(script), contents)


@asynccontextmanager
async def smtp_house(_: Path, dialect: Dialect = Dialect.SMTP) -> AsyncIterator[SinkHouse]:
    """A server that takes messages."""
    async with receiving(dialect=dialect) as receiver:

        async def contents() -> list[bytes]:
            return [octets for _, _, octets in receiver.messages]

        at = SmtpServerAt(receiver.target(), dialect, "fetcher.test")
        yield SinkHouse(lambda: SmtpSink(dial, at, ["anna@example.org"]), contents)


@asynccontextmanager
async def imap_house(_: Path) -> AsyncIterator[SinkHouse]:
    """A folder at Dovecot."""
    with dovecot(has_imap=True) as server:
        server.put("anna", [])
        target = Target("127.0.0.1", server.imap, TlsPolicy(TlsMode.NONE), timeout=20.0)

        async def contents() -> list[bytes]:
            return await asyncio.to_thread(imap_messages, server.imap, "Fetched.Work")

        def make() -> Sink:
            return imap_sink(target, "anna", Plaintext.LOOPBACK, Given(PASSWORD), "Fetched.Work")

        # NUL has no place in IMAP (RFC 9051 s9, CHAR8): Dovecot writes another octet for it.
        yield SinkHouse(make, contents, lambda sent: sent.replace(b"\0", b"\x80"))


class Given:
    """A secret that is at hand."""

    def __init__(self, text: str) -> None:
        self._secret = Secret(SecretKind.PASSWORD, text)
        self.is_refused = False

    async def get(self) -> Secret:
        return self._secret

    async def refuse(self) -> None:
        self.is_refused = True


def imap_messages(port: int, folder: str) -> list[bytes]:
    """The messages of a folder without the field that bears the key."""
    with IMAPClient("127.0.0.1", port, ssl=False) as client:
        client.login("anna", PASSWORD)
        if not client.folder_exists(folder):
            return []
        client.select_folder(folder, readonly=True)
        found = client.fetch(client.search() or [1], ["BODY.PEEK[]"])
        return [FIELD_LINE.sub(b"", found[uid][b"BODY[]"], count=1) for uid in sorted(found)]


SINKS: dict[str, Callable[[Path], AbstractAsyncContextManager[SinkHouse]]] = {
    "maildir": maildir_house,
    "maildir-crlf": maildir_crlf_house,
    "mbox": mbox_house,
    "maildrop": maildrop_house,
    "command": command_house,
    "smtp": smtp_house,
    "imap": imap_house,
    "lmtp": partial(smtp_house, dialect=Dialect.LMTP),
}
