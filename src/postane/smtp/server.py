"""The server's side of SMTP and LMTP: octets in, commands and messages out; replies in, octets out.

RFC 5321, RFC 2033 (LMTP), RFC 2920 (pipelining), RFC 3030 (BDAT). After each command, and after each message, the
machine is PAUSED until its reply is sent. Only CRLF . CRLF ends a message after DATA; the octets of a BDAT that is
refused are read and dropped before its refusal is raised: no part of a message is ever taken for a command.

Must not know: accounts, maildrops, the clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from postane.wire.chart import Outcome
from postane.wire.dots import Unstuffer
from postane.wire.errors import Fault, LocalProtocolError, RemoteProtocolError
from postane.wire.lines import LineBuffer
from postane.wire.machine import NEED_DATA, PAUSED, Signal

from . import replies
from .body import BodyCheck, BodyLimits
from .commands import Bdat, BdatEnd, BodyChunk, BodyEnd, Command, Event, Mail, Verb
from .grammar import (
    LINE_LIMIT,
    glance,
    parse_auth_response,
    parse_bdat,
    parse_command,
    parse_mail,
    parse_rcpt,
    split_command,
)
from .replies import Challenge, Reply, SmtpError, format_challenge, format_reply
from .states import CHARTS, NOT_NOW, Dialect, State

SERVICE_CLOSING = 421
"""RFC 5321 s3.8: the one code that may be said to anything, and after which the connection is closed."""


@dataclass(frozen=True, slots=True)
class _Due:
    """What is to be answered, and with how many replies; no verb: an error, which leads nowhere."""

    verb: Verb | None
    count: int = 1


_DUE: Mapping[Verb | None, _Due] = {verb: _Due(verb) for verb in (*Verb, None)}
_OVER = frozenset({State.CLOSED, State.HANDSHAKE})
_WITHOUT_BODY = frozenset({State.READY, State.FAILED, State.CLOSED})


@dataclass(slots=True)
class _Chunk:
    """A BDAT whose octets are being read; not wanted: they are dropped, and then it is refused."""

    left: int
    is_last: bool
    is_wanted: bool


class SmtpServer:
    """One session as the server sees it.

    Any octets give events or RemoteProtocolError, nothing else; any split of the octets gives the same events, where
    the chunks of a sound message are the same octets in all, and those of another one are a beginning of it. `send`
    takes the greeting first; one that `is_greeted` takes over after a TLS handshake, where there is no second greeting
    (RFC 3207 s4.2). An error is answered like a command: by one Reply.
    """

    __slots__ = ("_accepted", "_chart", "_check", "_chunk", "_dialect", "_due", "_ending", "_fed", "_is_utf8",
                 "_limits", "_lines", "_unstuffer", "state")  # fmt: skip

    def __init__(self, dialect: Dialect, limits: BodyLimits, *, is_greeted: bool = False) -> None:
        self._dialect = dialect
        self._limits = limits
        self._chart = CHARTS[dialect]
        self._lines = LineBuffer(accepts_bare_lf=False)
        self._fed = b""  # what came for a message while _lines had nothing: it is given on as it came, uncopied
        self._due: _Due | None = None if is_greeted else _Due(Verb.CONNECT)
        self._accepted = 0  # recipients of this transaction
        self._is_utf8 = False
        self._check: BodyCheck | None = None  # while there is a message
        self._unstuffer: Unstuffer | None = None  # while DATA is read
        self._chunk: _Chunk | None = None  # while a BDAT is read
        self._ending: BodyEnd | None = None  # the event that follows the last chunk
        self.state: State = State.GREETED if is_greeted else self._chart.initial

    @property
    def trailing_data(self) -> bytes:
        """Octets fed and not used."""
        return self._lines.peek_all() + self._fed

    def feed(self, octets: bytes) -> None:
        """Take what came from the client."""
        if (self._unstuffer is None and self._chunk is None) or len(self._lines):
            self._lines.feed(octets)
        else:
            self._fed += octets

    def next_event(self) -> Event | Signal:
        """The next command or piece of a message. Raises RemoteProtocolError, to be answered as a command is."""
        if self._due is not None or self.state in _OVER:
            return PAUSED
        if self._ending is not None:
            return self._end_body(self._ending)
        if self._unstuffer is not None:
            return self._read_data(self._unstuffer)
        try:
            if self._chunk is not None:
                return self._read_chunk(self._chunk)
            line = self._lines.next_line(LINE_LIMIT)
            return NEED_DATA if line is None else self._read_line(line)
        except RemoteProtocolError as error:
            self._note_mistake(error)
            raise

    def _note_mistake(self, error: RemoteProtocolError) -> None:
        if self._due is None:  # RFC 4954 s4: a response that is not base64 ends the exchange
            self._due = _DUE[Verb.RESPONSE if self.state is State.AUTHENTICATING else None]
        if error.fatal:
            self._enter(State.CLOSED)

    def send(self, value: Reply | Sequence[Reply] | Challenge) -> bytes:
        """The octets of the reply, or of the replies, that are due.

        After a message LMTP wants one for each accepted recipient, in their order (RFC 2033 s4.2): either all of them
        are given, or one that stands for all. A 421 may be said at any time. Raises LocalProtocolError otherwise.
        """
        if isinstance(value, Challenge):
            return self._ask(value)
        said = (value,) if isinstance(value, Reply) else value
        if said and said[0].code == SERVICE_CLOSING:
            self._due = None
            self._enter(State.CLOSED)
            return format_reply(said[0])
        due = self._due
        if due is None:
            raise LocalProtocolError("there is nothing to reply to")
        if len(said) != due.count and len(said) != 1:
            raise LocalProtocolError(f"{due.count} replies are due, not {len(said)}")
        self._due = None
        if due.verb is not None:
            self._move(due.verb, said[0].outcome)
        if self.state is State.HANDSHAKE and len(self._lines):
            # RFC 3207 s4.2: nothing sent before the handshake may be obeyed after it.
            self._due = _Due(None)
            self._enter(State.CLOSED)
            raise SmtpError(replies.EARLY_DATA, Fault.EARLY_DATA, fatal=True)
        octets = format_reply(said[0]) if len(said) == 1 else b"".join(map(format_reply, said))
        return octets * due.count if len(said) != due.count else octets

    def _ask(self, challenge: Challenge) -> bytes:
        if self._due is None or self._due.verb not in (Verb.AUTH, Verb.RESPONSE):
            raise LocalProtocolError("no SASL exchange is going on")
        self._move(self._due.verb, Outcome.CONTINUED)
        self._due = None
        return format_challenge(challenge)

    def _read_line(self, line: bytes) -> Event | Signal:
        if self.state is not State.AUTHENTICATING:
            return self._read_command(line)
        response = parse_auth_response(line)
        self._due = _DUE[Verb.RESPONSE]
        return response

    def _read_command(self, line: bytes) -> Event | Signal:
        known = glance(line)
        verb, argument = split_command(line) if known is None else (known.verb, b"")
        if verb is Verb.BDAT:
            return self._begin_chunk(parse_bdat(argument))
        if not self._chart.permits(self.state, verb):
            raise self._refusal(verb)
        command = self._parse(verb, argument) if known is None else known
        if isinstance(command, Mail):
            self._is_utf8 = command.envelope.is_utf8
        self._due = _DUE[verb]
        return command

    def _parse(self, verb: Verb, argument: bytes) -> Command:
        # LMTP is spoken among the programs of one post office, which may know a recipient by account name alone.
        is_domain_optional = self._dialect is Dialect.LMTP
        if verb is Verb.MAIL:
            return parse_mail(argument, is_domain_optional=is_domain_optional)
        if verb is Verb.RCPT:
            return parse_rcpt(argument, is_utf8=self._is_utf8, is_domain_optional=is_domain_optional)
        return parse_command(verb, argument)

    def _refusal(self, verb: Verb) -> SmtpError:
        if not self._chart.states_allowing(verb):  # a hello of the other dialect (RFC 2033 s4.1)
            say = replies.SAY_LHLO if self._dialect is Dialect.LMTP else replies.SAY_EHLO
            return SmtpError(say, Fault.UNKNOWN_COMMAND)
        text = f"{verb} is not possible now: {NOT_NOW[self.state]}"
        return SmtpError(replies.BAD_SEQUENCE.with_text(text), Fault.WRONG_STATE)

    def _begin_chunk(self, command: Bdat) -> Event | Signal:
        is_wanted = self._chart.permits(self.state, Verb.BDAT)
        self._chunk = _Chunk(command.size, command.is_last, is_wanted)
        if not is_wanted:
            return self._read_chunk(self._chunk)
        self._move(Verb.BDAT, Outcome.RECEIVED)
        if self._check is None:
            self._check = BodyCheck(self._limits)
        return command

    def _read_chunk(self, chunk: _Chunk) -> Event | Signal:
        while chunk.left:
            octets = self._lines.take(chunk.left) if len(self._lines) else self._take_fed(chunk.left)
            if not octets:
                return NEED_DATA
            chunk.left -= len(octets)
            if chunk.is_wanted and self._check is not None and (given := self._check.feed(octets)):
                return BodyChunk(given)
        self._chunk = None
        if not chunk.is_wanted:
            return self._refuse_chunk(chunk)
        assert self._check is not None
        if chunk.is_last:
            return self._finish(b"", self._check, False)
        self._due = _Due(Verb.BDAT)
        return BdatEnd(self._check.verdict)

    def _refuse_chunk(self, chunk: _Chunk) -> Event | Signal:
        """All its octets are dropped: now it may be said that they were not wanted (RFC 3030 s2)."""
        error = self._refusal(Verb.BDAT)
        if not chunk.is_last:
            raise error
        is_lmtp = self._dialect is Dialect.LMTP
        if is_lmtp and self.state is State.MAIL:
            # RFC 2033 s4.3: a last BDAT without a recipient that was accepted gets no reply at all.
            self._move(Verb.BODY, Outcome.REFUSED)
            return self.next_event()
        if self.state is State.FAILED:  # as many replies as the message would have got, and it is over
            self._due = _Due(Verb.BODY, self._accepted if is_lmtp else 1)
        raise error

    def _read_data(self, unstuffer: Unstuffer) -> Event | Signal:
        octets = self._lines.take_all() if len(self._lines) else self._take_fed(len(self._fed))
        if not octets:
            return NEED_DATA
        assert self._check is not None
        given = self._check.feed(unstuffer.feed(octets))
        if unstuffer.is_finished:
            self._unstuffer = None
            self._lines.feed(unstuffer.rest)
        is_undotted = unstuffer.is_undotted and not self._check.is_mending  # a line end more may make a dotted line
        if unstuffer.is_finished:
            return self._finish(given, self._check, is_undotted)
        return BodyChunk(given, is_undotted) if given else NEED_DATA

    def _take_fed(self, limit: int) -> bytes:
        octets, self._fed = self._fed, b""
        if len(octets) <= limit:
            return octets
        self._lines.feed(octets[limit:])
        return octets[:limit]

    def _finish(self, given: bytes, check: BodyCheck, is_undotted: bool) -> Event:
        given += check.finish()
        self._ending = BodyEnd(check.verdict, check.octets)
        return BodyChunk(given, is_undotted) if given else self._end_body(self._ending)

    def _end_body(self, event: BodyEnd) -> BodyEnd:
        self._ending = None
        self._check = None
        self._due = _Due(Verb.BODY, self._accepted if self._dialect is Dialect.LMTP else 1)
        return event

    def _move(self, verb: Verb, outcome: Outcome) -> None:
        """Go where a verb leads, and do what getting there means."""
        if verb is Verb.RCPT and outcome is Outcome.ACCEPTED:
            self._accepted += 1
        state = self._chart.next_state(self.state, verb, outcome)
        if state is State.DATA:
            self._unstuffer = Unstuffer()
            self._check = BodyCheck(self._limits)
        elif verb is Verb.MAIL:
            self._accepted = 0
        if state is not self.state:
            self._enter(state)

    def _enter(self, state: State) -> None:
        self.state = state
        if state in _WITHOUT_BODY:
            self._check = None
            self._unstuffer = None
            self._chunk = None
            self._ending = None
