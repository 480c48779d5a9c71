"""A session with a POP3 server, as its client: the maildrop.

RFC 1939 s5 and s7, RFC 2449 s6.6 (PIPELINING). UIDL and TOP are tried whether or not the server says that it has them.

Must not know: what a message is (`messages`), what is done with it.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from postane.net.base import Link
from postane.pop3.client import Answer
from postane.pop3.commands import Command, Dele, Last, List, Retr, Rset, Stat, Top, Uidl

from .errors import Misbehaved, NotOffered, PopError
from .listing import Item, Joiner, Sizes
from .pipeline import Pipeline, Retrieval, number_of
from .protocol_log import format_link
from .session import Manner, Session

PIECE = 1000
"""Messages that a listing gives at once, if nothing else is wanted."""

DIGITS = 18
"""Of a number that is believed."""


ReadT = TypeVar("ReadT")


@dataclass(frozen=True, slots=True)
class Stats:
    """What STAT tells: messages, and their octets altogether."""

    count: int
    octets: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command for one message; `error` is None where it was done."""

    number: int
    error: PopError | None = None


class Pop3(Session):
    """`has_uidl` and `has_top` are None until it was tried."""

    def __init__(self, link: Link, manner: Manner | None = None) -> None:
        super().__init__(link, manner)
        self.has_uidl: bool | None = None
        self.has_top: bool | None = None
        self._count: int | None = None  # messages, as it was told last

    def __repr__(self) -> str:
        known = ["logged in"] if self.is_logged_in else []
        known += [f"{self._count} messages"] if self.is_logged_in and self._count is not None else []
        return f"<Pop3 at {', '.join([format_link(self.link, is_open=self.is_usable), *known])}>"

    async def stat(self) -> Stats:
        """STAT."""
        numbers = _numbers(await self._do(Stat()))
        if len(numbers) < 2:
            raise self.exchange.give_up(Misbehaved("the reply to STAT has no two numbers"))
        self._count = numbers[0]
        return Stats(numbers[0], numbers[1])

    async def last(self) -> int:
        """LAST, of old servers: the highest number that was ever retrieved (RFC 1460 s5)."""
        return next(iter(_numbers(await self._do(Last()))), 0)

    async def listing(self, piece: int = PIECE) -> AsyncIterator[list[Item]]:
        """All messages, at most `piece` at once: LIST and UIDL, asked for together where the server bears it.

        Where the server has no UIDL, `uidl` is None throughout. Where it says that it has it and yet refuses, this is
        Refused: all mail would look new.
        """
        exchange = self.exchange
        is_together = self.has_uidl is not False and await self.window() > 1
        turn = await exchange.begin()
        exchange.say((List(), Uidl()) if is_together else (List(),))
        self._check(await exchange.answer())
        sizes = Sizes()
        async for octets in self._body():
            self._read(sizes.feed, octets)
        if await self._begins_uidl(is_together, sizes.are_known):
            joiner = Joiner(sizes)
            async for octets in self._body():
                items = self._read(joiner.feed, octets)
                for start in range(0, len(items), piece):
                    yield items[start : start + piece]
                    if exchange.turn != turn:
                        raise RuntimeError("the session has gone on to something else: the listing is not complete")
        rest = sizes.rest()
        while items := list(islice(rest, piece)):
            yield items

    async def _begins_uidl(self, is_asked: bool, has_messages: bool) -> bool:
        """Whether the listing of unique-ids comes now. Raises Refused."""
        if self.has_uidl is False:
            return False
        answer = await (self.exchange.answer() if is_asked else self.exchange.ask(Uidl()))
        error = self._judge(answer)
        if error and not has_messages:  # there are servers that say no to an empty listing
            return False
        if error and (self.has_uidl or answer.reply.code or await self._says("UIDL")):
            raise error
        self.has_uidl = error is None
        return self.has_uidl

    def retrieve(self, numbers: Iterable[int], window: int | None = None) -> Retrieval:
        """RETR each of these: an iterator of Incoming, in their order."""
        return Retrieval(self.exchange, lambda: self._begin(map(Retr, numbers), window), self._judge)

    def tops(self, numbers: Iterable[int], lines: int = 0, window: int | None = None) -> Retrieval:
        """TOP each of these: the header part and so many lines of the body. NotOffered where the server has no TOP."""

        async def begin() -> Pipeline:
            if self.has_top is False:
                raise NotOffered("the server has no TOP")
            if self.has_top is None and await self._says("TOP"):
                self.has_top = True
            return await self._begin((Top(number, lines) for number in numbers), window)

        return Retrieval(self.exchange, begin, self._judge_top)

    def _judge_top(self, answer: Answer) -> PopError | None:
        """A server that does not say that it has TOP, and refuses the first one, does not have it."""
        error = self._judge(answer)
        if error and not self.has_top and not answer.reply.code:
            self.has_top = False
            return NotOffered("the server has no TOP")
        self.has_top = self.has_top or error is None or None
        return error

    async def delete(self, numbers: Iterable[int], window: int | None = None) -> list[Outcome]:
        """Mark each of these; they are gone once `quit` has returned."""
        pipeline = await self._begin(map(Dele, numbers), window)
        outcomes = []
        while answer := await pipeline.answer():
            number = number_of(answer)
            self._has_deleted = self._has_deleted or answer.reply.is_ok
            outcomes.append(Outcome(number, self._judge(answer)))
        return outcomes

    async def rset(self) -> None:
        """RSET: nothing is marked any more."""
        await self._do(Rset())
        self._has_deleted = False

    async def _begin(self, commands: Iterable[Command], window: int | None) -> Pipeline:
        count = await self.window(window)
        await self.exchange.begin()
        return Pipeline(self.exchange, commands, count)

    async def _says(self, name: str) -> bool:
        """Whether the server says that it has this."""
        capabilities = await self.capabilities()
        return capabilities is not None and capabilities.has(name)

    async def _body(self) -> AsyncIterator[bytes]:
        octets = self.exchange.take_body()
        if octets is not None:
            yield octets
            return
        while octets := await self.exchange.chunk():
            yield octets

    def _read(self, feed: Callable[[bytes], ReadT], octets: bytes) -> ReadT:
        try:
            return feed(octets)
        except Misbehaved as error:
            raise self.exchange.give_up(error) from None


def _numbers(answer: Answer) -> list[int]:
    """The numbers that a reply begins with."""
    numbers = []
    for word in str(answer.reply.text).split():
        if not (word.isascii() and word.isdigit() and len(word) <= DIGITS):
            break
        numbers.append(int(word))
    return numbers
