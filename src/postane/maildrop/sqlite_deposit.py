"""A message as a job for the writer: where nothing else has to be asked, as the one row that `sqlite_oneshot` takes.

Must not know: transactions, the event loop.
"""

from functools import partial

from postane.mail.measure import Facts

from .base import Receipt, UidlRefused
from .sides import Entry, Step, check_quota
from .sqlite_oneshot import Row
from .sqlite_writer import Job, Transaction
from .uidls import check_uidl, format_uidl, parse_uidl

_SAME_UIDL = "SELECT 1 FROM message WHERE uidl = ? UNION ALL SELECT 1 FROM message WHERE uid = ? AND uidl IS NULL"
_INSERT = "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def deposit_job(drop: str, entry: Entry) -> Job:
    """Take a message in; gives a Receipt, or raises MaildropError (QuotaExceeded, UidlRefused)."""
    take = partial(_take, drop, entry) if entry.uidl is None else None
    return Job(partial(_append, drop, entry), Step.ROW_WRITTEN, Step.ROW_DURABLE, take)


def _take(drop: str, entry: Entry, now: Transaction) -> tuple[Receipt, Row]:
    facts, blob, letter = entry.facts, entry.blob, entry.letter
    check_quota(entry.quota, now.usage, facts.octets)
    uid = now.next_uid
    held = (uid, now.messages, now.octets, now.removals, now.excess)
    where = (blob.name, blob.octets, blob.digest) if blob else (None, None, None)
    row = (*held, *facts[:4], letter.arrived, letter.sender, *where, facts.excess, entry.head)
    _count(now, facts)
    return Receipt(drop, uid, format_uidl(now.token, uid), facts.octets), row


def _append(drop: str, entry: Entry, now: Transaction) -> Receipt:
    facts, blob = entry.facts, entry.blob
    check_quota(entry.quota, now.usage, facts.octets)
    if entry.uidl is not None:
        check_uidl(entry.uidl)
        own = parse_uidl(now.token, entry.uidl) or 0
        if own >= now.next_uid or now.connection.execute(_SAME_UIDL, (entry.uidl, own)).fetchone():
            raise UidlRefused(f"unique-id {entry.uidl} is in use")
    uid = now.next_uid
    letter = (entry.letter.arrived, entry.letter.sender, entry.uidl)
    where = (blob.name, blob.octets, blob.digest) if blob else (None, None, None)
    now.connection.execute(_INSERT, (uid, *facts[:4], *letter, *where, facts.excess))
    now.connection.execute("INSERT INTO body VALUES (?, ?)", (uid, entry.head))
    _count(now, facts)
    return Receipt(drop, uid, entry.uidl or format_uidl(now.token, uid), facts.octets)


def _count(now: Transaction, facts: Facts) -> None:
    now.next_uid += 1
    now.messages += 1
    now.octets += facts.octets
    now.excess += facts.excess or 0
