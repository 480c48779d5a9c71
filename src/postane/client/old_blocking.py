"""POP2 and POP1 for programs that know no event loop: the same names, and each waits until it is done.

Nothing is done here, as in `blocking`: every method runs that of its name in `pop2` and `pop1`, on an event loop that a
thread of the session's own runs.

Must not know: protocols.
"""

from collections.abc import Generator
from contextlib import AbstractContextManager
from email.message import EmailMessage
from typing import TypeVar, Unpack

from . import old_opening, pop1, pop2
from .lockstep import Letter
from .opening import Options
from .portal import Blocking, Face, Portal

__all__ = ["Pop1", "Pop1Mailbox", "Pop1Message", "Pop2", "Pop2Message", "connect_pop1", "connect_pop2"]

LetterT = TypeVar("LetterT", bound=Letter)


def connect_pop2(url: str, **options: Unpack[Options]) -> AbstractContextManager["Pop2"]:
    """A session of POP2, to be entered by `with`: pop2s://user@host:port or pop2://user@host. What else can be said,
    and what is raised, is as with `blocking.connect`."""
    return Blocking(old_opening.connect_pop2(url, **options), Pop2)


def connect_pop1(url: str, **options: Unpack[Options]) -> AbstractContextManager["Pop1"]:
    """The same of POP1: pop1s://user@host:port or pop1://user@host:port."""
    return Blocking(old_opening.connect_pop1(url, **options), Pop1)


class Pop2(Face[pop2.Pop2]):
    """A session of POP2. Leaving its block deletes what was deleted, an exception does not."""

    def __init__(self, inner: pop2.Pop2, portal: Portal) -> None:
        super().__init__(inner, portal)
        self.host = inner.host

    @property
    def count(self) -> int:
        """Messages in this mailbox."""
        return self._inner.count

    def folder(self, name: str) -> int:
        """FOLD: leave this mailbox, which deletes what was deleted, and select another one: its messages."""
        return self._portal.call(self._inner.folder(name))

    def messages(self) -> Generator["Pop2Message", None, None]:
        """Each message of the mailbox that is not deleted, by number."""
        return self._portal.each(self._inner.messages(), Pop2Message)


class _Message(Face[LetterT]):
    """What messages of both have."""

    __slots__ = ()

    def stream(self) -> Generator[bytes, None, None]:
        """Its octets, as they come."""
        return self._portal.iterate(self._inner.stream())

    def raw(self) -> bytes:
        """Its octets, all at once."""
        return self._portal.call(self._inner.raw())

    def fetch(self) -> EmailMessage:
        """It, parsed."""
        return self._portal.call(self._inner.fetch())


class Pop2Message(_Message[pop2.Pop2Message]):
    """A message of the selected mailbox; `octets` is its exact length. It may be read several times."""

    __slots__ = ("number", "octets")

    def __init__(self, inner: pop2.Pop2Message, portal: Portal) -> None:
        super().__init__(inner, portal)
        self.number = inner.number
        self.octets = inner.octets

    def delete(self) -> None:
        """ACKD: delete it, when the mailbox is left."""
        self._portal.call(self._inner.delete())

    def keep(self) -> None:
        """ACKS: it has come, and stays."""
        self._portal.call(self._inner.keep())


class Pop1(Face[pop1.Pop1]):
    """A session of POP1. Leaving its block deletes nothing: `Pop1Mailbox.accept` does."""

    def mailbox(self, name: str | None = None, *, deletes: bool = False) -> "Pop1Mailbox":
        """RETR, or RDEL where it `deletes`: begin to read a mailbox, None: the user's own."""
        return Pop1Mailbox(self._portal.call(self._inner.mailbox(name, deletes=deletes)), self._portal)


class Pop1Mailbox(Face[pop1.Pop1Mailbox]):
    """A mailbox that was begun; `octets` is the length of all of it, with the postmarks."""

    __slots__ = ("octets",)

    def __init__(self, inner: pop1.Pop1Mailbox, portal: Portal) -> None:
        super().__init__(inner, portal)
        self.octets = inner.octets

    def messages(self) -> Generator["Pop1Message", None, None]:
        """Each message, once. What is not read of one is thrown away when the next is asked for."""
        return self._portal.each(self._inner.messages(), Pop1Message)

    def accept(self) -> None:
        """RCVD: it has come whole. One that was asked for to be deleted is deleted now."""
        self._portal.call(self._inner.accept())

    def give_up(self) -> None:
        """RSET: let go of it, and delete nothing."""
        self._portal.call(self._inner.give_up())


class Pop1Message(_Message[pop1.Pop1Message]):
    """A message of a mailbox, while this comes; `sender` and `arrived` (seconds since the epoch) are its postmark's."""

    __slots__ = ("arrived", "sender")

    def __init__(self, inner: pop1.Pop1Message, portal: Portal) -> None:
        super().__init__(inner, portal)
        self.sender = inner.sender
        self.arrived = inner.arrived
