"""The client's side of SMTP and LMTP: commands and messages in, octets out; octets in, replies out.

RFC 5321 s3 and s4, RFC 2033 s4.2 (LMTP: a reply for each recipient after the message), RFC 2920 s3.1 (pipelining),
RFC 3207 s4 (STARTTLS), RFC 4954 s4 (AUTH). Any number of commands may be sent before the first reply is read, up to one
that has to be the last of its group; whether the server bears it is told by its extensions. Replies come in the order
of the commands, and those that came before a TLS handshake are never believed after it. What is sent of a message has
CRLF line ends and nothing else.

Must not know: sockets, the clock, what the replies are for.
"""

import binascii
from base64 import b64decode
from collections import deque
from dataclasses import dataclass, field

from postane.mail.address import Address
from postane.wire.chart import Outcome
from postane.wire.crlf import BareCheck
from postane.wire.dots import Stuffer
from postane.wire.errors import Fault, LocalProtocolError, RemoteProtocolError
from postane.wire.lines import LineBuffer
from postane.wire.machine import NEED_DATA, PAUSED, Signal

from .client_grammar import REPLY_LINES, REPLY_OCTETS, ReplyLine, format_command, join_reply, parse_reply_line
from .commands import Auth, AuthResponse, BodyChunk, Command, Data, Mail, Rcpt, Verb
from .replies import Reply
from .states import CHARTS, Dialect, State

LINE_LIMIT = 64 * 1024
"""Octets of a reply's line that are believed; RFC 5321 s4.5.3.1.5 allows 512, a SASL challenge may be longer."""

SERVICE_CLOSING = 421
"""RFC 5321 s3.8: said to anything, or to nothing; the connection ends with it."""

_LAST = frozenset(
    {*(Verb.EHLO, Verb.LHLO, Verb.HELO, Verb.DATA, Verb.VRFY, Verb.EXPN, Verb.NOOP, Verb.QUIT, Verb.HELP)}
    | {Verb.AUTH, Verb.RESPONSE, Verb.STARTTLS}
)
"""RFC 2920 s3.1: after these nothing may be sent before the reply is there."""


@dataclass(frozen=True, slots=True)
class EndOfBody:
    """The message is complete."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """The server's first word."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to `command`. After a Data that was continued the message is to be sent."""

    command: Command
    reply: Reply


