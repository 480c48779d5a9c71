"""A connection and the machine that reads it, as one: commands go in, answers and bodies come out.

RFC 1939 s3. Whatever breaks off between a command and the end of its answer, a cancelled wait included, ends the
session: an answer must never be taken for that to another command.

Must not know: what the commands are for.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from copy import copy

from postane.net.base import Link, NetError
from postane.pop3.client import Answer, BodyChunk, Challenged, Event, Greeting, Pop3Client
from postane.pop3.commands import Command
from postane.pop3.grammar import parse_reply
from postane.pop3.states import State
from postane.wire.errors import Fault, RemoteProtocolError
from postane.wire.machine import NEED_DATA, Signal

from .errors import ConnectionLost, Misbehaved, NotSecured, PopError, net_error, refusal
from .protocol_log import ProtocolLog

SMALL_BODY = 64 * 1024
"""Octets of a reply that informs (CAPA, AUTH, LANG): more than that is no information."""

UNWANTED = 1 << 30
"""Octets of bodies that are read only to come to what follows them."""


class Line:
    """A connection that a session is held over, of whatever protocol, until something ends it. What raises PopError has
    ended it."""

    __slots__ = ("_is_ended", "_is_reading", "_trouble", "link")

    def __init__(self, link: Link) -> None:
        self.link = link
        self._trouble: PopError | None = None  # why nothing more can be said
        self._is_ended = False  # the server has closed its side
        self._is_reading = False

    @property
    def is_usable(self) -> bool:
        """Whether something may be said."""
        return self._trouble is None

    def note(self, text: str) -> None:
        """Something has happened to the connection, for a protocol log."""

    def check(self) -> None:
        """Raise why nothing may be said, if so."""
        if self._trouble is not None:
            raise copy(self._trouble) from self._trouble

    def give_up(self, trouble: PopError) -> PopError:
        """Close at once; gives what it was given, to be raised."""
        self.link.abort()
        if self._trouble is None:
            self._trouble = trouble
            with suppress(OSError, ValueError):  # a log that takes no more is not why the session ends
                self.note(trouble.text)
        return trouble

    def abort(self) -> None:
        """Close at once, without a word."""
        self.give_up(ConnectionLost("the session was broken off"))

    async def close(self) -> None:
        """Send what is unsent, and close."""
        if self._trouble is None:
            self._trouble = ConnectionLost("the session is over")
            try:
                await self.link.close()
            except BaseException:
                self.link.abort()
                raise

    async def _read(self) -> bytes:
        """What has come; b"": the server has closed its side."""
        if self._is_reading:
            raise RuntimeError("another task is using this session")
        self._is_reading = True
        try:
            octets = await self.link.read()
        except NetError as error:
            raise self.give_up(net_error(error)) from error.__cause__  # a NetError has the same words
        except BaseException:  # cancelled: what is still to come could be taken for the answer to something else
            self.abort()
            raise
        finally:
            self._is_reading = False
        self._is_ended = self._is_ended or not octets
        return octets

    def _unread(self) -> bytes:
        """What lies there: it was said before anything was asked. That there will be no more is told by the wait for
        an answer."""
        if self._is_reading:
            return b""
        try:
            return self.link.read_now() or b""
        except NetError as error:
            raise self.give_up(net_error(error)) from error.__cause__

    def _broken(self, error: RemoteProtocolError) -> PopError:
        """Give up: what has come makes no sense."""
        text = str(error.text)
        if error.fault is Fault.EARLY_DATA:
            return self.give_up(NotSecured(f"the server: {text}"))
        return self.give_up(ConnectionLost(text) if self._is_ended else Misbehaved(f"the server: {text}"))


class Exchange(Line):
    """One session's octets. `turn` counts the operations, so that one that was overtaken by the next can tell."""

    __slots__ = ("_body_octets", "_log", "_machine", "turn")

    def __init__(self, link: Link, log: ProtocolLog | None = None) -> None:
        super().__init__(link)
        self._machine = Pop3Client()
        self._log = log
        self._body_octets = 0
        self.turn = 0

    @property
    def state(self) -> State:
        """Where the answers have led."""
        return self._machine.state

    @property
    def underway(self) -> int:
        """Commands whose answer, or its body, was not read to the end."""
        return self._machine.underway

    async def begin(self) -> int:
        """The turn of an operation that begins now. What another one has left unread is thrown away."""
        self.check()
        left = UNWANTED
        while self._machine.underway:
            event = await self._wait()
            left -= len(event.octets) if isinstance(event, BodyChunk) else 0
            if left < 0:
                raise self.give_up(Misbehaved("what nobody wants has no end"))
        if octets := self._unread():
            self._machine.feed(octets)
        if said := self._machine.trailing_data:  # it would be taken for the answer to what is asked next
            raise self.give_up(_parting_word(said))
        self.turn += 1
        return self.turn

    def say(self, commands: Iterable[Command]) -> None:
        """Send these in one piece. Raises LocalProtocolError where one may not be said now, ValueError where it cannot
        be written on a line; none of them is sent then."""
        self.check()
        octets = []
        try:
            for command in commands:
                octets.append(self._machine.send(command))
                if self._log:
                    self._log.said(command)
        except BaseException:
            if octets:  # the machine waits for answers to what is never sent
                self.abort()
            raise
        self.link.write(b"".join(octets))

    async def greeting(self) -> Greeting:
        """The server's first word."""
        event = await self._wait()
        if not isinstance(event, Greeting):
            raise self._mixed_up()
        if self._log:
            self._log.answered(event.reply)
        return event

    async def answer(self, before_waiting: Callable[[], None] | None = None) -> Answer:
        """The next answer. If it has a body, that is to be read before the next. `before_waiting` is called whenever
        what has come is used up."""
        event = self._machine_event()
        if event is None:
            event = await self._wait(before_waiting)
        if not isinstance(event, Answer):
            raise self._mixed_up()
        if self._log:
            self._body_octets = 0  # what is left of another body was thrown away
            self._log.answered(event.reply, event.command)
        return event

    async def answer_or_challenge(self) -> Answer | Challenged:
        """The next word of a SASL exchange."""
        event = await self._wait()
        if isinstance(event, Challenged):
            if self._log:
                self._log.challenged()
            return event
        if not isinstance(event, Answer):
            raise self._mixed_up()
        if self._log:
            self._log.answered(event.reply, event.command)
        return event

    def take_body(self) -> bytes | None:
        """The whole body of the last answer, if it is here; None: read it by `chunk`."""
        octets = self._machine.take_body()
        if self._log and octets is not None:
            self._log.sent_body(len(octets))
        return octets

    async def chunk(self, before_waiting: Callable[[], None] | None = None) -> bytes:
        """The next octets of the last answer's body; b"": it is complete."""
        event = await self._wait(before_waiting)
        if isinstance(event, BodyChunk):
            self._body_octets += len(event.octets)
            return event.octets
        if self._log:
            self._log.sent_body(self._body_octets)
        self._body_octets = 0
        return b""

    async def small_body(self) -> bytes:
        """The whole body of an answer that only informs."""
        octets = self.take_body()
        if octets is not None:
            return octets
        octets = b""
        while piece := await self.chunk():
            octets += piece
            if len(octets) > SMALL_BODY:
                raise self.give_up(Misbehaved("a reply that should be short has no end"))
        return octets

    async def ask(self, command: Command) -> Answer:
        """Say this alone, and give the answer to it."""
        self.say((command,))
        return await self.answer()

    async def start_tls(self) -> None:
        """Hold the handshake, after STLS was accepted; nothing from before it is remembered (RFC 2595 s4)."""
        self.note("TLS begins")
        try:
            await self.link.start_tls()
        except NetError as error:
            raise self.give_up(NotSecured(error.text)) from error
        except BaseException:
            self.abort()
            raise
        self._machine = Pop3Client(State.AUTHORIZATION)

    def note(self, text: str) -> None:
        """See Line."""
        if self._log:
            self._log.note(text)

    def _machine_event(self) -> Event | None:
        """What is at hand; None: more must come."""
        try:
            event = self._machine.next_event()
        except RemoteProtocolError as error:
            raise self._broken(error) from error
        if event is NEED_DATA:
            return None
        if isinstance(event, Signal):
            raise self.give_up(ConnectionLost("the session is over"))
        return event

    async def _wait(self, before_waiting: Callable[[], None] | None = None) -> Event:
        self.check()
        while (event := self._machine_event()) is None:
            if before_waiting is not None:
                before_waiting()
            self._machine.feed(await self._read())
        return event

    def _mixed_up(self) -> PopError:
        return self.give_up(Misbehaved("the server answers what was not asked"))


def _parting_word(octets: bytes) -> PopError:
    """What a server says that was not asked: why it ends the session, or nothing that makes sense."""
    line = octets[:SMALL_BODY].partition(b"\n")[0].rstrip(b"\r")
    if not line.upper().startswith(b"-ERR"):
        return Misbehaved("the server: a reply to nothing")
    try:
        reply = parse_reply(line)
    except RemoteProtocolError as error:
        return Misbehaved(f"the server: {error.text}")
    words = str(reply.text)
    return refusal("the session", words, reply.code) if reply.code else ConnectionLost(f"the server leaves: {words}")
