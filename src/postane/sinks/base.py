"""Where fetched mail goes: a Maildir, an mbox, a command, another server, a maildrop of a post office.

A sink takes parcels and answers for each of them; "delivered" is said when the message is where it should be, durably,
as far as the destination can tell. One that `can_tell` knows a message again by its key: after a crash it is asked
which it has already, and a message is not put there twice.

Must not know: where mail comes from, the journal.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable


class Content(Protocol):
    """The octets of a message, line ends CR LF, as often as they are wanted; small ones in memory, large ones not."""

    @property
    def octets(self) -> int: ...

    def chunks(self) -> Iterator[bytes]:
        """From the beginning. May read a file: not for an event loop. Several may be read at the same time."""
        ...


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message on its way.

    `key` is printable ASCII, at most 128 characters, the same for the same message of the same account at each attempt,
    and never that of another one. `lead` are header fields of ours (Received, Delivered-To; CR LF line ends) that stand
    before it. `sender` is the envelope's ("" is the null one), `recipients` are whom a multidrop's envelope names;
    empty: whoever the sink is for. `arrived` is in seconds since the epoch. `done` are the recipients that got it
    at an earlier attempt, as that delivery named them.
    """

    key: str
    account: str
    content: Content = field(repr=False)
    lead: bytes = b""
    sender: str = ""
    recipients: tuple[str, ...] = ()
    arrived: float = 0.0
    done: tuple[str, ...] = ()


class Outcome(StrEnum):
    """What became of a parcel."""

    DELIVERED = "delivered"
    PRESENT = "present"  # it was there already, by its key
    DEFERRED = "deferred"  # not now: may pass
    REFUSED = "refused"  # never, as it is: a person is needed


@dataclass(frozen=True, slots=True)
class Delivery:
    """The outcome of one parcel; `reason` says why it is not delivered, for a person. `done` are the recipients that
    have it where others have not."""

    outcome: Outcome
    reason: str = ""
    done: tuple[str, ...] = ()

    @property
    def is_there(self) -> bool:
        """Whether the message is at its destination."""
        return self.outcome in (Outcome.DELIVERED, Outcome.PRESENT)


class Fault(StrEnum):
    """What is wrong with a destination."""

    PLACE = "place"  # it is not there, or takes nothing
    TRUST = "trust"  # TLS with its server does not stand, or it cannot be understood
    SETTING = "setting"  # a file that it is configured with cannot be used
    LOGIN = "login"  # its server does not take name, password or token, or there is none


class SinkError(Exception):
    """A destination cannot be used at all; the text says why and what to do. `may_pass`: worth another try later."""

    def __init__(self, text: str, *, may_pass: bool = True, fault: Fault = Fault.PLACE) -> None:
        super().__init__(text)
        self.text = text
        self.may_pass = may_pass
        self.fault = fault


class Sink(Protocol):
    """One destination, used by one account's run at a time. Every sink passes tests/contract/test_sinks.py."""

    @property
    def name(self) -> str:
        """What it is, for people and for the journal: "maildir:/home/anna/Mail". The same in the next run."""
        ...

    @property
    def can_tell(self) -> bool:
        """Whether it knows a message again by its key."""
        ...

    @property
    def group(self) -> int:
        """How many parcels at most it wants at a time. 1: each is to be recorded before the next is delivered."""
        ...

    @property
    def is_new(self) -> bool:
        """Whether `open` had to make it, so that it has nothing of earlier runs: a folder that somebody moved away, a
        disk that is not mounted. Of one that cannot tell: False."""
        ...

    async def open(self) -> None:
        """Make ready, and mend what a crash has left half done. Raises SinkError."""
        ...

    async def find(self, keys: Collection[str]) -> set[str]:
        """Which of these it has. Of one that cannot tell: none. Raises SinkError."""
        ...

    async def resembling(self, wanted: Mapping[str, str]) -> set[str]:
        """Which of these it may have although it does not know them by their keys any more, because a mail reader has
        renamed or rewritten messages. `wanted` are keys with the `id` in the Received field of the lead, "" where it
        has none: then any message without a key may be it. Raises SinkError."""
        ...

    async def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Delivery]:
        """Deliver, durably; one answer for each, in order. Cancelled, it may have delivered any of them.

        Raises SinkError where the destination itself is gone: nothing is known of these parcels then.
        """
        ...

    async def close(self) -> None:
        """Let go. Idempotent."""
        ...


@runtime_checkable
class Waiter(Protocol):
    """A sink that may have to wait for other programs."""

    on_wait: Callable[[str], None]
    """Hears what is waited for, and "" when that is over; from whatever thread."""


@runtime_checkable
class Located(Protocol):
    """A sink that is a file or folder of this machine: another one may come into its place."""

    async def locate(self) -> tuple[str, bool]:
        """What tells it from another one in its place, and whether it has no message at all. Raises SinkError."""
        ...
