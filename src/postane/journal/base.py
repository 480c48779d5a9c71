"""What is known of every message of every account that is fetched: seen, fetched, delivered, deleted.

Whatever is recorded is durable when the call returns, so that it may be acted upon: a message is deleted at its server
only after it was recorded as delivered.

Must not know: servers, destinations.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Step(StrEnum):
    """How far a message has come; each is after the one before it."""

    SEEN = "seen"  # listed by the server, not delivered
    FETCHED = "fetched"  # its octets were here, whole, and its delivery begun
    DELIVERED = "delivered"  # at all its destinations, and recorded
    SKIPPED = "skipped"  # left at the server on purpose: too large, filtered, marked as seen by its user
    DELETED = "deleted"  # the server has said that it is gone


class JournalError(Exception):
    """The journal cannot be read or written; the text says why and what to do. `may_pass`: worth another try later."""

    def __init__(self, text: str, *, may_pass: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.may_pass = may_pass


@dataclass(frozen=True, slots=True)
class Listed:
    """A message as its server lists it now. `key` is its unique-id, or what was made in its place."""

    number: int
    key: str
    octets: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one message. Times are in seconds since the epoch; None: not yet.

    `listed` is when its server last had it. `reason` says why it was skipped, or why its last delivery failed;
    `attempts` counts failed ones. `sinks` are the names of the destinations that have it, where not all do yet.
    """

    account: str
    key: str
    step: Step
    octets: int
    seen: float
    listed: float
    fetched: float | None = None
    delivered: float | None = None
    deleted: float | None = None
    reason: str = ""
    attempts: int = 0
    sinks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """A message that its server lists, with what the journal knows of it: `step` is None for a new one.

    `octets` is what it was listed with at first; `sinks` and the times as in Entry.
    """

    listed: Listed
    step: Step | None
    seen: float | None = None
    delivered: float | None = None
    attempts: int = 0
    sinks: tuple[str, ...] = ()
    octets: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages of an account are at each step. `last_run` is when a run that had a listing last ended clean;
    `is_clean` whether the last run did."""

    account: str
    steps: Mapping[Step, int]
    last_run: float | None
    is_clean: bool


class Run(Protocol):
    """One account's run; one at a time for an account, over all processes.

    A listing is taken in once: it may be long, and is not held in memory.
    """

    @property
    def is_suspect(self) -> bool:
        """Whether the last run of this account did not end: what was delivered last may not be recorded."""
        ...

    async def take_listing(self, listing: AsyncIterator[Sequence[Listed]], *, spared: str = "") -> Sequence[Listed]:
        """Note what the server has now, in pieces; durable as one. The next one takes its place.

        Gives all those whose key is not theirs alone in this listing: nothing is noted of them, `rekey` does that.
        What is DELETED and not listed any more is forgotten: a server may give the same unique-id to a later message.
        Keys that begin with `spared` are those of `rekey`, which is to come, and forgets them.
        """
        ...

    async def rekey(self, listed: Sequence[Listed]) -> None:
        """Add these to the listing: messages that it had under a key which was not theirs alone. Durable.

        What is DELETED and not listed now either is forgotten.
        """
        ...

    def compare(self, *, steps: Collection[Step | None], piece: int = 1000) -> AsyncIterator[Sequence[Compared]]:
        """The listed messages at one of these steps (None: unknown until this listing), by number. Entries may be
        recorded meanwhile; what is recorded behind the reader's back is not given twice."""
        ...

    async def count(self) -> Mapping[Step | None, int]:
        """How many listed messages are at each step; None: new in this listing."""
        ...

    async def record_fetched(self, keys: Iterable[str]) -> None:
        """The octets are here and are being delivered. Need not be durable alone."""
        ...

    async def record_sink(self, keys: Iterable[str], sink: str) -> None:
        """One of several destinations has these."""
        ...

    async def record_delivered(self, keys: Iterable[str]) -> None:
        """All destinations have these: they may be deleted at the server."""
        ...

    async def record_failed(self, reasons: Mapping[str, str]) -> None:
        """By key, why a delivery or a retrieval failed; an attempt more."""
        ...

    async def record_skipped(self, reasons: Mapping[str, str]) -> None:
        """By key, why it is left at the server and not fetched again."""
        ...

    async def record_deleted(self, keys: Iterable[str]) -> None:
        """The server has committed to these deletions."""
        ...

    async def remember(self, name: str, value: str) -> None:
        """Keep a word about this account, for `recall` of a later run (an IMAP UIDVALIDITY, a login delay)."""
        ...

    async def recall(self, name: str) -> str | None:
        """What was remembered."""
        ...

    async def finish(self, *, is_clean: bool) -> None:
        """End the run. Clean: nothing is delivered that is not recorded. Idempotent; without it the run is suspect."""
        ...


class Journal(Protocol):
    """All accounts' entries. Every journal passes tests/contract/test_journal.py."""

    async def begin(self, account: str) -> Run:
        """Begin a run, durably. Raises JournalError, also where another process runs this account now."""
        ...

    async def counts(self) -> Sequence[Counts]:
        """Of every account that is known, by name."""
        ...

    def entries(self, account: str, *, steps: Collection[Step] = ()) -> AsyncIterator[Entry]:
        """All entries of an account, or those at these steps, oldest first."""
        ...

    async def forget(self, account: str, keys: Collection[str] | None = None) -> int:
        """Forget these messages, or all of the account: what the server still has is fetched again. How many.
        Raises JournalError, also where the account is run now."""
        ...

    async def prune(self, account: str, before: float) -> int:
        """Forget what its server has not listed since a time. How many. Raises JournalError, also where the account is
        run now."""
        ...

    async def close(self) -> None:
        """Let go. Idempotent."""
        ...
