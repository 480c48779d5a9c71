"""What is read of the messages in an index, and made of its rows.

Must not know: the event loop.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from postane.mail.measure import Facts

from .base import Blob, Row, Usage
from .columns import KeptColumns
from .sides import Stored, Totals
from .sqlite_schema import connect_reader, index_error
from .uidls import format_uidl

ROWS_AT_ONCE = 500

_FACTS = "m.octets, m.header_octets, m.is_dotted, m.digest, m.blob, m.blob_octets, m.blob_digest, m.excess"
_FETCH = "SELECT m.uid, m.octets, m.header_octets, m.is_dotted, m.digest, m.excess, b.octets, m.blob, m.blob_octets, m.blob_digest FROM message m JOIN body b USING (uid) WHERE m.uid BETWEEN ? AND ? ORDER BY m.uid"  # noqa: E501
ROWS = f"SELECT m.uid, {_FACTS}, m.arrived, m.sender, m.uidl, NULL FROM message m WHERE m.uid > ?1 AND (?2 IS NULL OR m.arrived < ?2) ORDER BY m.uid LIMIT ?3"  # noqa: E501, S608
DELETED = f"SELECT m.uid, {_FACTS}, m.arrived, m.sender, m.uidl, m.deleted FROM deleted m WHERE m.uid > ?1 AND (?2 IS NULL OR m.deleted < ?2) ORDER BY m.uid LIMIT ?3"  # noqa: E501, S608

Read = Callable[..., Sequence[Any]]
"""A query and its values; all rows."""


def as_rows(token: str, found: Sequence[Any]) -> Iterator[Row]:
    """What ROWS or DELETED found in the drop with that token."""
    for uid, octets, header, dotted, digest, name, size, check, excess, arrived, sender, uidl, gone in found:
        facts = Facts(octets, header, bool(dotted), digest, excess)
        blob = Blob(name, size, check) if name else None
        yield Row(uid, uidl or format_uidl(token, uid), facts, arrived, sender, blob, gone)


def usage(totals: Callable[[], Totals], read: Read) -> Usage:
    """What a drop holds. Raises what the two raise."""
    held = totals()
    newest = read("SELECT arrived FROM message ORDER BY uid DESC LIMIT 1")
    ((messages, octets),) = read("SELECT count(*), coalesce(sum(octets), 0) FROM deleted")
    return Usage(held.messages, held.octets, newest[0][0] if newest else None, messages, octets, held.last_uid)


def stored(read: Read, first: int, last: int) -> list[Stored]:
    """The messages with uids from `first` to `last`, with their heads. Raises what reading raises."""
    return [
        Stored(uid, Facts(octets, header, dotted == 1, digest, excess), head, name and Blob(name, size, check))
        for uid, octets, header, dotted, digest, excess, head, name, size, check in read(_FETCH, (first, last))
    ]


def read_apart(path: str, work: "partial[KeptColumns]") -> KeptColumns:
    """Read much on a connection of its own, in a thread: the handle's is the event loop's. All as at one moment."""
    try:
        with contextlib.closing(connect_reader(path)) as connection:
            connection.execute("BEGIN")
            return work(lambda sql, values: connection.execute(sql, values))
    except sqlite3.Error as error:
        raise index_error(error, path) from error
