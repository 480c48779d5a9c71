"""Jobs that take messages out of an index, put them out of sight, and bring them back.

A message that is put out of sight has its row moved from `message` to `deleted`; its body stays where it is. One that
comes back gets a new uid, as every message that comes into a drop does.

Must not know: the event loop.
"""

from collections.abc import Sequence

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
_SUM = "SELECT count(*), coalesce(sum(octets), 0), coalesce(sum(excess), 0) FROM message WHERE uid BETWEEN ? AND ?"
_SHOW = f"INSERT INTO message (uid, arrived, {_MOVED}) SELECT ?, ?, {_MOVED} FROM deleted WHERE uid = ?"  # noqa: S608


def delete(
    lease: FileLease, ranges: Sequence[tuple[int, int]], kept_since: float | None, now: Transaction
) -> list[str]:
    """Delete what is in sight and what is kept, or put the former out of sight; the names of blobs that may go."""
    _check_held(lease)
    run, run_each = now.connection.execute, now.connection.executemany
    names: list[str] = []
    for span in ranges:
        messages, octets, excess = run(_SUM, span).fetchone()
        now.messages -= messages
        now.octets -= octets
        now.excess -= excess
        names += [
            name for (name,) in run("SELECT blob FROM message WHERE blob IS NOT NULL AND uid BETWEEN ? AND ?", span)
        ]
    now.removals += 1
    if kept_since is not None:
        run_each(_HIDE, [(kept_since, *span) for span in ranges])
        run_each("DELETE FROM message WHERE uid BETWEEN ? AND ?", ranges)
        return []
    for span in ranges:
        kept = run("SELECT blob FROM deleted WHERE blob IS NOT NULL AND uid BETWEEN ? AND ?", span)
        names += [name for (name,) in kept]
    run_each("DELETE FROM message WHERE uid BETWEEN ? AND ?", ranges)
    run_each("DELETE FROM deleted WHERE uid BETWEEN ? AND ?", ranges)
    run_each("DELETE FROM body WHERE uid BETWEEN ? AND ?", ranges)
    return names


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
