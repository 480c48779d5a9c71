"""Delivery: from an envelope and a message's octets to the maildrops of this post office.

RFC 5321 s4.4 (trace fields), s6.3 (loops), s3.6.1 and s7.9 (no relay). A message is spooled once, however many
recipients it has; each drop gets it with trace fields of its own. What becomes of a message that only some drops could
take is told in `docs/decisions/0003-partial-delivery.md`.

Must not know: how mail comes in, where it is kept.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from postane.accounts.base import Account, AccountStore
from postane.mail.address import Address, format_mailbox
from postane.mail.envelope import Envelope
from postane.mail.header_part import HeaderPart, count_hops
from postane.mail.trace import Passage, Protocol, format_trace
from postane.maildrop.base import (
    Addressee,
    Letter,
    MaildropError,
    MaildropStore,
    Quota,
    QuotaExceeded,
    Receipt,
    Spool,
    StoreFull,
    Usage,
)
from postane.smtp import replies
from postane.smtp.replies import Reply

HEADER_SCAN_LIMIT = 1024 * 1024
"""Octets of a header part that are looked at for hops. Each host puts its own in front: none that counts is missed."""

POSTMASTER = Account("postmaster", "postmaster", quota=Quota(octets=100 * 1024 * 1024, messages=10_000))
"""Who gets mail for the postmaster where no account or alias has the name: RFC 5321 s4.5.1 wants it taken. It waits in
a drop of that name, so that it is there when the account is made; nobody empties it till then, hence the quota."""

PROVEN = 1000
"""Drops of which one session remembers that they took its last message."""

Outcome = Receipt | MaildropError
"""What became of a message for one recipient."""


class DeliveryRefused(Exception):
    """The message, or one of its recipients, is not taken; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.lines[0])
        self.reply = reply


@dataclass(frozen=True, slots=True)
class DeliveryLimits:
    """Recipients of one message (RFC 5321 s4.5.3.1.8: at least 100), Received fields before it counts as looping."""

    recipients: int = 1000
    hops: int = 100


class Delivery:
    """Takes mail in for the accounts of one post office."""

    def __init__(
        self, accounts: AccountStore, maildrops: MaildropStore, hostname: str, limits: DeliveryLimits | None = None
    ) -> None:
        self.accounts = accounts
        self.maildrops = maildrops
        self.hostname = hostname
        self.limits = limits or DeliveryLimits()
        self._proven: set[str] = set()  # drops that took a message, and none has failed since

    def begin(self, envelope: Envelope) -> "Transaction":
        """A message has been announced."""
        return Transaction(self, envelope)

    async def find(self, address: Address) -> Account:
        """Whose the address is. Raises DeliveryRefused, AccountsUnavailable."""
        # RFC 5321 s7.9: mail for other domains is refused, not relayed.
        if address.domain is not None and not await self.accounts.is_local(address.domain):
            raise DeliveryRefused(replies.NO_RELAY)
        # Without a domain a name of this host is meant (RFC 5321 s4.1.1.3, Postmaster).
        account = await self.accounts.resolve(address.local_part, address.domain or self.hostname)
        if account is not None:
            return account
        if address.local_part.lower() == POSTMASTER.name:
            return POSTMASTER
        raise DeliveryRefused(replies.NO_SUCH_USER)

    def find_now(self, address: Address) -> Account | None:
        """The same where it is known without waiting; None: ask `find`."""
        return self.accounts.recall_address(address.local_part, address.domain or self.hostname)

    async def check_room(self, account: Account, size: int) -> None:
        """Refuse what the drop will not take, as far as is known yet (RFC 1870 s6.4): it may also be damaged.

        Here each recipient has a reply of its own, as later only LMTP has. Raises MaildropError.
        """
        if not self.check_room_now(account, size):
            _check_quota(account.quota, await self.maildrops.usage(account.drop), size)

    def check_room_now(self, account: Account, size: int) -> bool:
        """The same where it needs no waiting; False: nothing was found out, await `check_room`."""
        if account.quota.is_unbounded and account.drop in self._proven:  # it has taken a message, and takes another one
            return True
        usage = self.maildrops.glance(account.drop)
        if usage is None:
            return False
        _check_quota(account.quota, usage, size)
        return True

    def note(self, outcomes: Sequence[Outcome]) -> None:
        """What became of a message: a drop that took one is not asked before the next one, unless it has a quota."""
        if len(self._proven) + len(outcomes) > PROVEN:
            self._proven.clear()
        for outcome in outcomes:
            if isinstance(outcome, Receipt):
                self._proven.add(outcome.drop)
            else:
                self._proven.clear()


def _check_quota(quota: Quota, usage: Usage, size: int) -> None:
    if quota.octets is not None and usage.octets + max(size, 1) > quota.octets:
        raise QuotaExceeded("mailbox full")
    if quota.messages is not None and usage.messages + 1 > quota.messages:
        raise QuotaExceeded("mailbox full")


class _Recipient(NamedTuple):
    address: Address
    account: Account


