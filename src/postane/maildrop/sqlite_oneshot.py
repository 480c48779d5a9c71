"""A deposit as one statement that is a transaction of its own.

Between two statements a thread gives up the interpreter's lock and takes it back; where sixteen of them write at once
each time is a change of threads. What a transaction would read first is remembered from the one before, and looked at
by the statement itself: it writes nothing where somebody else has written meanwhile.

Must not know: what a message is.
"""

import sqlite3
from collections.abc import Callable, Sequence

PAGE = 4096
ALWAYS = 5
"""Octets of a page; pages that each deposit changes: the first one, `meta`, the end of either table, and at times the
one above it."""

Row = tuple[object, ...]
"""What `meta` must hold (`Totals`), and then the message: a value for each column of the view."""

_MESSAGE = "size, header_octets, is_dotted, digest, arrived, sender, blob, blob_octets, blob_digest, lack, head"
_INSERT = "INSERT INTO deposit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

_TRIGGER = """
CREATE TEMP TRIGGER deposit_message INSTEAD OF INSERT ON deposit BEGIN
    UPDATE meta SET
        next_uid = next_uid + 1, messages = messages + 1, octets = octets + new.size,
        excess = excess + coalesce(new.lack, 0)
    WHERE next_uid = new.uid AND messages = new.messages AND octets = new.octets AND removals = new.removals
        AND excess = new.excess;
    SELECT RAISE(ABORT, 'somebody else has written') WHERE changes() != 1;
    INSERT INTO message VALUES (
        new.uid, new.size, new.header_octets, new.is_dotted, new.digest, new.arrived, new.sender, NULL,
        new.blob, new.blob_octets, new.blob_digest, new.lack
    );
    INSERT INTO body VALUES (new.uid, new.head);
    {call}
END;
"""


def prepare(connection: sqlite3.Connection, before_commit: Callable[[], None] | None) -> None:
    """Make what `deposit` needs, in this connection alone. `before_commit` is called when a message is written and its
    transaction is still open; what it raises undoes it all, and reaches the caller as an sqlite3.Error."""
    call = ""
    if before_commit is not None:
        connection.create_function("before_commit", 0, before_commit)
        call = "SELECT before_commit();"
    columns = [f"NULL AS {name}" for name in f"uid, messages, octets, removals, excess, {_MESSAGE}".split(", ")]
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute(f"CREATE TEMP VIEW deposit AS SELECT {', '.join(columns)}")
    connection.execute(_TRIGGER.format(call=call))


def deposit(connection: sqlite3.Connection, row: Row) -> None:
    """Write a message; outside a transaction it is durable afterwards. Raises sqlite3.Error (`is_stale`)."""
    connection.execute(_INSERT, row)


def deposit_all(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Write some, in a transaction that is open. Raises sqlite3.Error (`is_stale`)."""
    connection.executemany(_INSERT, rows)


def pages(row: Row) -> int:
    """Pages of the index that a row changes or adds, about: each goes to the log."""
    head = row[-1]
    assert isinstance(head, bytes)
    return ALWAYS + len(head) // PAGE


def is_stale(error: sqlite3.Error) -> bool:
    """Whether somebody else has written, and nothing else went wrong."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_CONSTRAINT_TRIGGER
