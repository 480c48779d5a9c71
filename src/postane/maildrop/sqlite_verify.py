"""Looks for damage inside one index: the file itself, its totals, the heads of its messages.

Must not know: the event loop.
"""

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator
from itertools import chain

from .base import Finding, FindingKind, MaildropError, StoreTooNew
from .sqlite_schema import connect_reader, index_error

_PROBLEMS = 20
"""Problems of one file that are told; a damaged one has thousands."""

_HEADS = (
    "SELECT m.uid, m.octets, m.header_octets, m.digest, coalesce(m.blob_octets, 0), b.octets"
    " FROM {} m LEFT JOIN body b USING (uid) ORDER BY m.uid"
)


def find_damage(drop: str, path: str) -> list[Finding]:
    """What is wrong with an index; in a thread. Raises StoreTooNew."""
    found: list[Finding] = []
    try:
        with contextlib.closing(connect_reader(path)) as connection:
            connection.execute("BEGIN")  # all that follows sees the same moment
            for look in (_integrity, _totals, _heads):
                found.extend(look(drop, connection))
    except sqlite3.Error as error:
        found.append(Finding(drop, FindingKind.INDEX_DAMAGED, index_error(error, path).log))
    except StoreTooNew:
        raise
    except MaildropError as error:
        found.append(Finding(drop, FindingKind.INDEX_DAMAGED, error.log))
    return found


def mend_totals(connection: sqlite3.Connection, next_uid: int) -> tuple[int, int, int, int]:
    """Messages, octets, the next uid and the excess as the rows have them."""
    messages, octets, last, excess = connection.execute(
        "SELECT count(*), coalesce(sum(octets), 0), coalesce(max(uid), 0), coalesce(sum(excess), 0) FROM message"
    ).fetchone()
    (last_deleted,) = connection.execute("SELECT coalesce(max(uid), 0) FROM deleted").fetchone()
    return messages, octets, max(next_uid, last + 1, last_deleted + 1), excess


def _integrity(drop: str, connection: sqlite3.Connection) -> Iterator[Finding]:
    for (line,) in connection.execute(f"PRAGMA integrity_check({_PROBLEMS})"):
        if line != "ok":
            yield Finding(drop, FindingKind.INDEX_DAMAGED, line)


def _totals(drop: str, connection: sqlite3.Connection) -> Iterator[Finding]:
    kept = connection.execute("SELECT messages, octets, next_uid, excess FROM meta").fetchone()
    if kept is None:
        yield Finding(drop, FindingKind.INDEX_DAMAGED, "its totals are missing")
        return
    right = mend_totals(connection, kept[2])
    if kept != right:
        told = "{} messages, {} octets, next uid {}, {} octets more without UTF-8"
        yield Finding(drop, FindingKind.TOTALS_WRONG, f"{told.format(*kept)} are told, {told.format(*right)} are right")


def _heads(drop: str, connection: sqlite3.Connection) -> Iterator[Finding]:
    rows = chain.from_iterable(connection.execute(_HEADS.format(table)) for table in ("message", "deleted"))
    for uid, octets, header_octets, digest, blob_octets, head in rows:
        if head is None:
            yield Finding(drop, FindingKind.BODY_MISSING, "it has no row among the bodies", uid)
        elif not all(isinstance(value, int) for value in (octets, header_octets, blob_octets)):
            yield Finding(drop, FindingKind.BODY_DAMAGED, "its sizes are no numbers", uid)
        elif not isinstance(head, bytes) or len(head) + blob_octets != octets or not 0 <= header_octets <= octets:
            yield Finding(drop, FindingKind.BODY_DAMAGED, f"it should be of {octets} octets", uid)
        elif hashlib.sha256(head).digest() != digest:
            yield Finding(drop, FindingKind.BODY_DAMAGED, "its octets in the index are not what was stored", uid)
