"""Many commands of one kind, some of them sent before the first is answered, and the messages that come of them.

RFC 2449 s6.6 (PIPELINING). At most `window` commands are underway, so what is unsent stays small and nothing is ever
waited for but answers: neither side can be stuck behind the other. They go out many in one piece, when half of them
are answered or when there is nothing left to read.

Must not know: which commands, and whether the server bears it (`pop3`).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from itertools import islice

from postane.pop3.client import Answer
from postane.pop3.commands import Command, Dele, Retr, Top

from .errors import Misbehaved, PopError
from .exchange import UNWANTED, Exchange

WINDOW = 50
"""Commands that are underway at once: with 4 KiB a message and 20 ms to the server, ten MB a second."""

WINDOW_LIMIT = 100


class Pipeline:
    """The commands are taken from where they come from as they are sent. `unanswered` counts those whose answer was not
    given out here."""

    __slots__ = ("_commands", "_exchange", "_window", "unanswered")

    def __init__(self, exchange: Exchange, commands: Iterable[Command], window: int) -> None:
        self._exchange = exchange
        self._commands = iter(commands)
        self._window = window
        self.unanswered = 0

    async def answer(self) -> Answer | None:
        """The next answer; None: that was all."""
        exchange = self._exchange
        if exchange.underway <= self._window // 2:
            self.send_more()
            if not exchange.underway:
                return None
        answer = await exchange.answer(self.send_more)
        self.unanswered -= 1
        return answer

    def send_more(self) -> None:
        """Send what there is room for."""
        exchange = self._exchange
        underway = exchange.underway
        if underway < self._window and (not underway or exchange.link.is_writable):
            commands = list(islice(self._commands, self._window - underway))
            if commands:
                exchange.say(commands)
                self.unanswered += len(commands)


class Incoming:
    """A message on its way from the server; `error` says why it is not given. It must be read before the next one is
    asked for: what is not read of it then is thrown away."""

    __slots__ = ("_pipeline", "_reading", "_whole", "error", "number")

    def __init__(self, number: int, error: PopError | None, whole: bytes | None, reading: "_Reading | None") -> None:
        self.number = number
        self.error = error
        self._whole = whole
        self._reading = reading

    def take(self) -> bytes | None:
        """All its octets, if they are here and were not read; None: read them by `chunks`. Raises `error`."""
        if self.error is not None:
            raise self.error
        whole, self._whole = self._whole, None
        return whole

    async def chunks(self) -> AsyncIterator[bytes]:
        """Its octets, once, line ends CRLF. Raises `error`, and PopError where it breaks off: it is not whole then."""
        if (whole := self._begin()) is not None:
            if whole:
                yield whole
        elif reading := self._reading:
            while octets := await reading.chunk():
                yield octets

    async def read(self) -> bytes:
        """All its octets. Raises the same."""
        if (whole := self._begin()) is not None:
            return whole
        pieces = []
        if reading := self._reading:
            while octets := await reading.chunk():
                pieces.append(octets)
        return b"".join(pieces)

    def _begin(self) -> bytes | None:
        whole = self.take()
        if whole is None and (self._reading is None or not self._reading.begin()):
            raise RuntimeError("this message was read before")
        return whole


class _Reading:
    """A body that has not come yet."""

    __slots__ = ("_before_waiting", "_exchange", "_is_begun", "_is_skipped", "_turn", "is_complete")

    def __init__(self, exchange: Exchange, before_waiting: Callable[[], None]) -> None:
        self._exchange = exchange
        self._before_waiting = before_waiting
        self._turn = exchange.turn
        self._is_begun = False
        self._is_skipped = False
        self.is_complete = False

    def begin(self) -> bool:
        """Whether it may be read: it was not begun before."""
        is_first, self._is_begun = not self._is_begun, True
        return is_first

    async def chunk(self) -> bytes:
        """The next octets, b"" at the end."""
        if self._is_skipped or (not self.is_complete and self._turn != self._exchange.turn):
            raise RuntimeError("the session has gone on: this message was thrown away")
        return await self._next()

    async def skip(self) -> None:
        """Throw away what was not read."""
        self._is_skipped = not self.is_complete
        if self._turn != self._exchange.turn:  # somebody else has
            return
        left = UNWANTED
        while octets := await self._next():
            left -= len(octets)
            if left < 0:
                raise self._exchange.give_up(Misbehaved("a message has no end"))

    async def _next(self) -> bytes:
        if self.is_complete:
            return b""
        octets = await self._exchange.chunk(self._before_waiting)
        self.is_complete = not octets
        return octets


Judge = Callable[[Answer], PopError | None]
"""From an answer to the error for that one message; None: it is given."""


def number_of(answer: Answer) -> int:
    """The message that was asked for."""
    command = answer.command
    assert isinstance(command, Retr | Top | Dele)
    return command.number


class Retrieval:
    """RETR or TOP for each of many messages: an iterator of Incoming, in their order. One that is refused does not
    keep the others from coming. Whatever else is asked of the session ends it, where more than the message that was
    given out had been asked for."""

    def __init__(self, exchange: Exchange, begin: Callable[[], Awaitable[Pipeline]], judge: Judge) -> None:
        self._exchange = exchange
        self._begin = begin
        self._judge = judge
        self._pipeline: Pipeline | None = None
        self._turn = 0
        self._reading: _Reading | None = None
        self._is_over = False

    def __aiter__(self) -> "Retrieval":
        return self

    async def __anext__(self) -> Incoming:
        pipeline = self._pipeline
        if pipeline is None:
            pipeline = self._pipeline = await self._begin()
            self._turn = self._exchange.turn
        if self._is_over:
            raise StopAsyncIteration
        if (reading := self._reading) is not None:
            self._reading = None
            await reading.skip()
        if self._turn != self._exchange.turn:
            if pipeline.unanswered:
                raise RuntimeError("the session has gone on to something else: the rest was not retrieved")
            self._turn = await self._exchange.begin()
        answer = await pipeline.answer()
        if answer is None:
            self._is_over = True
            raise StopAsyncIteration
        number = number_of(answer)
        error = self._judge(answer)
        if not answer.has_body:
            return Incoming(number, error, None, None)
        whole = self._exchange.take_body()
        if whole is None:
            self._reading = _Reading(self._exchange, pipeline.send_more)
        return Incoming(number, None, whole, self._reading)
