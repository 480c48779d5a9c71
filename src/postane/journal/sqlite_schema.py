"""The SQLite file of the journal: its tables, how it is made and opened, and what its errors mean.

A message has a number of its own (`id`), so that a listing of a million is compared by numbers and not by words.
`listed` is NULL while its server has it: a poll that finds nothing new writes one row, not a million. `key` is unique
in an account. Write-ahead log and synchronous=FULL: what is committed is on the disk. A new file appears complete.

Must not know: the event loop, what is done with the rows.
"""

import contextlib
import os
import secrets
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from .base import JournalError

VERSION = 1
"""`PRAGMA user_version`; a newer file is refused, an older one is brought to this version when it is opened."""

PATIENCE = 30.0
"""Seconds to wait for another process: the first listing of a million messages takes some."""

CACHE = 8192
"""KiB of the file that are kept in memory, whatever is listed; the system's own cache holds the rest."""

LOG_LIMIT = 4 * 1024 * 1024
"""Octets to which the write-ahead log is cut back after a larger transaction."""

_TABLES = """
CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    is_running INTEGER NOT NULL,    -- a run has begun, and not ended clean
    listed REAL,                    -- its last listing, in seconds since the epoch
    last_run REAL
);
CREATE TABLE word (
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id),
    key TEXT NOT NULL,
    step INTEGER NOT NULL,          -- see STEPS
    octets INTEGER NOT NULL,
    seen REAL NOT NULL,
    listed REAL,                    -- NULL: in its account's last listing
    fetched REAL,
    delivered REAL,
    deleted REAL,
    reason TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    sinks TEXT NOT NULL DEFAULT '', -- names as JSON, or nothing
    UNIQUE (account, key)
);
CREATE INDEX message_gone ON message (account, listed) WHERE listed IS NOT NULL;
CREATE INDEX message_deleted ON message (account) WHERE step = 4;
"""

_VERSIONS = {1: _TABLES}
"""What brings a file to a version from the one before; a new file goes through all of them."""


def open_file(path: Path) -> sqlite3.Connection:
    """Open the journal, and make it, and its folder, where there is none. Raises JournalError."""
    try:
        if not path.exists():
            _make(path)
        elif path.stat().st_size == 0:
            raise damaged(path, "it is empty")
        return _open(path)
    except OSError as error:
        raise JournalError(f"{error.filename or path}: the state cannot be opened: {error.strerror}") from None
    except sqlite3.Error as error:
        raise journal_error(path, error) from None


def _make(path: Path) -> None:
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with contextlib.closing(_connect(temporary)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            _bring_up(database, temporary)
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # closing would not tell that there is no room for it
        with contextlib.suppress(FileExistsError):  # another process was faster, and its file is as good
            os.link(temporary, path)
        _sync_folder(path.parent)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            temporary.with_name(temporary.name + suffix).unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder, for its owner alone, and those above it, where there is none. Raises OSError."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open(path: Path) -> sqlite3.Connection:
    database = _connect(path)
    try:
        _bring_up(database, path)
        for table in ("account", "word", "message"):
            database.execute(f"SELECT * FROM {table} LIMIT 1").fetchall()  # noqa: S608 - our own words
    except BaseException:
        database.close()
        raise
    return database


def _connect(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=rw"
    database = sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA foreign_keys = ON")
        database.execute(f"PRAGMA cache_size = -{CACHE}")
        database.execute("PRAGMA temp_store = FILE")  # a listing lies there
        database.execute(f"PRAGMA journal_size_limit = {LOG_LIMIT}")
        database.execute("PRAGMA secure_delete = FAST")  # some builds overwrite all that is deleted
        if sys.platform == "darwin":
            database.execute("PRAGMA fullfsync = ON")
            database.execute("PRAGMA checkpoint_fullfsync = ON")
    except BaseException:
        database.close()
        raise
    return database


def _bring_up(database: sqlite3.Connection, path: Path) -> None:
    """Bring an older file to this version, all in one transaction; whoever opens it first does so."""
    if _version(database, path) == VERSION:
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        for version in range(_version(database, path) + 1, VERSION + 1):  # another process may have been first
            for statement in _statements(_VERSIONS[version]):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {version}")
        database.execute("COMMIT")
    finally:
        if database.in_transaction:
            database.rollback()


def _version(database: sqlite3.Connection, path: Path) -> int:
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        words = f"{path} was written by a newer Postane (its format is {version}, this one knows {VERSION})"
        raise JournalError(f"{words}: install that version again, or name another file as `state`")
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version == 0 and tables:
        raise JournalError(f"{path} is no state of fetched mail: name another file as `state`")
    return version


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


_DAMAGED = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT})


def journal_error(path: Path, error: sqlite3.Error) -> JournalError:
    """What a failed operation means for whoever asked for it. A misuse of the module is raised again."""
    if isinstance(error, sqlite3.ProgrammingError):
        raise error
    code = getattr(error, "sqlite_errorcode", None)
    kind = code & 0xFF if code is not None else sqlite3.SQLITE_CORRUPT
    if kind in _DAMAGED:
        return damaged(path, str(error))
    if kind == sqlite3.SQLITE_FULL:
        words = "no space is left to record what is fetched: make room, then fetch again"
        return JournalError(f"{path}: {words}", may_pass=True)
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        words = f"another process has it locked for more than {PATIENCE:g} s: try again later"
        return JournalError(f"{path}: {words}", may_pass=True)
    if kind in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return JournalError(f"{path}: the state cannot be opened or written ({error}): who may write there?")
    return JournalError(f"{path}: the state cannot be read or written: {error}")


def damaged(path: Path, words: str) -> JournalError:
    """The error of a journal that cannot be read."""
    return JournalError(
        f"{path}: the state is damaged ({words}): put a backup of it in its place, or move it away; without it, the"
        " next run asks the destinations what they have, and those that cannot be asked get all mail once more"
    )
