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
from typing import Protocol

from postane.mail.measure import Facts
from postane.mail.snapshot import Snapshot

from .errors import (
    DropInUse,
    LeaseLost,
    MaildropError,
    MessageGone,
    NotAllRemoved,
    QuotaExceeded,
    StoreDamaged,
    StoreFull,
    StoreTooNew,
    StoreUnavailable,
    UidlRefused,
)
from .values import (
    UIDL_LIMIT,
    Addressee,
    Blob,
    Finding,
    FindingKind,
    Holder,
    Letter,
    Lock,
    LockPolicy,
    Quota,
    Receipt,
    Row,
    Usage,
)

__all__ = [
    "UIDL_LIMIT",
    "Addressee",
    "Blob",
    "BlobReader",
    "DropInUse",
    "Finding",
    "FindingKind",
    "Holder",
    "LeaseLost",
    "Letter",
    "Lock",
    "LockPolicy",
    "MaildropError",
    "MaildropSession",
    "MaildropStore",
    "MessageGone",
    "NotAllRemoved",
    "OpenMessage",
    "Quota",
    "QuotaExceeded",
    "Receipt",
    "Row",
    "Spool",
    "StoreDamaged",
    "StoreFull",
    "StoreTooNew",
    "StoreUnavailable",
    "UidlRefused",
    "Usage",
]


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

    def write_now(self, octets: bytes, *, is_undotted: bool = False) -> bool:
        """The next octets of the message as it will be stored, where they need no waiting; False: ask `write`."""
        ...

    async def write(self, octets: bytes, *, is_undotted: bool = False) -> None:
        """The next octets of the message as it will be stored; `is_undotted`: it is known of them that
        `wire.dots.has_dotted_line` is false. Raises MaildropError (StoreFull)."""
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
