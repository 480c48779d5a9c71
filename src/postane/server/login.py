"""From a claim to an open maildrop: the same for every protocol that hands out mail.

Must not know: how a protocol carries the claim, or what it answers.
"""

import asyncio
from collections.abc import Awaitable

import structlog

from postane.accounts.base import LoginRefused, Proof
from postane.maildrop.base import DropInUse, Holder, MaildropSession

from .office import PostOffice
from .record import SessionRecord


class Login:
    """One connection's way in, and out again."""

    def __init__(self, office: PostOffice, record: SessionRecord, protocol: str) -> None:
        self._office = office
        self._record = record
        self._protocol = protocol
        self._log = structlog.get_logger("postane")
        self._counted: str | None = None  # the account whose sessions this one is counted among
        self.session: MaildropSession | None = None

    async def enter(self, proving: Awaitable[Proof]) -> MaildropSession:
        """Open the maildrop of whoever proves it; a failure is held back a while, longer each time.

        Raises LoginRefused, AccountsUnavailable, MaildropError (DropInUse).
        """
        throttle, address = self._office.throttle, str(self._record.peer)
        try:
            proof = await proving
        except LoginRefused as error:
            self._log.info("login refused", session=self._record.session, peer=address, why=error.log)
            await asyncio.sleep(throttle.delay_after_failure(address))
            raise
        throttle.succeeded(address)
        self._record.account, self._record.credential = proof.account.name, proof.credential
        self.session = await self._open(proof)
        return self.session

    async def leave(self) -> None:
        """Give the maildrop back. Without a commit nothing is deleted. Idempotent, raises nothing."""
        session, self.session = self.session, None
        if session is not None:
            await session.close()
        if self._counted is not None:
            self._office.sessions_by_account.leave(self._counted)
            self._counted = None

    async def _open(self, proof: Proof) -> MaildropSession:
        office, account = self._office, proof.account
        if not office.sessions_by_account.enter(account.name, office.limits.per_account):
            raise DropInUse(f"too many sessions of this account, {office.limits.per_account} are allowed", None)
        self._counted = account.name
        holder = Holder(self._record.session, str(self._record.peer), self._protocol, office.clock())
        try:
            return await office.maildrops.open(account.drop, holder, office.lock)
        except BaseException:
            await self.leave()
            raise
