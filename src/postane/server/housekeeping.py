"""Removes what has outlived its time: RFC 2449 s6.7 lets a server do so, and EXPIRE tells of it.

A message's time begins when it comes into the drop. What was deleted and is kept has a time of its own: the restore
window, from its deletion on; that of an account which keeps what it deletes stays as long as mail that was not deleted,
so that whoever looks into a poller's doings finds all of it. A message goes under the drop's lease, so that no session
misses what it has listed: a drop that is in use is left, and looked at again.

Must not know: protocols, where mail is kept.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import structlog

from postane.accounts.base import Account, AccountError, AccountStore
from postane.maildrop.base import DropInUse, MaildropError, MaildropStore, Row

from .rules import Rules
from .warnings import Warner

RETRIES = 3
"""How often a round comes back to drops that were in use."""


class Turns(Protocol):
    """When there is something to do, and whose turn it is. Methods raise OSError."""

    @property
    def pause(self) -> float:
        """Seconds to wait before the next look."""
        ...

    def begin(self, now: float) -> bool:
        """Whether a round is due and ours; then it must be ended."""
        ...

    def end(self, now: float) -> None:
        """The round is over."""
        ...


@dataclass(frozen=True, slots=True)
class Overdue:
    """A message of a drop that has outlived its time."""

    drop: str
    row: Row


class Housekeeper:
    """Keeps the house of one post office; `clock` gives seconds since the epoch, `warner` warns of what will go."""

    def __init__(
        self,
        maildrops: MaildropStore,
        accounts: AccountStore,
        rules: Rules,
        clock: Callable[[], float],
        warner: Warner | None = None,
    ) -> None:
        self._maildrops = maildrops
        self._accounts = accounts
        self._rules = rules
        self._clock = clock
        self._warner = warner
        self._log = structlog.get_logger("postane")

    async def overdue(self, drop: str) -> list[Overdue]:
        """What there is to remove in a drop. Raises MaildropError, AccountError."""
        account = await self._accounts.find(drop)
        return [Overdue(drop, row) async for row in self._rows(drop, account)]

    async def tidy(self, drop: str) -> list[Overdue]:
        """Remove it, durably; what was removed. Raises MaildropError (DropInUse), AccountError."""
        found = await self.overdue(drop)
        if found:
            await self._maildrops.discard(drop, sorted(each.row.uid for each in found))
        return found

    async def go_round(self, pause: float) -> None:
        """Tidy all drops; those in use again, a `pause` later. Raises MaildropError where drops cannot be listed."""
        left = await self._tidy_all([drop async for drop in self._maildrops.drops()])
        for _ in range(RETRIES):
            if left:
                await asyncio.sleep(pause)
                left = await self._tidy_all(left)

    async def run_forever(self, turns: Turns) -> None:
        """Go round whenever it is our turn."""
        while True:
            try:
                if turns.begin(self._clock()):
                    try:
                        await self.go_round(turns.pause)
                    finally:
                        turns.end(self._clock())
            except (OSError, MaildropError) as error:
                self._log.warning("housekeeping failed", error=str(error))
            await asyncio.sleep(turns.pause)

    async def _tidy_all(self, drops: Iterable[str]) -> list[str]:
        """Those that were in use."""
        left = []
        for drop in drops:
            try:
                await self._warn(drop)
                found = await self.tidy(drop)
                if found:
                    self._log.info("expired", drop=drop, messages=len(found))
            except DropInUse:
                left.append(drop)
            except (MaildropError, AccountError) as error:
                self._log.warning("housekeeping failed", drop=drop, error=error.log)
            except OSError as error:
                self._log.warning("housekeeping failed", drop=drop, error=str(error))
            await asyncio.sleep(0)
        return left

    async def _warn(self, drop: str) -> None:
        account = await self._accounts.find(drop)
        if account is not None and self._warner is not None and await self._warner.warn(account):
            self._log.info("warned of expiry", drop=drop)

    async def _rows(self, drop: str, account: Account | None) -> AsyncIterator[Row]:
        """Where mail may not be left at all (a retention of 0), it goes when it was taken, and not by age."""
        retention = self._rules.retention_of(account) or math.inf
        now = self._clock()
        if now - retention > 0:
            async for row in self._maildrops.rows(drop, now - retention):
                yield row
        is_kept = account is not None and account.keep_deleted
        async for row in self._maildrops.deleted(drop, None if is_kept else now - self._rules.restore_window):
            if not is_kept or row.arrived < now - retention:
                yield row
