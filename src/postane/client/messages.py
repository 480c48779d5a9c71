"""A maildrop as programs that read mail want it: messages one by one, or many at once, and deletions that are done all
together or not at all.

RFC 1939 s6: what was marked is deleted by QUIT alone. Leaving the context sends it, an exception does not.

Must not know: how to connect (`opening`).
"""

from array import array
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from types import TracebackType
from typing import Self

from postane.mail.header_part import HeaderPart

from .capabilities import Capabilities
from .errors import Misbehaved, NotOffered, PopError
from .listing import Item, most_believed
from .mail_parsing import parse_headers, parse_message
from .pipeline import Incoming
from .pop3 import Pop3, Stats
from .protocol_log import format_link

HEADER_LIMIT = 1024 * 1024
"""Octets of a header part that are kept: no program writes a tenth of it."""

Wanted = Iterable["Message | int"] | AsyncIterable["Message | int"]
"""Messages, or their numbers, to be done something with."""

Progress = Callable[[int, int], object]
"""Is told the octets that have come, and how many there will be in all: a hint, as what servers say of sizes is."""


class Maildrop:
    """A session that is logged in. `pop` is the session itself, where its commands can be said one by one."""

    def __init__(self, pop: Pop3) -> None:
        self.pop = pop
        self._unsaid: list[int] = []  # to be deleted, which was not said yet

    def __repr__(self) -> str:
        return f"<Maildrop at {format_link(self.pop.link, is_open=self.pop.is_usable)}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.commit()
        elif isinstance(error, Exception):
            await self.roll_back()
        else:  # cancelled: nobody waits for another word
            self.pop.abort()

    async def capabilities(self) -> Capabilities | None:
        """What the server says it can do; None: it does not know the question."""
        return await self.pop.capabilities()

    async def stat(self) -> Stats:
        """How many messages there are, and their octets altogether. Those marked as deleted do not count."""
        await self._say_deletions()
        return await self.pop.stat()

    async def messages(self) -> AsyncGenerator["Message", None]:
        """All messages, by number. All are listed before the first is given, so that each may be fetched or deleted
        before the next is asked for. Those that are marked as deleted are not among them."""
        await self._say_deletions()
        pieces = [_Piece.of(items) async for items in self.pop.listing()]
        for piece in pieces:
            for item in piece:
                yield Message(self, item)

    async def fetch_many(
        self, messages: Wanted, progress: Progress | None = None, window: int | None = None
    ) -> AsyncGenerator["Fetched", None]:
        """Each of these, as it comes: asked for many at once, where the server bears it. One that is refused does not
        keep the others from coming. A window is how many are asked for ahead. Raises TypeError or ValueError for what
        is no message of this session."""
        chosen = await self._chosen(messages)
        octets = _Count(progress, sum(listed for _, listed in chosen))
        sizes = iter(chosen)
        async for incoming in self.pop.retrieve([number for number, _ in chosen], window):
            _, listed = next(sizes)
            if incoming.error is not None:
                yield Fetched(incoming.number, error=incoming.error)
            else:
                yield Fetched(incoming.number, await self._held(incoming, listed, octets.add))

    async def _held(self, incoming: Incoming, listed: int, tell: Callable[[int], object]) -> bytes:
        """All octets of a message. Raises PopError, and ends the session where it has no end."""
        pieces, left = [], most_believed(listed)
        async for piece in incoming.chunks():
            pieces.append(piece)
            tell(len(piece))
            left -= len(piece)
            if left < 0:
                raise self.pop.exchange.give_up(Misbehaved(f"message {incoming.number} has no end"))
        return b"".join(pieces)

    async def headers_many(self, messages: Wanted, window: int | None = None) -> AsyncGenerator["Fetched", None]:
        """The header part of each of these, as it comes; where the server has no TOP, cut out of the messages."""
        numbers = [number for number, _ in await self._chosen(messages)]
        whole = numbers if self.pop.has_top is False else []
        if not whole:
            async for incoming in self.pop.tops(numbers, 0, window):
                if isinstance(incoming.error, NotOffered):
                    whole.append(incoming.number)
                else:
                    yield await _header_of(incoming)
        async for incoming in self.pop.retrieve(whole, window):
            yield await _header_of(incoming)

    async def delete(self, messages: Wanted) -> None:
        """Mark these; they are gone once `commit` has returned. Where others are on their way they are marked later.

        Raises Refused for the first that the server refuses; the others are marked all the same.
        """
        self._unsaid += [number for number, _ in await self._chosen(messages)]
        if not self.pop.exchange.underway:
            await self._say_deletions()

    async def _chosen(self, messages: Wanted) -> list[tuple[int, int]]:
        """Number and size of each; the size of a number is 0."""
        check_several(messages)
        if isinstance(messages, AsyncIterable):
            return [self._identified(each) async for each in messages]
        return [self._identified(each) for each in messages]

    def _identified(self, message: "Message | int") -> tuple[int, int]:
        """A number means another message in another session, and the letters of a text mean nothing."""
        if isinstance(message, Message):
            if message._maildrop is not self:
                raise ValueError(f"{message!r} is of another session: list the messages anew, and find it by its uidl")
            return message.number, message.octets
        if not isinstance(message, int):
            raise TypeError(f"a message, or its number, is wanted here: not {message!r}")
        if message < 1:
            raise ValueError(f"messages are numbered from 1: there is no {message}")
        return message, 0

    async def commit(self) -> None:
        """End the session; what is marked is deleted. Raises Refused where not all of it was, and another PopError
        where that is not known."""
        try:
            await self._say_deletions()
        except PopError:
            if self.pop.is_usable:
                await self.pop.quit()
            raise
        await self.pop.quit()

    async def roll_back(self) -> None:
        """End the session; nothing is deleted. Raises nothing."""
        self._unsaid.clear()
        try:
            if self.pop.is_idle:
                await self.pop.rset()
                await self.pop.quit()
        except PopError:
            pass  # without a QUIT nothing is deleted either
        finally:
            self.pop.abort()

    async def _say_deletions(self) -> None:
        if self._unsaid:
            unsaid, self._unsaid = self._unsaid, []
            for outcome in await self.pop.delete(unsaid):
                if outcome.error is not None:
                    raise outcome.error


