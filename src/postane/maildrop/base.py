"""What every maildrop store offers, and the errors it may raise.

The workers know these Protocols and nothing of SQL, files or paths. A store is an `Index` (rows about messages, leases,
small bodies) and a `BlobSide` (large bodies), joined by `drop.JoinedStore`; a store that is neither (Maildir) offers
`MaildropStore` itself. Every store passes `tests/contract/test_maildrop.py`.

A message is stored as it will be sent: CRLF line ends, not stuffed, the last line complete.

Must not know: any protocol.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from postane.mail.measure import Facts
from postane.mail.snapshot import Snapshot
from postane.wire.phrases import Text

UIDL_LIMIT = 70
"""Characters of a unique-id at most (RFC 1939 s7, UIDL)."""


class LockPolicy(StrEnum):
    """What happens when a drop's lease is taken already; it is the policy of whoever comes that counts."""

    REFUSE = "refuse"
    WAIT = "wait"
    TAKEOVER = "takeover"  # whoever has it loses it, and deletes nothing
    SHARE = "share"  # with others who share it; refused where somebody has it alone


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock policy with its patience: `wait` is in seconds and only for LockPolicy.WAIT."""

    policy: LockPolicy = LockPolicy.REFUSE
    wait: float = 10.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has, or asks for, a drop's lease. `since` is in seconds since the epoch, and so is `last_seen`: when a holder
    was last at work, to a few seconds."""

    session: str
    address: str
    protocol: str
    since: float
    last_seen: float | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """What a drop may hold; None is without bound."""

    octets: int | None = None
    messages: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a drop holds. `newest` is when its last message came, in seconds since the epoch, where it was asked for.

    What was deleted and is kept is counted apart, and by no quota.
    """

    messages: int
    octets: int
    newest: float | None = None
    deleted_messages: int = 0
    deleted_octets: int = 0


@dataclass(frozen=True, slots=True)
class Letter:
    """What is known of a message apart from its octets. `arrived` is in seconds since the epoch.

    `is_international`: it was sent as such (SMTPUTF8, RFC 6531), so that what is not ASCII in its header part is UTF-8
    and has a surrogate. Any other message is given as it came, whatever octets it has.
    """

    sender: str
    arrived: float
    is_international: bool = False


@dataclass(frozen=True, slots=True)
class Addressee:
    """One drop that is to get a message.

    `lead` are the octets put in front for this drop alone (trace header fields, CRLF line ends). `uidl` is given
    by an import that keeps the old server's unique-ids, else the store makes one.
    """

    drop: str
    lead: bytes = b""
    quota: Quota = field(default_factory=Quota)
    uidl: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message was stored durably as `uid` in `drop`."""

    drop: str
    uid: int
    uidl: str
    octets: int


@dataclass(frozen=True, slots=True)
class Blob:
    """A large body outside the index: where it is, and what it must be. `digest` is its SHA-256."""

    name: str
    octets: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """What the index knows of one message. `uid` grows with each deposit and is never used again.

    `facts` are those of the whole message, but for the digest of one with a blob: that covers the octets in the
    index, the blob's own covers the rest, so that a body shared by many drops is digested once. `deleted` is when one
    that is kept out of sight was deleted.
    """

    uid: int
    uidl: str
    facts: Facts
    arrived: float
    sender: str
    blob: Blob | None = None
    deleted: float | None = None


class FindingKind(StrEnum):
    """What `verify` may find."""

    INDEX_DAMAGED = "index damaged"
    BODY_MISSING = "body missing"
    BODY_DAMAGED = "body damaged"
    TOTALS_WRONG = "totals wrong"
    ORPHAN = "orphan"  # a blob without a row: harmless, left by a crash, swept


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `verify` found wrong in a drop."""

    drop: str
    kind: FindingKind
    detail: str
    uid: int | None = None


class MaildropError(Exception):
    """The store cannot do it. `text` may be shown to the client, `log` is for the operator alone."""

    def __init__(self, text: Text, log: str = "") -> None:
        super().__init__(log or str(text))
        self.text = text
        self.log = log or str(text)


class DropInUse(MaildropError):
    """Another session holds the lease; `holder` is who, where that is known."""

    def __init__(self, text: Text, holder: Holder | None) -> None:
        super().__init__(text, f"{text} (holder: {holder})")
        self.holder = holder


class LeaseLost(MaildropError):
    """The lease was taken over or expired: nothing of this session may be committed."""


class MessageGone(MaildropError):
    """Another session that shares the drop has deleted the message."""


class QuotaExceeded(MaildropError):
    """The drop's quota does not allow the message."""


class UidlRefused(MaildropError):
    """A unique-id that was given with a message is none, or is in use in the drop."""


class StoreFull(MaildropError):
    """No space, or no descriptors: may pass."""


class StoreUnavailable(MaildropError):
    """The store cannot be reached or an operation failed: may pass."""


class StoreDamaged(MaildropError):
    """What is stored cannot be read: needs a person."""


class StoreTooNew(MaildropError):
    """The store was written by a newer version: needs a person."""


class NotAllRemoved(MaildropError):
    """Some messages could not be removed; none of those is lost."""


class BlobReader(Protocol):
    """A large body, opened."""

    async def read(self, limit: int) -> bytes:
        """The next octets, at most `limit`; b"" at the end. Raises MaildropError."""
        ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class OpenMessage:
    """A message ready to be read: `head` first, then `rest` to its end.

    A small message is wholly in `head` and has no `rest`; where there is one, `head` is whole header fields or nothing,
    and the two are downgraded apart. Whoever opened it closes it. `facts.digest` is as in Row.
    """

    facts: Facts
    head: bytes = field(repr=False)
    rest: BlobReader | None = None

    async def read(self, limit: int) -> bytes:
        """The next octets: what is left of the head, then `limit` at most; b"" at the end. Raises MaildropError."""
        if self.head:
            octets, self.head = self.head, b""
            return octets
        return await self.rest.read(limit) if self.rest is not None else b""

    async def close(self) -> None:
        """Let go of the body."""
        if self.rest is not None:
            await self.rest.close()


