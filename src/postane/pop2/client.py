"""The client's side of POP2: commands in, octets out; octets in, replies out.

RFC 937 s(Client Decision Table). One command at a time: the protocol knows no pipelining. What the server says is
garbage unless it is what the state waits for; then all that is left is to say QUIT and to close.

Must not know: sockets, the clock, what the replies are for.
"""

from dataclasses import dataclass, field

from postane.wire.chart import Outcome
from postane.wire.errors import Fault, LocalProtocolError, NoGreeting, RemoteProtocolError
from postane.wire.lines import LineBuffer
from postane.wire.machine import NEED_DATA, PAUSED, Signal

from .commands import Command, Quit, Retr, Verb
from .grammar import format_command, parse_greeting, parse_line
from .replies import Count, Err, Greeting, Length, Ok
from .states import ANSWERED_BY, CLIENT, ClientState

LINE_LIMIT = 64 * 1024
"""Octets of a reply line that are believed; RFC 937 allows 512, servers are known to write more."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """The server's first word: a Greeting, or an Err when it is not willing."""

    reply: Greeting | Err


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to `command`. After an Err the session is over."""

    command: Command
    reply: Ok | Err | Count | Length


@dataclass(frozen=True, slots=True)
class BodyChunk:
    """The next octets of the message that RETR asked for."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BodyEnd:
    """The message is complete: acknowledge it."""


Event = Greeted | Answer | BodyChunk | BodyEnd


class Pop2Client:
    """One session as the client sees it.

    Any octets give events or RemoteProtocolError, nothing else; any split of the octets gives the same events, apart
    from where a message is cut into chunks.
    """

    __slots__ = ("_command", "_is_ended", "_is_over", "_is_waiting", "_left", "_lines", "state")

    def __init__(self) -> None:
        self._lines = LineBuffer(accepts_bare_lf=True)
        self._is_waiting = True  # for the greeting
        self._command: Command | None = None  # what is not answered; None: the greeting
        self._left = 0  # octets of the message that was announced or is coming
        self._is_ended = False
        self._is_over = False  # nothing that comes now is looked at
        self.state: ClientState = CLIENT.initial

    @property
    def trailing_data(self) -> bytes:
        """Octets fed and not used."""
        return self._lines.peek_all()

    def send(self, command: Command) -> bytes:
        """The octets that say `command`. Raises LocalProtocolError where nothing, or not this, may be said now.

        QUIT may be said at any time but after QUIT and after an Err: what was asked for and has not come is given up.
        """
        is_leaving = isinstance(command, Quit)
        if not CLIENT.permits(self.state, command.verb) or (self._is_waiting and not is_leaving):
            raise LocalProtocolError(f"{command.verb} may not be said now, in {self.state}")
        if isinstance(command, Retr) and not self._left:
            raise LocalProtocolError("there is no message to be had")  # RFC 937 s(Definitions of Commands and Replies)
        octets = format_command(command)
        if is_leaving and self._is_waiting:
            self._is_over = True  # the reply to QUIT cannot be told from the rest of what was asked for
        self._command, self._is_waiting = command, True
        self.state = CLIENT.next_state(self.state, command.verb, Outcome.SAID)
        return octets

    def feed(self, octets: bytes) -> None:
        """Take what came from the server; b"": it has closed its side."""
        self._lines.feed(octets)
        self._is_ended = self._is_ended or not octets

    def next_event(self) -> Event | Signal:
        """The next event; PAUSED once the session is over. Raises RemoteProtocolError, always fatal: say QUIT."""
        if self._is_over:
            return PAUSED
        try:
            return self._next()
        except RemoteProtocolError as error:
            self._is_over = True
            error.fatal = True
            raise

    def _next(self) -> Event | Signal:
        if self.state is ClientState.XFER and self._is_waiting:
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
        self._is_waiting = False
        command = self._command
        if command is None:
            return Greeted(self._refusal(parse_line(line)) if line.startswith(b"-") else parse_greeting(line))
        reply = parse_line(line)
        if isinstance(reply, Err):
            return Answer(command, self._refusal(reply))
        if not isinstance(reply, ANSWERED_BY[command.verb]):
            raise RemoteProtocolError(f"this is no answer to {command.verb}", Fault.SYNTAX)
        self._left = reply.octets if isinstance(reply, Length) else 0
        self._is_over = command.verb is Verb.QUIT
        return Answer(command, reply)

    def _refusal(self, reply: Ok | Err | Count | Length) -> Err:
        """A server that says `-` closes the connection."""
        if not isinstance(reply, Err):
            raise RemoteProtocolError("neither a greeting nor a refusal", Fault.SYNTAX)
        self.state = CLIENT.final
        self._is_over = True
        return reply

    def _read_body(self) -> BodyChunk | BodyEnd | Signal:
        if not self._left:
            self._is_waiting = False
            return BodyEnd()
        octets = self._lines.take(self._left)
        if octets:
            self._left -= len(octets)
            return BodyChunk(octets)
        if self._is_ended:
            raise RemoteProtocolError("the server closed the connection inside a message", Fault.BROKEN)
        return NEED_DATA
