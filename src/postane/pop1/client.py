"""The client's side of POP1: commands in, octets out; octets in, replies out.

RFC 918 s(The Protocol). One command at a time: the protocol knows no pipelining. What comes after RCEV is a whole
mailbox, as octets: `mail/mboxrd` parts its messages.

Must not know: sockets, the clock, what the replies are for.
"""

from dataclasses import dataclass, field

from postane.wire.chart import Outcome
from postane.wire.errors import Fault, LocalProtocolError, NoGreeting, RemoteProtocolError
from postane.wire.lines import LineBuffer
from postane.wire.machine import NEED_DATA, PAUSED, Signal

from .commands import Command, Verb
from .grammar import format_command, parse_line
from .replies import Length, Line, Reply
from .states import ANSWERED_BY, SERVER, State

LINE_LIMIT = 64 * 1024
"""Octets of a reply line that are believed; RFC 918 has no bound."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """The server's first word."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to `command`."""

    command: Command
    reply: Line


@dataclass(frozen=True, slots=True)
class BodyChunk:
    """The next octets of the mailbox that RCEV asked for."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BodyEnd:
    """The mailbox is complete: say RCVD."""


Event = Greeted | Answer | BodyChunk | BodyEnd


class Pop1Client:
    """One session as the client sees it.

    Any octets give events or RemoteProtocolError, nothing else; any split of the octets gives the same events, apart
    from where a mailbox is cut into chunks.
    """

    __slots__ = ("_command", "_is_ended", "_is_waiting", "_left", "_lines", "state")

    def __init__(self) -> None:
        self._lines = LineBuffer(accepts_bare_lf=True)
        self._is_waiting = True  # for the greeting
        self._command: Command | None = None  # what is not answered; None: the greeting
        self._left = 0  # octets of the mailbox that was announced or is coming
        self._is_ended = False
        self.state: State = SERVER.initial

    @property
    def trailing_data(self) -> bytes:
        """Octets fed and not used."""
        return self._lines.peek_all()

    def send(self, command: Command) -> bytes:
        """The octets that say `command`. Raises LocalProtocolError where nothing, or not this, may be said now."""
        if self._is_waiting or not SERVER.permits(self.state, command.verb):
            raise LocalProtocolError(f"{command.verb} may not be said now, in {self.state}")
        octets = format_command(command)
        self._command, self._is_waiting = command, True
        return octets

    def feed(self, octets: bytes) -> None:
        """Take what came from the server; b"": it has closed its side."""
        self._lines.feed(octets)
        self._is_ended = self._is_ended or not octets

    def next_event(self) -> Event | Signal:
        """The next event; PAUSED once the session is over. Raises RemoteProtocolError, always fatal."""
        if self.state is SERVER.final:
            return PAUSED
        try:
            return self._next()
        except RemoteProtocolError as error:
            self.state = SERVER.final
            error.fatal = True
            raise

    def _next(self) -> Event | Signal:
        if self._is_waiting and self._command is not None and self._command.verb is Verb.RCEV:
            return self._read_body()
        line = self._lines.next_line(LINE_LIMIT)
        if line is not None:
            return self._read(line) if self._command is not None or not self._is_waiting else self._greet(line)
        if self._is_ended:
            raise RemoteProtocolError("the server closed the connection", Fault.BROKEN)
        return NEED_DATA

    def _greet(self, line: bytes) -> Event:
        try:
            return self._read(line)
        except RemoteProtocolError as error:
            raise NoGreeting(error.text, line) from None

    def _read(self, line: bytes) -> Event:
        if not self._is_waiting:
            raise RemoteProtocolError("a reply to nothing", Fault.BROKEN)
        verb = Verb.OPEN if self._command is None else self._command.verb
        reply = parse_line(line)
        is_refusal = isinstance(reply, Reply) and not reply.is_ok
        if not is_refusal and not isinstance(reply, ANSWERED_BY[verb]):
            raise RemoteProtocolError(f"this is no answer to {verb}", Fault.SYNTAX)
        self._left = reply.octets if isinstance(reply, Length) else self._left
        self._move(verb, Outcome.REFUSED if is_refusal else Outcome.ACCEPTED)
        if self._command is not None:
            return Answer(self._command, reply)
        assert isinstance(reply, Reply), "the table says so"
        return Greeted(reply)

    def _read_body(self) -> BodyChunk | BodyEnd | Signal:
        if not self._left:
            self._move(Verb.RCEV, Outcome.ACCEPTED)
            return BodyEnd()
        octets = self._lines.take(self._left)
        if octets:
            self._left -= len(octets)
            return BodyChunk(octets)
        if self._is_ended:
            raise RemoteProtocolError("the server closed the connection inside the mailbox", Fault.BROKEN)
        return NEED_DATA

    def _move(self, verb: Verb, outcome: Outcome) -> None:
        self._is_waiting = False
        self.state = SERVER.next_state(self.state, verb, outcome)
