"""The two sides of a maildrop store: an index of rows about messages, and a place for large bodies.

`drop.JoinedStore` makes a store of any index and any blob side. A message is a `head` in the index (what was put in
front for this drop, and the whole body where it is small) followed by an optional blob. A blob is durable before the
row that names it, and goes after that row has gone: a crash in between leaves an orphan, never a row without a body.

Must not know: SQL, files, protocols.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from postane.mail.measure import Facts
from postane.mail.snapshot import Listings

from .base import Blob, BlobReader, Finding, Holder, Letter, Lock, Quota, QuotaExceeded, Receipt, Row, Usage

ORPHAN_AGE = 3600.0
"""Seconds after which a blob without a row, or an upload that nobody writes, is taken to be left by a crash."""


class Step(StrEnum):
    """The boundaries of a deposit and of a commit: what is done when the step is told."""

    FOLDER_MADE = "folder made"  # a new drop has a folder, and no index yet
    INDEX_MADE = "index made"  # a new drop has an empty index
    BODY_SPOOLED = "body spooled"  # a large body is durable, and belongs to no drop
    BLOB_PLACED = "blob placed"  # it has its name in the drop, which a crash may take back
    BLOB_DURABLE = "blob durable"  # it has its name for good
    ROW_WRITTEN = "row written"  # the transaction is not committed
    ROW_DURABLE = "row durable"  # the deposit is done
    ROWS_DELETED = "rows deleted"  # the transaction is not committed
    ROWS_GONE = "rows gone"  # the commit is done, blobs are orphans
    BLOB_GONE = "blob gone"  # one of them is removed


StepHook = Callable[[Step], None]


def ignore_step(_step: Step) -> None:
    """The hook of every store but those that tests are made with."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a drop holds when a snapshot is taken. `removals` grows whenever messages are deleted.

    `excess` is by how many octets all messages are longer without UTF-8.
    """

    messages: int
    octets: int
    last_uid: int
    removals: int
    excess: int = 0


@dataclass(frozen=True, slots=True)
class Columns:
    """One entry a message, in order of uid; `excess`, by uid, has only the messages that are not ASCII (`Facts`)."""

    uids: Sequence[int]
    sizes: Sequence[int]
    uidls: Sequence[str]
    excess: Mapping[int, int] = field(default_factory=dict)
    listings: Listings | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A message for the index to take in."""

    letter: Letter
    facts: Facts
    head: bytes = field(repr=False)
    blob: Blob | None
    quota: Quota
    uidl: str | None


@dataclass(slots=True)  # frozen ones take 0.3 us longer to make, for each message that is handed out
class Stored:
    """A message as the index gives it back."""

    uid: int
    facts: Facts
    head: bytes = field(repr=False)
    blob: Blob | None


class Lease(Protocol):
    """The right to delete from a drop, held by one session, or shared by some."""

    @property
    def drop(self) -> str: ...

    @property
    def is_shared(self) -> bool: ...

    @property
    def is_held(self) -> bool:
        """Whether the lease is still its own: looked at, for whoever has to be certain."""
        ...

    def note_use(self, now: float) -> bool:
        """The holder is at work; whether the lease is still its own, for all that is known. As cheap as can be."""
        ...

    async def release(self) -> None:
        """Give it back. Idempotent, raises nothing."""
        ...

    def release_now(self) -> bool:
        """The same where it needs no waiting, as with each lease of `Index.open_now`; False: await `release`."""
        ...


