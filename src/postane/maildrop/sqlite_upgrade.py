"""Indexes that an older version of this program wrote, brought up to date when they are opened.

Each step leads from one `user_version` to the next; all of them are one transaction, so that a program which is
killed meanwhile leaves the index as it was, and the next one begins anew.

Must not know: the event loop.
"""

import sqlite3
from collections.abc import Callable, Mapping

VERSION = 4
"""`user_version` of an index that this program writes."""


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring an index up to date, durably, if nobody else did it meanwhile. Raises sqlite3.Error."""
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for each in range(version, VERSION):
            _STEPS[each](connection)
        connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.rollback()


def _add_excess(connection: sqlite3.Connection) -> None:
    """Version 2: how much longer a message is without UTF-8. Those that are there are given as they always were."""
    connection.execute("ALTER TABLE message ADD COLUMN excess INTEGER")
    connection.execute("CREATE INDEX message_excess ON message (excess) WHERE excess IS NOT NULL")


DELETED = """
CREATE TABLE deleted (
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
    excess INTEGER,
    deleted REAL NOT NULL
)
"""
"""What was deleted and is kept: rows as in `message`, whose bodies stay where they are."""


def _add_deleted(connection: sqlite3.Connection) -> None:
    """Version 3: a place for what was deleted. An older program may not open it: it would sweep the blobs."""
    connection.execute(DELETED)


def _total_excess(connection: sqlite3.Connection) -> None:
    """Version 4: how much longer all messages are without UTF-8 stands beside the other totals."""
    connection.execute("ALTER TABLE meta ADD COLUMN excess INTEGER NOT NULL DEFAULT 0")
    connection.execute("UPDATE meta SET excess = (SELECT coalesce(sum(excess), 0) FROM message)")


_STEPS: Mapping[int, Callable[[sqlite3.Connection], None]] = {1: _add_excess, 2: _add_deleted, 3: _total_excess}
