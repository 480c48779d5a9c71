"""Places that `postane fetch` delivers to, and what is found there: read by other means than it was written by.

Each has the table of fetch.toml for it (`deliver`), and says what a process that is killed may do to it: where the
destination can tell (`is_exact`), no message is ever there twice.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postane.app import open_accounts
from postane.config.file import load_config
from postane.maildrop.embedded import embedded_store

from .dovecot import PASSWORD, dovecot
from .postoffice import PostOffice
from .sink_houses import drop_messages

_POSTMARK = re.compile(rb"^From [^\n]*\nX-Postane-Fetch: [0-9a-f]+\n", re.MULTILINE)
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_FIELD = re.compile(rb"\AX-Postane-Fetch: [0-9a-f]+\r\n")
_TRACE = re.compile(rb"\A(?:(?:Return-Path|Delivered-To|Received):[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)*")


@dataclass(frozen=True, slots=True)
class Place:
    """One destination; `contents` gives the messages, CR LF, without what the destination put in front of them.

    `is_atomic`: its last message cannot be found torn between a death and the next run.
    """

    name: str
    deliver: dict[str, Any]
    contents: Callable[[], Awaitable[list[bytes]]]
    is_exact: bool = True
    is_atomic: bool = True


def untraced(message: bytes) -> bytes:
    """It without the fields that a server puts in front of what it receives."""
    return _TRACE.sub(b"", message)


def read_mbox(path: Path) -> list[bytes]:
    """The messages of an mboxrd file."""
    octets = path.read_bytes() if path.exists() else b""
    before, *messages = _POSTMARK.split(octets)
    assert before == b"", before[:200]
    for number, message in enumerate(messages):
        assert message.endswith(b"\n\n") or number == len(messages) - 1, message[-100:]
    return [_QUOTED.sub(rb"\1", message.removesuffix(b"\n")).replace(b"\n", b"\r\n") for message in messages]


def read_maildir(path: Path) -> list[bytes]:
    """The messages of a Maildir."""
    files = [file for part in ("new", "cur") for file in (path / part).glob("*")]
    return [file.read_bytes() for file in sorted(files, key=lambda file: file.name)]


@asynccontextmanager
async def maildir(folder: Path) -> AsyncIterator[Place]:
    path = folder / "Maildir"

    async def contents() -> list[bytes]:
        return read_maildir(path)

    yield Place("Maildir", {"maildir": str(path), "line_ends": "crlf"}, contents)


@asynccontextmanager
async def mbox(folder: Path) -> AsyncIterator[Place]:
    path = folder / "mail" / "inbox"

    async def contents() -> list[bytes]:
        return read_mbox(path)

    yield Place("mbox", {"mbox": str(path)}, contents, is_atomic=False)


@asynccontextmanager
async def maildrop(folder: Path) -> AsyncIterator[Place]:
    """A drop of a post office that does not run."""
    office = PostOffice()
    try:
        anna = office.add_user("anna")
        deliver = {"maildrop": anna.name, "config": str(office.config)}
        yield Place("Postane maildrop", deliver, _drop(office, anna.name))
    finally:
        office.discard()


@asynccontextmanager
async def command(folder: Path) -> AsyncIterator[Place]:
    """A script that makes a file of each message, and another one where it gets it again."""
    taken = folder / "taken"
    taken.mkdir()
    script = folder / "take"
    script.write_text(f'#!/bin/sh\ncat > "{taken}/$$.part" && mv "{taken}/$$.part" "{taken}/$POSTANE_KEY.$$"\n')
    script.chmod(0o755)

    async def contents() -> list[bytes]:
        return [file.read_bytes().replace(b"\n", b"\r\n") for file in sorted(taken.glob("*[0-9]"))]

    yield Place("command", {"command": [str(script)]}, contents, is_exact=False)


@asynccontextmanager
async def lmtp(folder: Path) -> AsyncIterator[Place]:
    with PostOffice() as office:
        yield lmtp_of(office)


@asynccontextmanager
async def smtp(folder: Path) -> AsyncIterator[Place]:
    with PostOffice() as office:
        anna = office.add_user("anna")
        deliver = {"smtp": f"127.0.0.1:{office.smtp[1]}", "recipients": [anna.address], "tls": "none"}
        yield Place("SMTP", deliver, _drop(office, anna.name), is_exact=False)


@asynccontextmanager
async def imap(folder: Path) -> AsyncIterator[Place]:
    """A folder of Dovecot's, whose files are looked at."""
    with dovecot(has_imap=True) as server:
        url = f"imap://anna@127.0.0.1:{server.imap}/INBOX"
        server.put("anna", [])

        async def contents() -> list[bytes]:
            messages = read_maildir(server.folder / "mail" / "anna")
            return [_FIELD.sub(b"", message.replace(b"\n", b"\r\n")) for message in messages]

        yield Place("IMAP (Dovecot)", {"imap": url, "password": PASSWORD, "tls": "none"}, contents)


def lmtp_of(office: PostOffice) -> Place:
    """A new account of a running post office."""
    anna = office.add_user("anna")
    deliver = {"lmtp": f"127.0.0.1:{office.lmtp[1]}", "recipients": [anna.address]}
    return Place("LMTP", deliver, _drop(office, anna.name), is_exact=False)


def _drop(office: PostOffice, name: str) -> Callable[[], Awaitable[list[bytes]]]:
    async def contents() -> list[bytes]:
        store = embedded_store(office.folder / "store")
        try:
            messages = await drop_messages(store, await drop_of(office, name))
        finally:
            await store.close()
        return [untraced(message) for message in messages]

    return contents


async def drop_of(office: PostOffice, name: str) -> str:
    """The drop of an account."""
    accounts = open_accounts(load_config(office.config))
    try:
        account = await accounts.find(name)
    finally:
        await accounts.close()
    assert account is not None
    return account.drop


DESTINATIONS: dict[str, Callable[[Path], AbstractAsyncContextManager[Place]]] = {
    "maildir": maildir,
    "mbox": mbox,
    "maildrop": maildrop,
    "command": command,
    "lmtp": lmtp,
    "smtp": smtp,
    "imap": imap,
}
