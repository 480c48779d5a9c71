"""Jobs that take messages out of an index, put them out of sight, and bring them back.

A message that is put out of sight has its row moved from `message` to `deleted`; its body stays where it is. One that
comes back gets a new uid, as every message that comes into a drop does.

Must not know: the event loop.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .base import Receipt
from .leases import taken_over
from .locks import FileLease
from .sqlite_writer import Transaction
from .uidls import format_uidl

_MOVED = "octets, header_octets, is_dotted, digest, sender, blob, blob_octets, blob_digest, excess"
_HIDE = (
    f"INSERT INTO deleted (uid, arrived, uidl, {_MOVED}, deleted)"  # noqa: S608 - our own words, as below
    f" SELECT uid, arrived, uidl, {_MOVED}, ? FROM message WHERE uid BETWEEN ? AND ?"
)
_SUM = (
    "SELECT count(*), coalesce(sum(octets), 0), coalesce(sum(excess), 0), count(blob)"
    " FROM message WHERE uid BETWEEN ? AND ?"
)
_SHOW = f"INSERT INTO message (uid, arrived, {_MOVED}) SELECT ?, ?, {_MOVED} FROM deleted WHERE uid = ?"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Deleted:
    """What came of a deletion: blobs that may go, and how many removals the drop has seen with it."""

    blobs: list[str]
    removals: int


def delete(lease: FileLease, ranges: Sequence[tuple[int, int]], kept_since: float | None, now: Transaction) -> Deleted:
    """Delete what is in sight and what is kept, or put the former out of sight."""
    _check_held(lease)
    run, run_each = now.connection.execute, now.connection.executemany
    found = large = 0
    for span in ranges:
        messages, octets, excess, blobs = run(_SUM, span).fetchone()
        found += messages
        large += blobs
        now.messages -= messages
        now.octets -= octets
        now.excess -= excess
    now.removals += 1
    if kept_since is not None:
        run_each(_HIDE, [(kept_since, *span) for span in ranges])
        run_each("DELETE FROM message WHERE uid BETWEEN ? AND ?", ranges)
        return Deleted([], now.removals)
    names: list[str] = []
    if large:
        names += _blobs(now, "message", ranges)
    if run("SELECT EXISTS (SELECT 1 FROM deleted)").fetchone() == (1,):
        names += _blobs(now, "deleted", ranges)
        run_each("DELETE FROM deleted WHERE uid BETWEEN ? AND ?", ranges)
    elif now.messages == 0 and run("SELECT count(*) FROM message").fetchone() == (found,):
        run("DELETE FROM message")  # all that there is: SQLite lets go of the pages unread, in a tenth of the time
        run("DELETE FROM body")
        return Deleted(names, now.removals)
    run_each("DELETE FROM message WHERE uid BETWEEN ? AND ?", ranges)
    run_each("DELETE FROM body WHERE uid BETWEEN ? AND ?", ranges)
    return Deleted(names, now.removals)


def _blobs(now: Transaction, table: str, ranges: Sequence[tuple[int, int]]) -> list[str]:
    query = f"SELECT blob FROM {table} WHERE blob IS NOT NULL AND uid BETWEEN ? AND ?"  # noqa: S608
    return [name for span in ranges for (name,) in now.connection.execute(query, span)]


def restore(lease: FileLease, uids: Sequence[int], arrived: float, now: Transaction) -> list[Receipt]:
    """Bring back what is kept of these."""
    _check_held(lease)
    run = now.connection.execute
    receipts: list[Receipt] = []
    for old in uids:
        row = run("SELECT octets, coalesce(excess, 0) FROM deleted WHERE uid = ?", (old,)).fetchone()
        if row is None:
            continue
        new = now.next_uid
        run(_SHOW, (new, arrived, old))
        run("UPDATE body SET uid = ? WHERE uid = ?", (new, old))
        run("DELETE FROM deleted WHERE uid = ?", (old,))
        now.next_uid += 1
        now.messages += 1
        now.octets += row[0]
        now.excess += row[1]
        receipts.append(Receipt(lease.drop, new, format_uidl(now.token, new), row[0]))
    return receipts


def _check_held(lease: FileLease) -> None:
    """Raises LeaseLost where another session has it."""
    if not lease.is_held:
        raise taken_over()