class Transaction:
    """One message on its way in: recipients are added, octets written, and then it is deposited.

    What ends in `_now` does the same without waiting, or gives False where that is not possible: then nothing was done.
    Whoever began it discards it, deposited or not.
    """

    __slots__ = ("_announced", "_delivery", "_header", "_recipients", "_spool", "failure")

    def __init__(self, delivery: Delivery, envelope: Envelope) -> None:
        self.failure: MaildropError | None = None  # the octets could not be spooled: nothing will be deposited
        self._announced = envelope
        self._delivery = delivery
        self._recipients: list[_Recipient] = []
        self._header = HeaderPart(HEADER_SCAN_LIMIT)
        self._spool: Spool | None = None

    @property
    def envelope(self) -> Envelope:
        """What was announced, with the recipients so far."""
        return self._announced.with_recipients([recipient.address for recipient in self._recipients])

    @property
    def is_utf8(self) -> bool:
        """Whether it was announced as international."""
        return self._announced.is_utf8

    async def add(self, address: Address) -> None:
        """One more recipient. Raises DeliveryRefused, MaildropError (QuotaExceeded), AccountsUnavailable."""
        self._check_count()
        account = await self._delivery.find(address)
        await self._delivery.check_room(account, self._announced.size or 0)
        self._recipients.append(_Recipient(address, account))

    def add_now(self, address: Address) -> bool:
        """See `add`."""
        self._check_count()
        account = self._delivery.find_now(address)
        if account is None or not self._delivery.check_room_now(account, self._announced.size or 0):
            return False
        self._recipients.append(_Recipient(address, account))
        return True

    def _check_count(self) -> None:
        if len(self._recipients) >= self._delivery.limits.recipients:
            raise DeliveryRefused(replies.TOO_MANY_RECIPIENTS)  # RFC 5321 s4.5.3.1.10

    async def write(self, octets: bytes, *, is_undotted: bool = False) -> None:
        """The next octets of the message, see `Spool.write`. Raises nothing that may pass: `failure` tells of it."""
        if self.failure is not None:
            return
        self._header.feed(octets)
        try:
            await self._open_spool().write(octets, is_undotted=is_undotted)
        except MaildropError as error:
            self.failure = error
            await self.discard()

    def write_now(self, octets: bytes, *, is_undotted: bool = False) -> bool:
        """See `write`."""
        if self.failure is None:
            if not self._open_spool().write_now(octets, is_undotted=is_undotted):
                return False
            self._header.feed(octets)
        return True

    async def deposit(self, passage: Passage) -> list[Outcome]:
        """Store the message, durably; an outcome for each recipient, in their order.

        Recipients who share a drop get one copy. Raises DeliveryRefused, MaildropError.
        """
        if self.failure is not None:
            raise self.failure
        if self._is_looping():
            raise DeliveryRefused(replies.LOOPING)
        addressees = self._addressees(passage)
        outcomes = await self._delivery.maildrops.deposit(self._open_spool(), self._letter(passage), addressees)
        if len(outcomes) == len(self._recipients):
            return outcomes
        by_drop = {addressee.drop: outcome for addressee, outcome in zip(addressees, outcomes, strict=True)}
        return [by_drop[recipient.account.drop] for recipient in self._recipients]

    def deposit_now(self, passage: Passage) -> "asyncio.Future[Receipt] | None":
        """The same for one recipient; the future gives the Receipt or raises MaildropError. Raises nothing."""
        if len(self._recipients) != 1 or self.failure is not None or self._is_looping():
            return None
        addressees = self._addressees(passage)
        return self._delivery.maildrops.deposit_now(self._open_spool(), self._letter(passage), addressees)

    def _is_looping(self) -> bool:
        return count_hops(bytes(self._header.kept)) > self._delivery.limits.hops  # RFC 5321 s6.3

    def _letter(self, passage: Passage) -> Letter:
        sender = self._announced.sender
        return Letter("" if sender is None else format_mailbox(sender), passage.at, self._announced.is_utf8)

    async def discard(self) -> None:
        """Forget what is not deposited. Idempotent, raises nothing."""
        spool, self._spool = self._spool, None
        if spool is not None:
            await spool.discard()

    def discard_now(self) -> bool:
        """See `discard`."""
        if self._spool is not None and not self._spool.discard_now():
            return False
        self._spool = None
        return True

    def _addressees(self, passage: Passage) -> list[Addressee]:
        # Where one reply stands for several drops, one message over a quota is better than a letter that everybody
        # else gets again and again: who was full already was refused at RCPT.
        is_exact = passage.protocol is Protocol.LMTP or len(self._recipients) == 1
        by_drop: dict[str, Addressee] = {}
        for recipient in self._recipients:
            account = recipient.account
            if account.drop not in by_drop:
                lead = format_trace(self._announced.sender, recipient.address, passage, self._delivery.hostname)
                by_drop[account.drop] = Addressee(account.drop, lead, account.quota if is_exact else Quota())
        return list(by_drop.values())

    def _open_spool(self) -> Spool:
        if self._spool is None:
            self._spool = self._delivery.maildrops.spool()
        return self._spool


def reply_to_outcome(outcome: Outcome) -> Reply:
    """What became of a message for one recipient, as a reply. All failures may pass: nothing here is the sender's."""
    match outcome:
        case Receipt():
            return replies.STORED
        case QuotaExceeded():
            return replies.MAILBOX_FULL
        case StoreFull():
            return replies.STORE_FULL
        case _:
            return replies.UNAVAILABLE


def reply_to_all(outcomes: Sequence[Outcome]) -> Reply:
    """One reply for all recipients: positive only when every one of them has the message.

    Where some have it and some have not, the client is to send it again: those get it twice rather than these never.
    """
    failures = [outcome for outcome in outcomes if isinstance(outcome, MaildropError)]
    if not failures:
        return replies.STORED
    return replies.STORED_FOR_SOME if len(failures) < len(outcomes) else reply_to_outcome(failures[0])
