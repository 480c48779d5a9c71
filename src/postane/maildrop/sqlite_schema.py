"""The index of one drop as an SQLite file: its tables, how it is made and opened, and what its errors mean.

`message` and `body` are apart so that a listing never reads past bodies. `meta` has one row with the totals, so that
a poll reads that row alone. `uid` only grows; a removed drop keeps its `meta`, so that no unique-id ever returns.
Write-ahead log and synchronous=FULL: a transaction that is committed is on the disk.

Nothing but SQLite may open an index in a process that uses it: closing any other descriptor of the file would drop
SQLite's locks on it, as POSIX has it.

Must not know: the event loop.
"""

import fcntl
import os
import sqlite3
import sys
import urllib.parse

from .base import MaildropError, StoreDamaged, StoreFull, StoreTooNew, StoreUnavailable
from .folders import Folders, inode, make_folder, own_like, sync, sync_folder
from .sides import Step, StepHook
from .sqlite_upgrade import DELETED, VERSION, upgrade
from .uidls import new_token

READ_CACHE = 24
WRITE_CACHE = 1024
"""KiB that a connection keeps of the file; the system's own cache holds the rest."""

READ_PATIENCE = 2.0
WRITE_PATIENCE = 15.0
"""Seconds that a connection waits for another process. A reader waits only while a log is recovered after a crash."""

LOG_LIMIT = 4 * 1024 * 1024
"""Octets to which the write-ahead log is cut back after a larger transaction."""

TABLES = """
CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    token TEXT NOT NULL,
    next_uid INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    removals INTEGER NOT NULL,
    excess INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE message (
    uid INTEGER PRIMARY KEY,
    octets INTEGER NOT NULL,
    header_octets INTEGER NOT NULL,
    is_dotted INTEGER NOT NULL,
    digest BLOB NOT NULL,
    arrived REAL NOT NULL,
    sender TEXT NOT NULL,
    uidl TEXT,
    blob TEXT,
    blob_octets INTEGER,
    blob_digest BLOB,
    excess INTEGER
);
CREATE UNIQUE INDEX message_uidl ON message (uidl) WHERE uidl IS NOT NULL;
CREATE INDEX message_excess ON message (excess) WHERE excess IS NOT NULL;
CREATE TABLE body (
    uid INTEGER PRIMARY KEY,
    octets BLOB NOT NULL
);
"""


def make_index(folders: Folders, drop: str, on_step: StepHook) -> None:
    """Make the index of a drop, durably, where it is not there: whole, or not at all. Raises MaildropError."""
    folder = folders.make_drop(drop)
    on_step(Step.FOLDER_MADE)
    lock = os.open(os.path.dirname(folder), os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process makes it, the others find it
        if inode(f"{folder}/index.sqlite") is not None:
            return
        if os.path.exists(f"{folder}/lease"):
            raise StoreDamaged("maildrop is damaged", f"maildrop {drop}: {folder}/index.sqlite is missing")
        _write_index(f"{folder}/index.new", drop)
        make_folder(f"{folder}/blobs")
        os.rename(f"{folder}/index.new", f"{folder}/index.sqlite")
        for path in (folder, os.path.dirname(folder), folders.drops):
            sync_folder(path)  # another process may have made one of them, and not be done with it
        on_step(Step.INDEX_MADE)
    finally:
        os.close(lock)


def has_index(folders: Folders, drop: str) -> bool:
    """Whether a drop is there. One that was used before does not just vanish: raises StoreDamaged."""
    folder = folders.drop(drop)
    if inode(f"{folder}/index.sqlite") is not None:
        return True
    if inode(f"{folder}/lease") is not None:
        raise StoreDamaged("maildrop is damaged", f"maildrop {drop}: {folder}/index.sqlite is missing")
    return False


def _write_index(path: str, drop: str) -> None:
    for leftover in (path, f"{path}-wal", f"{path}-shm", f"{path}-journal"):
        if os.path.exists(leftover):
            os.unlink(leftover)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous=OFF")  # it has another name until it is synced as a whole
            connection.executescript(f"BEGIN; {TABLES} {DELETED}; PRAGMA user_version={VERSION}; COMMIT")
            name = urllib.parse.quote(drop, errors="surrogateescape")  # for folders whose name is cut
            connection.execute("INSERT INTO meta VALUES (1, ?, ?, 1, 0, 0, 0, 0)", (name, new_token()))
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()
        own_like(os.path.dirname(path), descriptor)
        sync(descriptor)
    finally:
        os.close(descriptor)


def connect_reader(path: str) -> sqlite3.Connection:
    """A connection that reads; used by one thread at a time. Raises sqlite3.Error, MaildropError."""
    connection = _connect(path, READ_PATIENCE)
    connection.execute(f"PRAGMA cache_size=-{READ_CACHE}")
    connection.execute("PRAGMA shrink_memory")  # gives back what was set aside for a larger cache
    connection.execute("PRAGMA query_only=ON")
    return connection


def connect_writer(path: str) -> sqlite3.Connection:
    """A connection that writes durably; used by one thread at a time. Raises sqlite3.Error, MaildropError."""
    connection = _connect(path, WRITE_PATIENCE)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA cache_size=-{WRITE_CACHE}")
    connection.execute(f"PRAGMA journal_size_limit={LOG_LIMIT}")
    connection.execute("PRAGMA secure_delete=FAST")  # some builds overwrite all that is deleted: ten times the writing
    if sys.platform == "darwin":
        connection.execute("PRAGMA fullfsync=ON")
        connection.execute("PRAGMA checkpoint_fullfsync=ON")
    return connection


def _connect(path: str, patience: float) -> sqlite3.Connection:
    if os.stat(path).st_size == 0:
        raise StoreDamaged("maildrop is damaged", f"{path} is empty")
    connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise StoreTooNew(
                "maildrop is not available",
                f"{path} was written by a newer version of Postane (its format is {version}, this one knows {VERSION})",
            )
        if version < 1:
            raise StoreDamaged("maildrop is damaged", f"{path} is not a maildrop's index")
        if version < VERSION:
            upgrade(connection)
    except BaseException:
        connection.close()
        raise
    return connection


_DAMAGED = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT})


def index_error(error: sqlite3.Error, path: str) -> MaildropError:
    """What a failed operation on an index means for whoever asked for it. A misuse of the module is raised again."""
    if isinstance(error, sqlite3.ProgrammingError):
        raise error
    code = getattr(error, "sqlite_errorcode", None)
    name = getattr(error, "sqlite_errorname", "")
    log = f"{path}: {error} ({name})" if name else f"{path}: {error}"
    kind = code & 0xFF if code is not None else None
    if kind == sqlite3.SQLITE_FULL:
        return StoreFull("no space left for mail, try again later", log)
    if kind in _DAMAGED or (kind is None and isinstance(error, sqlite3.DatabaseError)):
        return StoreDamaged("maildrop is damaged", log)
    return StoreUnavailable("maildrop is not available now, try again later", log)
