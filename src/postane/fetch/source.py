"""Where mail is fetched from: one session with the server of one account.

POP3 has all of this; what another protocol lacks its source makes up for (`pop2_source`, `pop1_source`,
`imap_source`). A message is named by its number, which holds for the session.

Must not know: what is done with the messages, the journal.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Item:
    """A message as the server lists it; `unique_id` is None where it gives none. `octets` is what it says: a hint."""

    number: int
    octets: int
    unique_id: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the server once the login stands; `login_delay` in seconds, `with_word` is for Received,
    `folder` the part of the mailbox where there are several."""

    with_word: str
    host: str
    address: str
    user: str
    tls: str = ""
    login_delay: float | None = None
    folder: str = ""

    @property
    def mailbox(self) -> str:
        """Whose mail it is."""
        return " ".join((self.user, "at", self.host, self.folder)).rstrip()


class Incoming(Protocol):
    """One message on its way from the server; `error` says why it is not given."""

    @property
    def number(self) -> int: ...

    @property
    def error(self) -> str | None: ...

    def take(self) -> bytes | None:
        """All its octets, if they are here; None: read them by `chunks`."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Its octets, line ends CR LF; once. Raises FetchError where it breaks off: it is not whole then."""
        ...


class Source(Protocol):
    """One session. All of it raises FetchError; after that, and when cancelled, only `leave` is of use."""

    @property
    def deletes_at_once(self) -> bool:
        """Whether `delete` is to hear in one call of all that is to go: it costs another reading of everything."""
        ...

    @property
    def hidden(self) -> Collection[str]:
        """Unique-ids that are listed and not to be fetched: somebody has marked these messages as deleted. Known once
        all is listed."""
        ...

    async def open(self) -> Facts:
        """Connect, and prove who it is."""
        ...

    def listing(self) -> AsyncIterator[Sequence[Item]]:
        """All messages, by number, in pieces."""
        ...

    def headers(self, numbers: Sequence[int]) -> AsyncIterator[Incoming]:
        """The header parts of these, through the empty line, in order; by RETR where there is no better way."""
        ...

    def retrieve(self, numbers: Sequence[int]) -> AsyncIterator[Incoming]:
        """These, in order. What is not read of one is thrown away when the next is asked for."""
        ...

    async def delete(self, numbers: Sequence[int]) -> Mapping[int, str]:
        """Mark these; they are gone once `commit` has returned. Gives those refused, and why."""
        ...

    async def commit(self) -> None:
        """End the session; what was marked is deleted. FetchError: it may be, or not."""
        ...

    async def leave(self) -> None:
        """End the session without deleting anything, where it has not ended. Raises nothing."""
        ...
