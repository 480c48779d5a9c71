"""A conversation that a script holds: commands on standard input, the dialogue on standard output.

Each line is said when the reply to the one before it is complete. Remarks of our own go to standard error.
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator

from postane.net.base import LinkLost, NetError
from postane.talk.base import Mood, Spoilt, Unanswered, Unsuitable
from postane.talk.conversation import Conversation
from postane.talk.orders import Orders
from postane.talk.speech import Speech
from postane.talk.typed import is_order, needs_secret

from .talk_house import Place, Verdict, connect, failure_code, failure_of, make_speech, prepare
from .talk_options import TalkOptions
from .talk_show import JsonPrinter, PlainPrinter
from .words import Exit, Failure

FAILED = 1
HINT = "give it by --password-env or --password-stdin"


class PipePlace(Place):
    """Nobody is there to be asked: the password came with the command, or there is none."""

    async def ask(self, question: str, *, is_secret: bool) -> str | None:
        """See Tools."""
        return self.take_password() if is_secret else None


class Lines:
    """Standard input, line by line, read by a thread so that the server is heard meanwhile."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, name="standard input", daemon=True).start()

    async def next(self) -> str | None:
        """The next line without its end; None: there is none."""
        return await self._queue.get()

    def _read(self) -> None:
        rest = b""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            while octets := os.read(0, 65536):
                *lines, rest = (rest + octets).split(b"\n")
                for line in lines:
                    self._put(line.removesuffix(b"\r").decode("utf-8", "surrogateescape"))
            if rest:
                self._put(rest.decode("utf-8", "surrogateescape"))
            self._put(None)

    def _put(self, line: str | None) -> None:
        self._loop.call_soon_threadsafe(self._queue.put_nowait, line)


async def talk_in_pipe(options: TalkOptions) -> int:
    """Hold it; the exit code."""
    lines = Lines()
    password = await lines.next() if options.password_stdin else None
    place = PipePlace(options, password)
    speech = make_speech(place.url.protocol)
    verdict = Verdict(speech)
    printer = _make_printer(options, speech)
    place.tee.listeners += [verdict, printer]
    place.begin()
    try:
        conversation = await connect(place, speech)
        return await _hold(place, conversation, _typed(lines, conversation, printer), verdict)
    except NetError as error:
        raise failure_of(error) from None
    finally:
        _flush(printer)
        place.end()


async def _hold(place: PipePlace, conversation: Conversation, typed: AsyncIterator[str], verdict: Verdict) -> int:
    orders = Orders(conversation, place)
    try:
        try:
            await prepare(conversation, place, orders)
        except Unanswered as error:
            raise Failure(f"{error.text}: {HINT}", failure_code(error)) from None
        except Unsuitable as error:
            raise Failure(error.text, failure_code(error)) from None
        async for line in typed:
            if place.options.fail and verdict.refusals:
                return FAILED
            await _take(line, conversation, orders, verdict)
            if orders.is_leaving or conversation.is_over:
                break
        return FAILED if place.options.fail and verdict.refusals else verdict.code
    finally:
        await conversation.close()


async def _take(line: str, conversation: Conversation, orders: Orders, verdict: Verdict) -> None:
    try:
        if is_order(conversation.speech, line):
            await orders.obey(line)
        else:
            await conversation.say(await _completed(line, conversation, orders))
    except Spoilt as error:
        conversation.link.abort()
        raise Failure(error.text, Exit.PROTOCOL) from None
    except Unsuitable as error:
        verdict.mistakes += 1
        conversation.note(error.text, Mood.TROUBLE)


async def _completed(line: str, conversation: Conversation, orders: Orders) -> str:
    """PASS alone: with the password that came with the command, if one did."""
    if needs_secret(conversation.speech, line):
        secret = await orders.tools.ask("", is_secret=True)
        return line if secret is None else f"{line.strip()} {secret}"
    return line


async def _typed(lines: Lines, conversation: Conversation, printer: PlainPrinter | JsonPrinter) -> AsyncIterator[str]:
    """Lines as they come, while the server is listened to. Raises NetError."""
    while True:
        _flush(printer)  # whoever holds the other end of the pipe may wait for it
        reading = asyncio.ensure_future(lines.next())
        listening = asyncio.ensure_future(conversation.listen())
        try:
            await asyncio.wait((reading, listening), return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                listening.result()  # the connection is lost, and this tells how
                raise LinkLost("the server has closed the connection")
        finally:
            for task in (reading, listening):
                task.cancel()
            await asyncio.gather(reading, listening, return_exceptions=True)
        line = reading.result()
        if line is None:
            return
        yield line


def _make_printer(options: TalkOptions, speech: Speech) -> PlainPrinter | JsonPrinter:
    if options.json:
        return JsonPrinter(sys.stdout.write, lambda: str(speech.state))
    return PlainPrinter(sys.stdout.write, _remark, is_bare=options.bare)


def _remark(line: str) -> None:
    sys.stdout.flush()  # so that both come in their order where they go to one place
    sys.stderr.write(line)


def _flush(printer: PlainPrinter | JsonPrinter) -> None:
    printer.flush()
    sys.stdout.flush()