class MaildropSession(Protocol):
    """A drop opened under a lease.

    Nothing is deleted before `commit`, and a session that is closed without it deletes nothing. One whose lease was
    taken over deletes nothing any more, whatever it does.
    """

    @property
    def snapshot(self) -> Snapshot: ...

    def check(self, now: float) -> None:
        """Called with each command: the holder is at work. Raises LeaseLost where the lease was taken over."""
        ...

    async def load(self) -> None:
        """Fill the snapshot's columns if they are not there. Raises MaildropError."""
        ...

    def load_now(self) -> bool:
        """The same where it needs no waiting; False: await `load`."""
        ...

    def ready(self, number: int) -> OpenMessage | None:
        """Open message `number` of the loaded snapshot if that needs no waiting; None: ask `open_message`.

        Raises what that one does.
        """
        ...

    async def open_message(self, number: int) -> OpenMessage:
        """Open message `number` of the loaded snapshot. Raises MaildropError (LeaseLost, MessageGone)."""
        ...

    async def commit(self) -> None:
        """Remove, durably, what the snapshot marks as deleted, or put it out of sight.

        Raises MaildropError (LeaseLost, NotAllRemoved).
        """
        ...

    def commit_now(self) -> bool:
        """The same where it needs no waiting, as nothing is marked; False: nothing was done, await `commit`."""
        ...

    async def close(self) -> None:
        """Give the lease back. Idempotent, raises nothing."""
        ...

    def close_now(self) -> bool:
        """The same where it needs no waiting; False: nothing was done, await `close`."""
        ...


class Spool(Protocol):
    """A message on its way in: written once, deposited for any number of drops.

    Holds a small message in memory and a large one outside it. Whoever made it discards it, deposited or not.
    """

    def write_now(self, octets: bytes) -> bool:
        """The next octets of the message as it will be stored, where they need no waiting; False: ask `write`."""
        ...

    async def write(self, octets: bytes) -> None:
        """The next octets of the message as it will be stored. Raises MaildropError (StoreFull)."""
        ...

    async def discard(self) -> None:
        """Forget what is not deposited. Idempotent, raises nothing."""
        ...

    def discard_now(self) -> bool:
        """The same where it needs no waiting; False: nothing was done, await `discard`."""
        ...


class MaildropStore(Protocol):
    """All maildrops of one post office."""

    async def open(self, drop: str, holder: Holder, lock: Lock, *, keep_deleted: bool = False) -> MaildropSession:
        """Take the lease and a snapshot. Raises MaildropError (DropInUse). A drop never delivered to is empty.

        The snapshot of a shared drop comes with its columns. With `keep_deleted` what the session deletes is put out
        of sight of all sessions, and kept.
        """
        ...

    def open_now(self, drop: str, holder: Holder, lock: Lock, *, keep_deleted: bool = False) -> MaildropSession | None:
        """The same where it needs no waiting; None: nothing was done, await `open`. Raises MaildropError."""
        ...

    def spool(self) -> Spool:
        """Begin to take in a message."""
        ...

    async def deposit(
        self, spool: Spool, letter: Letter, addressees: Sequence[Addressee]
    ) -> list[Receipt | MaildropError]:
        """Store what was spooled, durably, for every addressee; an outcome for each, in their order.

        A last line without CRLF gets one. A Receipt means that the message outlives a crash at any later moment; an
        error means that nothing of it is seen in that drop.
        """
        ...

    def deposit_now(
        self, spool: Spool, letter: Letter, addressees: Sequence[Addressee]
    ) -> "asyncio.Future[Receipt] | None":
        """The same where it has begun with this call, for one addressee: the future gives the Receipt or raises
        MaildropError. None: nothing was done, await `deposit`. Raises nothing."""
        ...

    def glance(self, drop: str) -> Usage | None:
        """What counts against the drop's quota, where it needs no waiting; None: ask `usage`. Raises MaildropError."""
        ...

    async def usage(self, drop: str) -> Usage:
        """What the drop holds. Raises MaildropError."""
        ...

    def rows(self, drop: str, before: float | None = None) -> AsyncIterator[Row]:
        """What is known of each message, or of those that came before a time, in order of uid. Raises MaildropError."""
        ...

    def deleted(self, drop: str, before: float | None = None) -> AsyncIterator[Row]:
        """The same of what was deleted, or deleted before a time, and is kept. Raises MaildropError."""
        ...

    async def restore(self, drop: str, uids: Sequence[int]) -> list[Receipt]:
        """Bring back, durably, all or nothing, what is kept of these; uids ascend. Raises MaildropError (DropInUse).

        They come as new messages, with new uids and unique-ids; no quota is asked.
        """
        ...

    def drops(self) -> AsyncIterator[str]:
        """The names of all drops that exist, sorted."""
        ...

    def verify(self, drop: str, *, repair: bool = False) -> AsyncIterator[Finding]:
        """Everything wrong with a drop; `repair` sweeps orphans and mends totals, and never removes a message."""
        ...

    async def discard(self, drop: str, uids: Sequence[int]) -> None:
        """Remove messages for good, in sight or not, durably, all or nothing; uids ascend.

        Raises MaildropError (DropInUse).
        """
        ...

    async def remove(self, drop: str) -> None:
        """Remove a drop and all its messages, durably. Raises MaildropError (DropInUse)."""
        ...

    async def close(self) -> None:
        """Let go of all handles. Idempotent."""
        ...
