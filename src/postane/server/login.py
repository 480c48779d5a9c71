"""From a claim to an open maildrop: the same for every protocol that hands out mail.

Must not know: how a protocol carries the claim, or what it answers.
"""

import math
from collections.abc import Awaitable

from postane.accounts.base import Account, LoginTooSoon, Proof
from postane.maildrop.base import DropInUse, Holder, Lock, LockPolicy, MaildropSession
from postane.wire.phrases import phrase

from .office import PostOffice
from .record import SessionRecord


class Login:
    """One connection's way in, and out again. `account` is who came in, `session` the drop that is open."""

    __slots__ = ("_is_noted", "_office", "_protocol", "_record", "account", "session")

    def __init__(self, office: PostOffice, record: SessionRecord, protocol: str) -> None:
        self._office = office
        self._record = record
        self._protocol = protocol
        self.account: Account | None = None
        self.session: MaildropSession | None = None
        self._is_noted = False

    async def enter(self, proving: Awaitable[Proof], mechanism: str) -> MaildropSession:
        """Open the maildrop of whoever proves it (to a Gate) by `mechanism`.

        Raises LoginTooSoon, MaildropError (DropInUse), and what the gate does.
        """
        account = await self.admit(proving)
        self._record.mechanism = mechanism
        try:
            return await self.open(account.drop)
        except BaseException:
            await self.leave()
            raise

    def enter_now(self, proof: Proof, mechanism: str) -> bool:
        """The same where it needs no waiting; False: nobody has come in, await `enter`. Raises what that one does."""
        account = self._admit(proof)
        self._record.mechanism = mechanism
        try:
            lock, keeps = self._lock_of(account.drop), self._office.rules.keeps_deleted(account)
            self.session = self._office.maildrops.open_now(account.drop, self._holder(), lock, keep_deleted=keeps)
        finally:
            if self.session is None:
                self._go()
        if self.session is None:
            return False
        self._note_login()
        return True

    async def admit(self, proving: Awaitable[Proof]) -> Account:
        """Learn who it is, for protocols that open a maildrop later; raises what `enter` does."""
        return self._admit(await proving)

    def _admit(self, proof: Proof) -> Account:
        self._record.account, self._record.credential = proof.account.name, proof.credential
        self._check_delay(proof.account)
        limit = self._office.limits.per_account
        if not self._office.sessions_by_account.enter(proof.account.name, limit):
            raise DropInUse(phrase("too many sessions of this account, {limit} are allowed", limit=limit), None)
        self.account = proof.account
        return proof.account

    async def open(self, drop: str) -> MaildropSession:
        """Open a maildrop, in place of the one that is open. Raises MaildropError (DropInUse)."""
        await self.release()
        office = self._office
        keeps = self.account is not None and office.rules.keeps_deleted(self.account)
        self.session = await office.maildrops.open(drop, self._holder(), self._lock_of(drop), keep_deleted=keeps)
        self._note_login()
        return self.session

    def _holder(self) -> Holder:
        record = self._record
        return Holder(record.session, record.peer.host, self._protocol, self._office.clock())

    def _lock_of(self, drop: str) -> Lock:
        """The account's own policy, or the server's. Who opens a drop that is another's turns nobody out of it."""
        lock, account = self._office.lock, self.account
        if account is None or (account.lock is None and drop == account.drop):
            return lock
        policy = account.lock or lock.policy
        is_guest = drop != account.drop and policy is LockPolicy.TAKEOVER
        return Lock(LockPolicy.REFUSE if is_guest else policy, lock.wait)

    def _check_delay(self, account: Account) -> None:
        """RFC 2449 s6.5: enforced once it is known who it is, so that nobody learns who else logged in (s8.1.1)."""
        office = self._office
        delay = office.rules.login_delay_of(account)
        left = office.logins.left(account.name, delay, office.clock()) if delay > 0 else 0.0
        if left > 0:
            raise LoginTooSoon(math.ceil(left))

    def _note_login(self) -> None:
        """The delay runs from a login that got its maildrop; one that found it in use may be tried again at once."""
        office, account = self._office, self.account
        if account is not None and not self._is_noted:
            self._is_noted = True
            delay = office.rules.login_delay_of(account)
            if delay > 0:
                office.logins.note(account.name, delay, office.clock())

    def note_command(self) -> None:
        """The client has said something. Raises LeaseLost where another session has taken the maildrop over.

        Such a session goes on, that its client may be told so at each command; it reads and deletes nothing any more.
        """
        now = self._office.clock()
        self._record.note_command(now)
        if self.session is not None:
            self.session.check(now)

    @property
    def is_out(self) -> bool:
        """Whether nothing is left for `leave` to give back."""
        return self.session is None and self.account is None

    async def release(self) -> None:
        """Give the maildrop back. Without a commit nothing is deleted. Idempotent, raises nothing."""
        session, self.session = self.session, None
        if session is not None:
            await session.close()

    async def leave(self) -> None:
        """Give everything back. Idempotent, raises nothing."""
        await self.release()
        self._go()

    def leave_now(self) -> bool:
        """The same where it needs no waiting; False: nothing was done, await `leave`."""
        if self.session is not None:
            if not self.session.close_now():
                return False
            self.session = None
        self._go()
        return True

    def _go(self) -> None:
        account, self.account = self.account, None
        if account is not None:
            self._office.sessions_by_account.leave(account.name)
