"""The SQLite file of the accounts: its tables, its version, how it is made and opened.

`accounts.sqlite` in the storage folder: WAL, synchronous=FULL, readable by its owner alone. A new file appears
complete, so that workers that start together never see half of one.

Must not know: what the rows mean.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from .base import AccountsUnavailable
from .files import publish, temporary_name

FILE_NAME = "accounts.sqlite"
VERSION = 5
"""`PRAGMA user_version`; a newer file is refused, an older one is brought to this version when it is opened."""

BUSY_SECONDS = 5.0
"""How long a writer waits for another one."""

UNAVAILABLE = "accounts are not available now"
"""All that a client is told."""

_TABLES = """
CREATE TABLE account (
    name TEXT PRIMARY KEY,
    domain TEXT NOT NULL,       -- what stands behind the @ of the name, or ''
    password TEXT,              -- hash, or NULL: no password fits
    enabled INTEGER NOT NULL,
    quota_octets INTEGER,
    quota_messages INTEGER,
    created REAL NOT NULL       -- seconds since the epoch
) WITHOUT ROWID;
CREATE INDEX account_domain ON account (domain);
CREATE TABLE alias (
    address TEXT PRIMARY KEY,   -- user, user@domain, or @domain for a catch-all
    domain TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX alias_domain ON alias (domain);
CREATE INDEX alias_account ON alias (account);
CREATE TABLE device (
    account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    label TEXT NOT NULL,
    secret BLOB NOT NULL,       -- sealed, see devices.py
    created REAL NOT NULL,
    last_used REAL,
    PRIMARY KEY (account, label)
) WITHOUT ROWID;
"""

_OWN = """
CREATE TABLE own (              -- what accounts have of their own (NULL: the server's)
    account TEXT PRIMARY KEY REFERENCES account (name) ON DELETE CASCADE,
    lock TEXT,                  -- a lock policy
    retention REAL,             -- seconds, or infinity
    login_delay REAL,           -- seconds
    keep_deleted INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX own_retention ON own (retention);
CREATE INDEX own_login_delay ON own (login_delay);
"""

_SHARE = """
CREATE TABLE share (            -- who may read whose maildrop
    owner TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    reader TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    PRIMARY KEY (owner, reader)
) WITHOUT ROWID;
CREATE INDEX share_reader ON share (reader);
"""

_SCRAM = """
CREATE TABLE scram (            -- keys of the account's passwords
    account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    digest TEXT NOT NULL,       -- sha1 or sha256
    label TEXT NOT NULL,        -- of the device, or '': the account's own password
    keys BLOB NOT NULL,         -- sealed, see scram_keys.py
    PRIMARY KEY (account, digest, label)
) WITHOUT ROWID;
CREATE TRIGGER scram_ends AFTER UPDATE OF password ON account   -- whoever changes it, and by whatever statement
BEGIN
    DELETE FROM scram WHERE account = NEW.name AND label = '';
END;
CREATE TRIGGER scram_of_device_ends AFTER DELETE ON device
BEGIN
    DELETE FROM scram WHERE account = OLD.account AND label = OLD.label;
END;
CREATE INDEX scram_own ON scram (account) WHERE label = '' AND digest = 'sha256';   -- counts them in no time
"""

GENERATION = "SELECT max(number), (SELECT schema_version FROM pragma_schema_version) FROM generation"
"""Two numbers, of which one is another after each change but a note of a device's use; NULL where it cannot be told."""

_NUMBERED = """
CREATE TABLE generation (number INTEGER NOT NULL);   -- random: none comes back, not by a backup either
INSERT INTO generation VALUES (random());
"""
_RENEW = "BEGIN UPDATE generation SET number = random(); END;"
_TELLING = {  # an empty word: any of its columns
    "account": "",
    "alias": "",
    "device": "OF account, label, secret, created",  # last_used says nothing of what a login or an address means
    "own": "",
    "share": "",
    "scram": "",
}
_TRIGGERS = "".join(  # whoever changes it, and by whatever statement
    f"CREATE TRIGGER {table}_added AFTER INSERT ON {table} {_RENEW}"
    f"CREATE TRIGGER {table}_changed AFTER UPDATE {columns} ON {table} {_RENEW}"
    f"CREATE TRIGGER {table}_removed AFTER DELETE ON {table} {_RENEW}"
    for table, columns in _TELLING.items()
)

_STEPS = {2: _OWN, 3: _SHARE, 4: _SCRAM, 5: _NUMBERED + _TRIGGERS}
"""What brings a file to a version from the one before; a new file goes through all of them."""


def open_database(folder: Path) -> sqlite3.Connection:
    """Open the accounts of a storage folder, and make folder and file where there are none.

    The connection is in autocommit mode and may be used from any one thread at a time. Raises AccountsUnavailable.
    """
    path = folder / FILE_NAME
    with told(path):
        if not path.exists():
            _make(path)
        _check_modes(path)
        database = _connect(path)
        try:
            _bring_up(database, path)
        except BaseException:
            database.close()
            raise
    return database


def look(folder: Path) -> int:
    """The version of the accounts of a storage folder, which must be there. Nothing is made or changed, not even an old
    file brought up to date. Raises AccountsUnavailable where they cannot be read."""
    path = folder / FILE_NAME
    is_open = path.with_name(f"{path.name}-wal").exists()
    how = "mode=ro" if is_open else "mode=ro&immutable=1"  # even who only reads would else make a -wal and leave it
    with told(path):
        _check_modes(path)
        uri = f"{path.absolute().as_uri()}?{how}"
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as database:
            for table in ("account", "alias"):
                database.execute(f"SELECT * FROM {table} LIMIT 1").fetchall()  # noqa: S608 - our own words
            return _version(database, path)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what the database and the file system raise into AccountsUnavailable."""
    try:
        yield
    except (sqlite3.DatabaseError, OSError) as error:
        raise unavailable(path, error) from error


def unavailable(path: Path, error: sqlite3.DatabaseError | OSError) -> AccountsUnavailable:
    """What is told of such an error."""
    if isinstance(error, OSError):
        return AccountsUnavailable(UNAVAILABLE, f"{error.filename or path}: {error.strerror}")
    return AccountsUnavailable(UNAVAILABLE, f"{path}: {error}")


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, durable when it ends."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _check_modes(path: Path) -> None:
    """Refuse files that somebody else may read or write: they hold all hashes. We make none that are so."""
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        with suppress(FileNotFoundError):
            mode = each.stat().st_mode & 0o777
            if mode & 0o077:
                words = f"{each} may be read by others (its mode is {mode:04o}): chmod 600 {each}"
                raise AccountsUnavailable(UNAVAILABLE, words)


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = temporary_name(path)
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        database = _connect(temporary)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(
                f"BEGIN; {_TABLES} {''.join(_STEPS.values())} PRAGMA user_version = {VERSION}; COMMIT;"
            )
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # closing would not tell that there is no room for it
        finally:
            database.close()
        publish(temporary, path)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            temporary.with_name(temporary.name + suffix).unlink(missing_ok=True)


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("PRAGMA secure_delete = ON")  # a removed hash or secret does not linger in free pages
    except BaseException:
        database.close()
        raise
    return database


def _bring_up(database: sqlite3.Connection, path: Path) -> None:
    """Bring an older file to this version, all in one transaction; whoever opens it first does so."""
    if _version(database, path) == VERSION:
        return
    with transaction(database):
        for version in range(_version(database, path) + 1, VERSION + 1):  # another process may have been first
            for statement in _statements(_STEPS[version]):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {version}")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; a trigger has semicolons within."""
    statement = ""
    for piece in script.split(";"):
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _version(database: sqlite3.Connection, path: Path) -> int:
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        words = f"{path} was written by a newer Postane (its schema is {version}, this one knows {VERSION})"
        raise AccountsUnavailable(UNAVAILABLE, f"{words}: install that version again")
    if version < 1:
        raise AccountsUnavailable(UNAVAILABLE, f"{path} is not a file of Postane's accounts")
    return version