class Index(Protocol):
    """Rows about the messages of all drops, with their heads, and the leases. Every method may raise MaildropError."""

    async def open(self, drop: str, holder: Holder, lock: Lock) -> tuple[Lease, Totals]:
        """Take the drop's lease and what it holds now; a drop that does not exist is made, or is empty."""
        ...

    def open_now(self, drop: str, holder: Holder, lock: Lock) -> tuple[Lease, Totals] | None:
        """The same where it needs no waiting; None: nothing was done, somebody has the lease perhaps, await `open`."""
        ...

    async def totals(self, drop: str) -> Totals:
        """What a drop that exists holds now."""
        ...

    async def columns(self, drop: str, totals: Totals) -> Columns:
        """The columns of the messages that were there when `totals` were taken, and are there still."""
        ...

    def columns_now(self, drop: str, totals: Totals) -> Columns | None:
        """The same where it needs no waiting, else None."""
        ...

    async def fetch(self, drop: str, first: int, last: int) -> list[Stored]:
        """The messages with uids from `first` to `last`, in order."""
        ...

    def fetch_now(self, drop: str, first: int, last: int) -> list[Stored] | None:
        """The same where it needs no waiting, else None."""
        ...

    def append(self, drop: str, entry: Entry) -> Awaitable[Receipt]:
        """Take a message in, durably, all or nothing; makes the drop. Raises QuotaExceeded."""
        ...

    def append_now(self, drop: str, entry: Entry) -> "asyncio.Future[Receipt] | None":
        """The same where it needs nothing to be waited for first, else None."""
        ...

    async def delete(self, lease: Lease, uids: Sequence[int], kept_since: float | None = None) -> list[str]:
        """Delete, durably, all or nothing; uids ascend. Gives the names of their blobs. Raises LeaseLost.

        With `kept_since` the messages that are in sight are put out of it instead, and no blob is told; without it
        those that are kept go too.
        """
        ...

    async def restore(self, lease: Lease, uids: Sequence[int], arrived: float) -> list[Receipt]:
        """Bring back, durably, all or nothing, what is kept of these, as new messages. Raises LeaseLost."""
        ...

    def totals_now(self, drop: str) -> Totals | None:
        """The same as `totals` where it needs no waiting, else None."""
        ...

    async def usage(self, drop: str) -> Usage:
        """What the drop holds; nothing where it does not exist."""
        ...

    def rows(self, drop: str, before: float | None = None) -> AsyncIterator[Row]:
        """What is known of each message, or of those that came before a time, in order of uid."""
        ...

    def deleted(self, drop: str, before: float | None = None) -> AsyncIterator[Row]:
        """The same of what was deleted, or deleted before a time, and is kept."""
        ...

    def drops(self) -> AsyncIterator[str]:
        """The names of all drops, sorted."""
        ...

    def verify(self, drop: str, lease: Lease | None) -> AsyncIterator[Finding]:
        """What is wrong inside the index, heads included; with a lease, totals are mended."""
        ...

    async def remove(self, lease: Lease) -> None:
        """Remove the drop with all that the index knows of it, durably. Raises LeaseLost."""
        ...

    async def close(self) -> None:
        """Let go of all handles. Idempotent."""
        ...


class Upload(Protocol):
    """A large body on its way in. Measures what it takes."""

    async def write(self, *pieces: bytes, is_undotted: bool = False) -> None:
        """The next octets: much at a time rather than often a little; `is_undotted`: `has_dotted_line` is known to be
        false of each piece. Raises MaildropError."""
        ...

    async def finish(self, *pieces: bytes, is_undotted: bool = False) -> Facts:
        """Take the last octets, make all of them durable, and tell what they were. Raises MaildropError."""
        ...

    async def discard(self) -> None:
        """Forget it; what was placed stays. Idempotent, raises nothing."""
        ...

    def forget(self) -> None:
        """The same by and by: nobody waits for it."""
        ...


class BlobSide(Protocol):
    """Large bodies, each under a name of its own in its drop. A name is never written twice.

    An upload goes to the side that began it. Every method may raise MaildropError.
    """

    def begin(self) -> Upload:
        """Take in a body."""
        ...

    async def place(self, upload: Upload, drop: str, name: str) -> None:
        """Give a finished upload, durably, a name in a drop; any number of drops share its octets."""
        ...

    async def finish_in(self, drop: str, name: str, upload: Upload, *pieces: bytes, is_undotted: bool = False) -> Facts:
        """`Upload.finish` and then `place`, for a drop that may be the only one: as one piece of work."""
        ...

    async def open(self, drop: str, blob: Blob) -> BlobReader:
        """Open a body. Raises StoreDamaged where it is not there or has another size."""
        ...

    async def remove(self, drop: str, names: Sequence[str]) -> list[str]:
        """Remove bodies; gives the names of those that could not be. One that is not there counts as removed."""
        ...

    async def names(self, drop: str, age: float) -> list[str]:
        """The names placed in a drop at least `age` seconds ago, sorted."""
        ...

    async def close(self) -> None:
        """Let go of all handles. Idempotent."""
        ...


def check_quota(quota: Quota, held: Usage, octets: int) -> None:
    """Whether one more message of `octets` may come in. Raises QuotaExceeded."""
    if quota.messages is not None and held.messages + 1 > quota.messages:
        raise QuotaExceeded("maildrop is full", f"quota of {quota.messages} messages reached")
    if quota.octets is not None and held.octets + octets > quota.octets:
        raise QuotaExceeded(
            "maildrop is full", f"quota of {quota.octets} octets: {held.octets} held, {octets} more asked for"
        )