class Message:
    """A message of the maildrop, not fetched yet. `octets` is what the server says: a hint. `uidl` is None where the
    server has no unique-ids."""

    __slots__ = ("_maildrop", "number", "octets", "uidl")

    def __init__(self, maildrop: Maildrop, item: Item) -> None:
        self._maildrop = maildrop
        self.number = item.number
        self.octets = item.octets
        self.uidl = item.uidl

    def __repr__(self) -> str:
        return f"<Message {self.number}, {self.octets} octets, uidl={self.uidl!r}>"

    async def headers(self) -> EmailMessage:
        """Its header part: by TOP, where the server has it, else by fetching all of it."""
        async for fetched in self._maildrop.headers_many([self]):
            header = parse_headers(fetched.raw)
        return header

    async def fetch(self) -> EmailMessage:
        """It, parsed. A message that cannot be understood is given as far as it can."""
        return parse_message(await self.raw())

    async def raw(self) -> bytes:
        """Its octets, line ends CRLF."""
        (fetched,) = [fetched async for fetched in self._maildrop.fetch_many([self])]
        return fetched.raw

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The same in pieces, as they come. What breaks off raises PopError."""
        async for incoming in self._maildrop.pop.retrieve([self.number]):
            async for piece in incoming.chunks():
                yield piece

    async def delete(self) -> None:
        """Mark it; it is gone once the session has ended well."""
        await self._maildrop.delete([self])


@dataclass(frozen=True, slots=True)
class Fetched:
    """A message that has come, or `error`, why it has not."""

    number: int
    octets: bytes = field(default=b"", repr=False)
    error: PopError | None = None

    def __repr__(self) -> str:
        return f"<Fetched {self.number}, {f'{len(self.octets)} octets' if self.error is None else self.error}>"

    @property
    def raw(self) -> bytes:
        """Its octets. Raises `error`."""
        if self.error is not None:
            raise self.error
        return self.octets

    def parse(self) -> EmailMessage:
        """It, parsed. Raises `error`."""
        return parse_message(self.raw)


def check_several(messages: object) -> None:
    """Raises TypeError where this is one message, and no list of them."""
    if not isinstance(messages, Iterable | AsyncIterable):
        raise TypeError(f"several messages are wanted here: give a list, [{messages}]")


async def _header_of(incoming: Incoming) -> Fetched:
    """The header part alone; what comes after it is not read."""
    if incoming.error is not None:
        return Fetched(incoming.number, error=incoming.error)
    header = HeaderPart(HEADER_LIMIT)
    async for piece in incoming.chunks():
        header.feed(piece)
        if header.is_over:
            break
    return Fetched(incoming.number, bytes(header.kept))


class _Count:
    """Octets that have come."""

    __slots__ = ("_done", "_progress", "_total")

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._done = 0
        self._total = total

    def add(self, octets: int) -> None:
        if self._progress is not None:
            self._done += octets
            self._progress(self._done, max(self._done, self._total))


@dataclass(frozen=True, slots=True)
class _Piece:
    """Items in a third of their room: a maildrop may have a million."""

    numbers: "array[int]"
    octets: "array[int]"
    uidls: str

    @classmethod
    def of(cls, items: list[Item]) -> "_Piece":
        """These, packed."""
        numbers, octets = array("q", [item.number for item in items]), array("q", [item.octets for item in items])
        return cls(numbers, octets, "\n".join(item.uidl or "" for item in items))

    def __iter__(self) -> Iterator[Item]:
        for number, octets, uidl in zip(self.numbers, self.octets, self.uidls.split("\n"), strict=True):
            yield Item(number, octets, uidl or None)