@dataclass(frozen=True, slots=True)
class Challenged:
    """The server wants an AuthResponse to `octets` (RFC 4954 s4)."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BodyAnswer:
    """What became of the message: in LMTP for one of the recipients that were accepted, in their order; else for all of
    them, and `recipient` is None."""

    recipient: Address | None
    reply: Reply


@dataclass(frozen=True, slots=True)
class Farewell:
    """The server ends the session of its own accord (421)."""

    reply: Reply


Event = Greeting | Answer | Challenged | BodyAnswer | Farewell


@dataclass(frozen=True, slots=True)
class _Body:
    """A message that was sent, for a recipient or for all."""

    recipient: Address | None


class SmtpClient:
    """One session as the client sees it.

    Any octets give events or RemoteProtocolError, nothing else; any split of the octets gives the same events. `state`
    is where the replies read so far have led. One that `is_greeted` takes over after a TLS handshake.
    """

    __slots__ = ("_accepted", "_check", "_dialect", "_is_ended", "_is_exclusive", "_lines", "_reply", "_stuffer",
                 "_waiting", "state")  # fmt: skip

    def __init__(self, dialect: Dialect = Dialect.SMTP, *, is_greeted: bool = False) -> None:
        self._dialect = dialect
        self._lines = LineBuffer(accepts_bare_lf=True)
        self._reply: list[ReplyLine] = []  # the lines of a reply that is not complete
        self._waiting: deque[Command | _Body] = deque()  # sent, not answered
        self._accepted: list[Address] = []
        self._is_exclusive = False
        self._is_ended = False
        self._stuffer: Stuffer | None = None  # while a message is wanted
        self._check = BareCheck()
        self.state: State = State.GREETED if is_greeted else State.GREETING

    @property
    def trailing_data(self) -> bytes:
        """Octets fed and not used."""
        return self._lines.peek_all()

    @property
    def waiting(self) -> int:
        """Replies that are still to come."""
        return len(self._waiting)

    @property
    def accepted(self) -> tuple[Address, ...]:
        """The recipients of this transaction that were accepted so far."""
        return tuple(self._accepted)

    def send(self, value: Command | BodyChunk | EndOfBody) -> bytes:
        """The octets that say it. Raises LocalProtocolError where nothing, or not this, may be said now."""
        if isinstance(value, BodyChunk):
            return self._send_body(value.octets)
        if isinstance(value, EndOfBody):
            return self._end_body()
        if self._stuffer is not None:
            raise LocalProtocolError("the server waits for a message")
        if self.state is State.AUTHENTICATING:
            if not isinstance(value, AuthResponse) or self._waiting:
                raise LocalProtocolError("the server waits for an AuthResponse")
        elif isinstance(value, AuthResponse):
            raise LocalProtocolError("there is no challenge to respond to")
        elif self._is_exclusive or self.state in (State.GREETING, State.HANDSHAKE, State.CLOSED):
            raise LocalProtocolError(f"nothing may be sent now ({self.state})")
        octets = format_command(value)
        self._is_exclusive = value.verb in _LAST
        self._waiting.append(value)
        return octets

    def feed(self, octets: bytes) -> None:
        """Take what came from the server; b"": it has closed its side."""
        self._lines.feed(octets)
        self._is_ended = self._is_ended or not octets

    def next_event(self) -> Event | Signal:
        """The next event; PAUSED once the session is over. Raises RemoteProtocolError, always fatal."""
        while self.state not in (State.CLOSED, State.HANDSHAKE):
            try:
                line = self._lines.next_line(LINE_LIMIT)
            except RemoteProtocolError as error:  # which reply was meant cannot be known
                raise RemoteProtocolError(error.text, error.fault, fatal=True) from None
            if line is None:
                if self._is_ended:
                    raise RemoteProtocolError("the server closed the connection", Fault.BROKEN, fatal=True)
                return NEED_DATA
            self._reply.append(parse_reply_line(line))
            if self._reply[-1].is_last:
                lines, self._reply = self._reply, []
                return self._read(join_reply(lines), lines[0].text)
            if len(self._reply) >= REPLY_LINES or sum(len(each.text) for each in self._reply) > REPLY_OCTETS:
                raise RemoteProtocolError("a reply without an end", Fault.TOO_LONG, fatal=True)
        return PAUSED

    def _send_body(self, octets: bytes) -> bytes:
        if self._stuffer is None:
            raise LocalProtocolError("the server does not wait for a message")
        self._check.feed(octets)
        if self._check.has_bare:
            raise LocalProtocolError("a CR or LF stands alone in the message")
        return self._stuffer.feed(octets)

    def _end_body(self) -> bytes:
        stuffer = self._stuffer
        self._check.finish()
        if stuffer is None or self._check.has_bare:
            raise LocalProtocolError("no message may be ended now")
        self._stuffer, self._check = None, BareCheck()
        # RFC 2033 s4.2: one reply for each recipient that was accepted, and none where none was.
        recipients: list[Address | None] = [*self._accepted] if self._dialect is Dialect.LMTP else [None]
        self._waiting.extend(map(_Body, recipients))
        self._is_exclusive = False
        if not recipients:
            self._end_transaction()
        return stuffer.finish()

    def _read(self, reply: Reply, text: bytes) -> Event:
        if self.state is State.GREETING:
            self._move(Verb.CONNECT, reply.outcome)
            if reply.outcome is Outcome.CONTINUED:
                raise _out_of_turn(reply)
            if reply.code == SERVICE_CLOSING:
                self.state = State.CLOSED
            return Greeting(reply)
        if not self._waiting:
            if reply.code != SERVICE_CLOSING:
                raise RemoteProtocolError("a reply to nothing", Fault.BROKEN, fatal=True)
            self.state = State.CLOSED
            return Farewell(reply)
        asked = self._waiting.popleft()
        if reply.code == SERVICE_CLOSING:
            self.state = State.CLOSED
        if isinstance(asked, _Body):
            return self._read_body_answer(asked, reply)
        self._is_exclusive = False
        if reply.outcome is Outcome.CONTINUED:
            return self._read_go_on(asked, reply, text)
        if isinstance(asked, Data) and reply.outcome is Outcome.ACCEPTED:
            raise _out_of_turn(reply)
        self._note(asked, reply.outcome)
        if self.state is State.HANDSHAKE and len(self._lines):
            raise RemoteProtocolError("octets before the TLS handshake", Fault.EARLY_DATA, fatal=True)
        return Answer(asked, reply)

    def _read_body_answer(self, body: _Body, reply: Reply) -> BodyAnswer:
        if reply.outcome is Outcome.CONTINUED:
            raise _out_of_turn(reply)
        is_last = not self._waiting or not isinstance(self._waiting[0], _Body)
        if is_last and self.state is State.DATA:
            self._end_transaction()
        return BodyAnswer(body.recipient, reply)

    def _read_go_on(self, command: Command, reply: Reply, text: bytes) -> Event:
        if isinstance(command, Auth | AuthResponse):
            self._move(command.verb, Outcome.CONTINUED)
            try:
                octets = b64decode(text, validate=True)
            except binascii.Error:
                raise RemoteProtocolError("a challenge that is not base64", Fault.SYNTAX, fatal=True) from None
            self.state = State.AUTHENTICATING
            return Challenged(octets)
        if not isinstance(command, Data):
            raise _out_of_turn(reply)
        # Be it that no recipient was accepted: RFC 2920 s3.1 knows servers that go on, and are to get a single dot.
        self.state = State.DATA
        self._stuffer = Stuffer()
        return Answer(command, reply)

    def _note(self, command: Command, outcome: Outcome) -> None:
        is_accepted = outcome is Outcome.ACCEPTED
        if isinstance(command, Rcpt) and is_accepted:
            self._accepted.append(command.address)
        elif isinstance(command, Mail) or (is_accepted and command.verb in (Verb.RSET, Verb.EHLO, Verb.LHLO)):
            self._accepted.clear()
        if self.state is not State.CLOSED:
            self._move(command.verb, outcome)

    def _end_transaction(self) -> None:
        self._accepted.clear()
        self.state = State.READY

    def _move(self, verb: Verb, outcome: Outcome) -> None:
        self.state = CHARTS[self._dialect].next_state(self.state, verb, outcome)


def _out_of_turn(reply: Reply) -> RemoteProtocolError:
    return RemoteProtocolError(f"a reply with the code {reply.code}, where none may be", Fault.BROKEN, fatal=True)
