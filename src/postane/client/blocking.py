"""The client for programs that know no event loop: the same names, and each waits until it is done.

    with connect("pop3s://user@example.org", password="secret") as maildrop:
        for message in maildrop.messages():
            print(message.number, message.headers()["subject"])

Nothing is done here: every method runs that of its name in `messages`, on an event loop that a thread of the session's
own runs. Leaving the block deletes what is marked, an exception does not; Ctrl-C cancels what is waited for, and
breaks the session off.

Must not know: protocols.
"""

from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager
from email.message import EmailMessage
from typing import Unpack

from . import messages as asynchronous
from . import opening
from .capabilities import Capabilities
from .messages import Fetched, Progress
from .opening import Options
from .pop3 import Stats
from .portal import Blocking, Face, Portal

__all__ = ["Maildrop", "Message", "connect"]


def connect(url: str, **options: Unpack[Options]) -> AbstractContextManager["Maildrop"]:
    """A maildrop of POP3, to be entered by `with`: pop3s://user@host, pop3://user@host or pop://user;AUTH=mechanism@host.
    What else can be said is in `postane.client.Options`.

    Raises ValueError at once where that cannot be read, or something is missing; PopError comes when it is entered.
    """
    return Blocking(opening.connect(url, **options), Maildrop)


class Maildrop(Face[asynchronous.Maildrop]):
    """A session that is logged in. Leaving its block deletes what is marked, an exception does not."""

    def capabilities(self) -> Capabilities | None:
        """What the server says it can do; None: it does not know the question."""
        return self._portal.call(self._inner.capabilities())

    def stat(self) -> Stats:
        """How many messages there are, and their octets altogether. Those marked as deleted do not count."""
        return self._portal.call(self._inner.stat())

    def messages(self) -> Generator["Message", None, None]:
        """All messages, by number."""
        return self._portal.each(self._inner.messages(), Message)

    def fetch_many(
        self, messages: Iterable["Message | int"], progress: Progress | None = None, window: int | None = None
    ) -> Generator[Fetched, None, None]:
        """Each of these, as it comes: asked for many at once, where the server bears it. `progress` is called by the
        thread of the session, which it must not use."""
        return self._portal.iterate(self._inner.fetch_many(_inner(messages), progress, window))

    def headers_many(
        self, messages: Iterable["Message | int"], window: int | None = None
    ) -> Generator[Fetched, None, None]:
        """The header part of each of these, as it comes."""
        return self._portal.iterate(self._inner.headers_many(_inner(messages), window))

    def delete(self, messages: Iterable["Message | int"]) -> None:
        """Mark these; they are gone once the session has ended well."""
        self._portal.call(self._inner.delete(_inner(messages)))

    def commit(self) -> None:
        """End the session; what is marked is deleted. Leaving the block does it."""
        self._portal.call(self._inner.commit())

    def roll_back(self) -> None:
        """End the session; nothing is deleted. An exception that leaves the block does it."""
        self._portal.call(self._inner.roll_back())


class Message(Face[asynchronous.Message]):
    """A message of the maildrop, not fetched yet. `octets` is what the server says: a hint. `uidl` is None where the
    server has no unique-ids."""

    __slots__ = ("number", "octets", "uidl")

    def __init__(self, inner: asynchronous.Message, portal: Portal) -> None:
        super().__init__(inner, portal)
        self.number = inner.number
        self.octets = inner.octets
        self.uidl = inner.uidl

    def headers(self) -> EmailMessage:
        """Its header part."""
        return self._portal.call(self._inner.headers())

    def fetch(self) -> EmailMessage:
        """It, parsed."""
        return self._portal.call(self._inner.fetch())

    def raw(self) -> bytes:
        """Its octets, line ends CRLF."""
        return self._portal.call(self._inner.raw())

    def stream(self) -> Generator[bytes, None, None]:
        """The same in pieces, as they come."""
        return self._portal.iterate(self._inner.stream())

    def delete(self) -> None:
        """Mark it; it is gone once the session has ended well."""
        self._portal.call(self._inner.delete())


def _inner(messages: Iterable[Message | int]) -> list[asynchronous.Message | int]:
    asynchronous.check_several(messages)
    return [each._inner if isinstance(each, Message) else each for each in messages]
