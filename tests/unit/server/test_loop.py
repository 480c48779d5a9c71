"""The one loop, with a protocol of three words: what holds for all of them."""

import asyncio

import pytest

from postane.net.memory import MemoryStream
from postane.server.desk import FLUSH_AT, Dismissed, Outbox
from postane.server.loop import TURN, Conversation, converse
from postane.server.record import Ending
from postane.wire.errors import Fault, LocalProtocolError, RemoteProtocolError
from postane.wire.lines import LineBuffer
from postane.wire.machine import NEED_DATA, PAUSED, Signal


class EchoMachine:
    """Lines in, lines out; "bad" is a mistake, "worse" a fatal one, "bye" the end."""

    trailing_data = b""

    def __init__(self) -> None:
        self.state = "open"
        self._lines = LineBuffer(accepts_bare_lf=True)

    def feed(self, octets: bytes) -> None:
        self._lines.feed(octets)

    def next_event(self) -> str | Signal:
        if self.state == "closed":
            return PAUSED
        line = self._lines.next_line(100)
        if line is None:
            return NEED_DATA
        if line in (b"bad", b"worse"):
            raise RemoteProtocolError("a mistake", Fault.SYNTAX, fatal=line == b"worse")
        return line.decode()

    def send(self, value: str) -> bytes:
        if value == "cannot be said":
            raise LocalProtocolError("not now")
        if value == "bye":
            self.state = "closed"
        return value.encode() + b"\n"


