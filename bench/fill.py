"""Very large maildrops, and very many: made in seconds, by the store's own library and by what SQLite does in bulk.

A large drop begins with messages that were deposited; then its rows are doubled inside the file until there are
enough. Many drops are copies of one that was deposited, each with a name and a token of its own, as the library makes
them. `check` lets the store itself say that what was made is sound.
"""

import asyncio
import contextlib
import itertools
import os
import shutil
import sqlite3
import time
import urllib.parse
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from messages import Group, message

from postane.maildrop.base import Addressee, Letter
from postane.maildrop.drop import JoinedStore
from postane.maildrop.embedded import embedded_store
from postane.maildrop.folders import Folders
from postane.maildrop.uidls import new_token

SEED = 1000
"""Messages of a large drop that are deposited one by one; those of a smaller one all are."""
AT_ONCE = 250
TABLES = ("message", "body")
"""Those that have a row for every message, by its uid."""


def fill_drop(path: Path, drop: str, messages: int, octets: int) -> None:
    """One drop with so many messages of so many octets."""
    seed = min(messages, SEED)

    async def begin(store: JoinedStore) -> None:
        for start in range(0, seed, AT_ONCE):
            numbers = range(start, min(seed, start + AT_ONCE))
            await asyncio.gather(*(_deposit(store, drop, message(number, octets)) for number in numbers))

    _with_store(path, begin)
    if messages > seed:
        _multiply(f"{Folders(path).drop(drop)}/index.sqlite", seed, messages)


async def _deposit(store: JoinedStore, drop: str, octets: bytes) -> None:
    spool = store.spool()
    await spool.write(octets)
    (outcome,) = await store.deposit(spool, Letter("sender@bench.example", time.time()), [Addressee(drop)])
    await spool.discard()
    if isinstance(outcome, Exception):
        raise RuntimeError(f"{drop} cannot be filled: {outcome}")


def _multiply(index: str, seed: int, messages: int) -> None:
    """Let the rows of a closed index be `messages`; its totals follow."""
    with contextlib.closing(sqlite3.connect(index, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-262144")
        connection.execute("BEGIN")
        held = seed
        while held < messages:
            more = min(held, messages - held)
            for table in TABLES:
                columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != "uid"]
                names = ", ".join(columns)
                connection.execute(
                    f"INSERT INTO {table} (uid, {names}) SELECT uid + ?, {names} FROM {table} WHERE uid <= ?",
                    (held, more),
                )
            held += more
        connection.execute(
            "UPDATE meta SET messages = ?, next_uid = ?, octets = (SELECT sum(octets) FROM message)",
            (messages, messages + 1),
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def fill_group(store: Path, group: Group) -> None:
    """All drops of a group: one is filled, and those whose names are as long as its name are copies of it."""
    for _, names in itertools.groupby(group.names(), len):
        model, *others = names
        fill_drop(store, model, group.messages, group.octets)
        fill_drops(store, others, model)


def fill_drops(path: Path, names: Iterable[str], template: str, tell: Callable[[int], None] | None = None) -> None:
    """Drops that are like `template`, which exists; all names have the template's length. `tell` hears how many."""
    folders = Folders(path)
    model = folders.drop(template)
    with contextlib.closing(sqlite3.connect(f"{model}/index.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ((name, token),) = connection.execute("SELECT name, token FROM meta").fetchall()
    octets = Path(f"{model}/index.sqlite").read_bytes()
    own = f"{name}{token}".encode()  # the columns are neighbours in the one row that has them
    if octets.count(own) != 1:
        raise RuntimeError("the index of a drop has its name and token in several places: it cannot be copied")
    extra = [entry.name for entry in os.scandir(model) if entry.is_file() and not entry.name.startswith("index.")]
    blobs = [entry.path for entry in os.scandir(f"{model}/blobs")]
    for number, drop in enumerate(names, 1):
        folder = folders.drop(drop)
        quoted = urllib.parse.quote(drop, errors="surrogateescape")
        if len(quoted) != len(name):
            raise RuntimeError(f"{drop} is not as long as {template}")
        os.makedirs(f"{folder}/blobs", mode=0o700)
        _write(f"{folder}/index.sqlite", octets.replace(own, f"{quoted}{new_token()}".encode()))
        for file in extra:
            shutil.copy2(f"{model}/{file}", f"{folder}/{file}")
        for blob in blobs:
            shutil.copy2(blob, f"{folder}/blobs")
        if tell and number % 10_000 == 0:
            tell(number)


def _write(path: str, octets: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, octets)
    finally:
        os.close(descriptor)


def check(path: Path, drop: str) -> None:
    """Raises RuntimeError where the store finds anything wrong in a drop that was made here."""

    async def look(store: JoinedStore) -> None:
        async for finding in store.verify(drop):
            raise RuntimeError(f"{drop}: {finding.kind}: {finding.detail}")

    _with_store(path, look)


def _with_store(path: Path, work: Callable[[JoinedStore], Awaitable[None]]) -> None:
    async def run() -> None:
        store = embedded_store(path)
        try:
            await work(store)
        finally:
            await store.close()

    asyncio.run(run())


def timed(work: Callable[[], None]) -> float:
    """The seconds that it took."""
    begun = time.monotonic()
    work()
    return time.monotonic() - begun
