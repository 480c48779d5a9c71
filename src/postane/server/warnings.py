"""Tells users some days before that old mail will be removed, by a message in the maildrop.

A warning is about all messages of a drop that are due within the time of warning. The next one is only about messages
that came after those, and a day later at the earliest; no warning is about warnings.

Must not know: who removes the mail, where anything is kept.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from postane.accounts.base import Account
from postane.mail.notice import DAY, Expiry, format_expiry_notice
from postane.maildrop.base import Addressee, Letter, MaildropError, MaildropStore, Row

from .rules import Rules

MARK = "postane-expiry."
"""What the unique-id of a warning begins with; the store gives none like it."""


class Notes(Protocol):
    """What is remembered of a drop: when it was warned last, and about which uid at most. May raise OSError."""

    def read(self, drop: str) -> tuple[float, int]: ...

    def write(self, drop: str, when: float, number: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Warner:
    """Warns `before` seconds ahead, but never earlier than after half of the time that mail is kept."""

    maildrops: MaildropStore
    rules: Rules
    before: float
    hostname: str
    notes: Notes
    clock: Callable[[], float]

    async def warn(self, account: Account) -> bool:
        """Put a warning into the account's drop where one is due; whether it was. Raises MaildropError, OSError."""
        retention = self.rules.retention_of(account)
        now = self.clock()
        if retention in (0.0, math.inf) or self.before <= 0:
            return False
        last, warned_of = self.notes.read(account.drop)
        if last <= now < last + DAY:
            return False
        due = now - retention + min(self.before, retention / 2)
        rows = [row async for row in self.maildrops.rows(account.drop, due) if not row.uidl.startswith(MARK)]
        if not any(row.uid > warned_of for row in rows):
            return False
        await self._deposit(account, rows, retention, now)
        self.notes.write(account.drop, now, rows[-1].uid)
        return True

    async def _deposit(self, account: Account, rows: list[Row], retention: float, now: float) -> None:
        octets = sum(row.facts.octets for row in rows)
        expiry = Expiry(len(rows), octets, max(now, min(row.arrived for row in rows) + retention), retention)
        spool = self.maildrops.spool()
        try:
            await spool.write(format_expiry_notice(expiry, account.name, self.hostname, now))
            addressee = Addressee(account.drop, uidl=f"{MARK}{rows[-1].uid}.{int(now)}")
            for outcome in await self.maildrops.deposit(spool, Letter("", now), [addressee]):
                if isinstance(outcome, MaildropError):
                    raise outcome
        finally:
            await spool.discard()