class EchoDesk:
    """Says what it hears."""

    patience = 5.0
    mistakes_allowed = 2
    may_be_ended = True
    is_handshake_due = False
    is_closed = False

    def greeting(self) -> str:
        return "hello"

    async def answer(self, event: str, out: Outbox) -> None:
        if event == "fail":
            raise ValueError(event)
        if event == "fail badly":
            out.send("half a body")
            raise ValueError(event)
        if event == "enough":
            raise Dismissed(Ending.MISTAKES)
        if event == "wait":
            await asyncio.Event().wait()
        if event == "half a body":
            out.send("begun")
            await asyncio.Event().wait()
            out.send("ended")
            return
        if event == "much":
            for _ in range(10):
                out.send("x" * (FLUSH_AT // 4))
            return
        out.send(event)

    def reply_to(self, error: Exception) -> str:
        if str(error) == "fail badly":
            return "cannot be said"
        return f"sorry: {error}"

    def farewell(self, ending: Ending) -> bytes:
        return f"[{ending}]\n".encode() if ending is not Ending.QUIT else b""

    async def close(self) -> None:
        self.is_closed = True


def start(stream: MemoryStream) -> "asyncio.Task[Ending]":
    return asyncio.create_task(converse(Conversation(stream, EchoMachine(), EchoDesk())))


async def test_a_conversation_to_its_end() -> None:
    stream = MemoryStream()
    stream.give(b"one\ntwo\nbye\nnever heard\n")
    assert await start(stream) is Ending.QUIT
    assert stream.take() == b"hello\none\ntwo\nbye\n"
    assert stream.is_closed


@pytest.mark.parametrize(
    ("octets", "said", "ending"),
    [
        (b"bad\nbad\none\nbad\nbad\nbad\n", 5, Ending.MISTAKES),  # a good command forgives the mistakes before it
        (b"worse\none\n", 1, Ending.BROKEN),
    ],
)
async def test_mistakes_are_answered_and_counted(octets: bytes, said: int, ending: Ending) -> None:
    stream = MemoryStream()
    stream.give(octets)
    assert await start(stream) is ending
    words = stream.take()
    assert words.count(b"sorry: a mistake\n") == said
    assert words.endswith(f"[{ending}]\n".encode())


async def test_who_is_dismissed_gets_what_was_answered_and_then_the_farewell() -> None:
    stream = MemoryStream()
    stream.give(b"one\ntwo\nenough\nnever heard\n")
    assert await start(stream) is Ending.MISTAKES
    assert stream.take() == b"hello\none\ntwo\n[too many mistakes]\n"
    assert stream.is_closed


async def test_an_error_is_answered_and_the_conversation_goes_on() -> None:
    stream = MemoryStream()
    stream.give(b"fail\none\nbye\n")
    assert await start(stream) is Ending.QUIT
    assert stream.take() == b"hello\nsorry: fail\none\nbye\n"


async def test_an_error_that_cannot_be_answered_cuts_the_connection() -> None:
    stream = MemoryStream()
    stream.give(b"one\nfail badly\ntwo\n")
    assert await start(stream) is Ending.FAILED
    assert b"two" not in stream.take()
    assert stream.is_closed


async def test_the_client_goes_away() -> None:
    stream = MemoryStream()
    stream.give(b"one\nhalf a li")
    stream.end()
    assert await start(stream) is Ending.DROPPED


async def test_silence_ends_it() -> None:
    stream = MemoryStream()
    conversation = start(stream)
    await asyncio.sleep(0.01)
    assert stream.deadline == 5.0
    stream.expire()
    assert await conversation is Ending.TIMED_OUT
    assert stream.take() == b"hello\n[timed out]\n"


async def test_a_client_that_does_not_read_is_not_written_to_for_ever() -> None:
    stream = MemoryStream()
    stream.is_stuck = True
    stream.give(b"much\nmuch\nmuch\n")
    conversation = start(stream)
    await asyncio.sleep(0.01)
    assert len(stream.take()) < 4 * FLUSH_AT
    stream.expire()
    assert await conversation is Ending.TIMED_OUT


async def test_the_server_shuts_down() -> None:
    stream = MemoryStream()
    conversation = start(stream)
    await asyncio.sleep(0.01)
    conversation.cancel()
    assert await conversation is Ending.SHUT_DOWN
    assert stream.take() == b"hello\n[shut down]\n"


@pytest.mark.parametrize(
    ("octets", "said"),
    [(b"one\ntwo\nwait\nthree\n", b"one\ntwo\n"), (b"one\nhalf a body\n", b"one\nbegun\n")],
    ids=["between two replies", "within one"],
)
async def test_what_was_done_is_told_before_the_farewell_and_nothing_is_made_whole(octets: bytes, said: bytes) -> None:
    stream = MemoryStream()
    stream.give(octets)
    conversation = start(stream)
    await asyncio.sleep(0.01)
    assert stream.take() == b"hello\n"  # the replies wait for the rest of the pipeline
    conversation.cancel()
    assert await conversation is Ending.SHUT_DOWN
    assert stream.take() == said + b"[shut down]\n"


async def test_what_one_client_has_sent_ahead_keeps_nobody_waiting() -> None:
    ahead, other = MemoryStream(), MemoryStream()
    ahead.give(b"word\n" * 10 * TURN)
    ahead.end()
    other.give(b"bye\n")
    talks = [Conversation(stream, EchoMachine(), EchoDesk()) for stream in (ahead, other)]
    first, second = [asyncio.create_task(converse(talk)) for talk in talks]
    await second
    assert not first.done()
    assert other.take() == b"hello\nbye\n"
    assert await first is Ending.DROPPED
    assert ahead.take() == b"hello\n" + b"word\n" * 10 * TURN + b"[dropped]\n"


async def test_a_line_said_octet_by_octet_buys_no_time() -> None:
    stream = MemoryStream()
    conversation = start(stream)
    await asyncio.sleep(0.01)
    stream.deadline = 3.0  # what is left of it
    for octet in (b"a", b"b", b"c"):
        stream.give(octet)
        await asyncio.sleep(0.01)
        assert stream.deadline == 3.0
    stream.give(b"\n")
    await asyncio.sleep(0.01)
    assert stream.deadline == 5.0
    stream.end()
    assert await conversation is Ending.DROPPED
