"""The client's side of POP3: commands in, octets out; octets in, replies out.

RFC 1939 s3, with RFC 2449 s6.6 (pipelining), RFC 2595 s4 (STLS) and RFC 5034 s4 (AUTH). Any number of commands may be
sent before the first reply is read; replies come in their order. Replies that came before a TLS handshake are never
believed after it.

Must not know: sockets, the clock, what the replies are for.
"""

import base64
import binascii
from collections import deque
from dataclasses import dataclass, field

from postane.wire.chart import Outcome
from postane.wire.errors import Fault, LocalProtocolError, NoGreeting, RemoteProtocolError
from postane.wire.machine import NEED_DATA, PAUSED, Signal

from .commands import Auth, AuthResponse, Capa, Command, Lang, List, Quit, Retr, Stls, Top, Uidl, Verb
from .grammar import find_stamp, format_command, parse_reply
from .replies import Reply
from .reply_buffer import ReplyBuffer
from .states import SERVER, State

LINE_LIMIT = 64 * 1024
"""Octets of a reply's first line that are believed; RFC 1939 s3 allows 512, servers are known to write more."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """The server's first word; `stamp` is there if it speaks APOP (RFC 1939 s7)."""

    reply: Reply
    stamp: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to `command`. If `has_body`, BodyChunk events follow, then BodyEnd."""

    command: Command
    reply: Reply
    has_body: bool = False


@dataclass(frozen=True, slots=True)
class BodyChunk:
    """The next octets of a reply's lines, not stuffed any more."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BodyEnd:
    """The lines are complete."""


@dataclass(frozen=True, slots=True)
class Challenged:
    """The server wants an AuthResponse to `octets` (RFC 5034 s4)."""

    octets: bytes = field(repr=False)


Event = Greeting | Answer | BodyChunk | BodyEnd | Challenged


class Pop3Client:
    """One session as the client sees it.

    Any octets give events or RemoteProtocolError, nothing else; any split of the octets gives the same events, apart
    from where a body is cut into chunks. A body's lines end with CRLF, whatever the server writes. `state` is where the
    replies read so far have led.
    """

    __slots__ = ("_has_body", "_is_ended", "_is_exclusive", "_lines", "_waiting", "state")

    def __init__(self, state: State = SERVER.initial) -> None:
        """After a TLS handshake a new one begins in AUTHORIZATION: there is no second greeting (RFC 2595 s4)."""
        self._lines = ReplyBuffer()
        self._waiting: deque[Command] = deque()  # sent, not answered
        self._is_exclusive = False  # after STLS, AUTH and QUIT nothing may be sent before the answer
        self._is_ended = False
        self._has_body = False  # the last answer has, and its end was not given
        self.state: State = state

    @property
    def trailing_data(self) -> bytes:
        """Octets fed and not used."""
        return self._lines.peek_all()

    @property
    def waiting(self) -> int:
        """Commands that were sent and are not answered."""
        return len(self._waiting)

    @property
    def underway(self) -> int:
        """The same, and one more if the last answer's body was not read to its end."""
        return len(self._waiting) + self._has_body

    def send(self, command: Command) -> bytes:
        """The octets that say `command`. Raises LocalProtocolError where nothing, or not this, may be said now."""
        if self.state is State.AUTHENTICATING:
            if not isinstance(command, AuthResponse) or self._waiting:
                raise LocalProtocolError("the server waits for an AuthResponse")
        elif isinstance(command, AuthResponse):
            raise LocalProtocolError("there is no challenge to respond to")
        elif self._is_exclusive or self.state in (State.CLOSED, State.HANDSHAKE):
            raise LocalProtocolError(f"nothing may be sent now ({self.state})")
        octets = format_command(command)
        self._is_exclusive = isinstance(command, Stls | Quit | AuthResponse) or (
            isinstance(command, Auth) and command.mechanism is not None
        )
        self._waiting.append(command)
        return octets

    def feed(self, octets: bytes) -> None:
        """Take what came from the server; b"": it has closed its side."""
        self._lines.feed(octets)
        self._is_ended = self._is_ended or not octets

    def next_event(self) -> Event | Signal:
        """The next event; PAUSED once the session is over. Raises RemoteProtocolError, always fatal."""
        if self._has_body:
            return self._read_body()
        if self.state in _SILENT:
            return PAUSED
        line = self._lines.next_line(LINE_LIMIT)
        if line is not None:
            return self._read(line)
        if self._is_ended:
            raise RemoteProtocolError("the server closed the connection", Fault.BROKEN, fatal=True)
        return NEED_DATA

    def take_body(self) -> bytes | None:
        """What the BodyChunk events up to the BodyEnd would give, right after an Answer that has a body, if all of it
        has come; None: they are to be read one by one."""
        octets = self._lines.take_body() if self._has_body else None
        if octets is not None:
            self._has_body = False
        return octets

    def _read(self, line: bytes) -> Event:
        if self.state is State.GREETING:
            try:
                reply = parse_reply(line)
            except RemoteProtocolError as error:
                raise NoGreeting(error.text, line) from None
            self.state = State.AUTHORIZATION if reply.is_ok else State.CLOSED
            return Greeting(reply, find_stamp(str(reply.text)) if reply.is_ok else None)
        if not self._waiting:
            raise RemoteProtocolError("a reply to nothing", Fault.BROKEN, fatal=True)
        command = self._waiting.popleft()
        self._is_exclusive = False
        if line == b"+" or line.startswith(b"+ "):
            return self._read_challenge(command, line[2:])
        reply = parse_reply(line)
        has_body = reply.is_ok and _has_body(command)
        if not has_body:  # a reply with a body only informs
            self._move(command.verb, Outcome.RECEIVED)
            self._move(command.verb, Outcome.ACCEPTED if reply.is_ok else Outcome.REFUSED)
        if self.state is State.HANDSHAKE and len(self._lines):
            raise RemoteProtocolError("octets before the TLS handshake", Fault.EARLY_DATA, fatal=True)
        self._has_body = has_body
        return Answer(command, reply, has_body)

    def _read_challenge(self, command: Command, text: bytes) -> Challenged:
        if not isinstance(command, Auth | AuthResponse):
            raise RemoteProtocolError("a challenge to nothing", Fault.BROKEN, fatal=True)
        try:
            octets = base64.b64decode(text, validate=True)
        except binascii.Error:
            raise RemoteProtocolError("a challenge that is not base64", Fault.SYNTAX, fatal=True) from None
        self._move(command.verb, Outcome.CONTINUED)
        return Challenged(octets)

    def _read_body(self) -> BodyChunk | BodyEnd | Signal:
        octets = self._lines.next_piece()
        if octets is None:
            self._has_body = False
            return BodyEnd()
        if octets:
            return BodyChunk(octets)
        if self._is_ended:
            raise RemoteProtocolError("the server closed the connection inside a body", Fault.BROKEN, fatal=True)
        return NEED_DATA

    def _move(self, verb: Verb, outcome: Outcome) -> None:
        self.state = SERVER.next_state(self.state, verb, outcome)


_SILENT = frozenset({State.CLOSED, State.HANDSHAKE})


def _has_body(command: Command) -> bool:
    """Whether a positive reply to `command` has more lines (RFC 1939 s3; CAPA, AUTH and LANG their own RFCs)."""
    match command:
        case Retr() | Top() | Capa():
            return True
        case List(number) | Uidl(number):
            return number is None
        case Auth(mechanism):
            return mechanism is None
        case Lang(tag):
            return tag is None
        case _:
            return False
