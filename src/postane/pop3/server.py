"""The server's side of POP3: octets in, commands out; replies in, octets out.

RFC 1939, with RFC 2449 s4 (limits, pipelining), RFC 2595 s4 (STLS) and RFC 5034 s4 (AUTH). After each command the
machine is PAUSED until its reply is complete. Octets that came before a TLS handshake are never read after it: they
break the session (RFC 2595 s4, and the injection that many servers had).

Must not know: accounts, maildrops, the clock.
"""

import re
from collections.abc import Mapping, Sequence

from postane.wire.base64_text import format_base64
from postane.wire.chart import Outcome
from postane.wire.dots import Stuffer, stuff
from postane.wire.errors import Fault, LocalProtocolError, RemoteProtocolError
from postane.wire.lines import LineBuffer
from postane.wire.machine import NEED_DATA, PAUSED, Signal
from postane.wire.phrases import Text, Tongue, counted, phrase

from .commands import Command, Dele, Retr, Verb
from .grammar import (
    LINE_LIMIT,
    NUMBER_DIGITS,
    SASL_LIMIT,
    format_reply,
    glance,
    parse_auth_response,
    parse_command,
    split_command,
)
from .replies import (
    Challenge,
    Chunk,
    Closing,
    Listing,
    Message,
    Messages,
    Opening,
    Repeated,
    Reply,
    Speak,
    Value,
    ok,
)
from .states import NOT_NOW, SERVER, State


class Pop3Server:
    """One session as the server sees it.

    Any octets give events or RemoteProtocolError, nothing else; any split of the octets gives the same events.
    `send` takes the greeting first; one that `is_greeted` takes over after a TLS handshake, where there is no second
    greeting (RFC 2595 s4). An error is answered like a command: by one Reply.
    """

    __slots__ = (
        "_ahead", "_allowed", "_alone", "_is_body_open", "_is_paused", "_leading", "_lines", "_stuffer", "_tongue",
        "_verb", "state",
    )  # fmt: skip

    def __init__(self, *, is_greeted: bool = False) -> None:
        # RFC 1939 s3 wants CRLF; clients that send a bare LF have always been served.
        self._lines = LineBuffer(accepts_bare_lf=True)
        self._is_paused = not is_greeted  # until the greeting is sent
        self._verb: Verb | None = None  # what is being answered; None: the greeting, or an error
        self._is_body_open = False
        self._stuffer: Stuffer | None = None  # while a body is being sent whose lines may begin with a dot
        self._tongue: Tongue | None = None  # English
        self.state: State = State.AUTHORIZATION if is_greeted else SERVER.initial
        self._allowed = SERVER.allowed[self.state]
        self._leading = _LEADING[self.state]
        self._ahead = b""  # the lines that came behind the one that is being answered and say the same
        self._alone = 0  # so many of them were offered already, and are to be answered one by one

    @property
    def trailing_data(self) -> bytes:
        """Octets fed and not used."""
        return self._lines.peek_all()

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is to be said: close the connection."""
        return self.state is SERVER.final

    def feed(self, octets: bytes) -> None:
        """Take what came from the client."""
        self._lines.feed(octets)

    def next_event(self) -> Command | Signal:
        """The next command. Raises RemoteProtocolError, which is answered by a Reply as a command is."""
        if self._is_paused:
            return PAUSED
        try:
            line = self._lines.next_line(LINE_LIMIT, self._line_limit)
            if line is None:
                return NEED_DATA
            self._is_paused = True
            return self._read(line)
        except RemoteProtocolError:
            self._is_paused = True
            if self.state is State.AUTHENTICATING:  # RFC 5034 s4: a response that is not base64 ends the exchange
                self._verb = Verb.RESPONSE
            raise

    def send(self, value: Value) -> bytes:
        """The octets that say `value`. Raises LocalProtocolError where it cannot be said now."""
        if not self._is_paused:
            raise LocalProtocolError("there is nothing to reply to")
        if isinstance(value, Message):  # not behind all others: nothing is said more often
            if self._is_body_open:
                raise LocalProtocolError(_OUT_OF_TURN)
            self._complete(None)
            return b"".join(self._parts(value))
        if self._is_body_open is not isinstance(value, _OF_A_BODY):
            raise LocalProtocolError(_OUT_OF_TURN)
        match value:
            case Reply():
                self._complete(Outcome.ACCEPTED if value.is_ok else Outcome.REFUSED)
                return format_reply(value, self._tongue)
            case Speak(tongue, text):
                self._complete(Outcome.ACCEPTED)
                self._tongue = tongue if tongue.translate is not None else None
                return format_reply(ok(f"{tongue.tag} {tongue.say(text)}"))
            case Messages(each):
                self._complete_all(len(each))
                return b"".join([part for one in each for part in self._parts(one)])
            case Repeated(text, numbers):
                self._complete_all(len(numbers))
                return self._repeat(text, numbers)
            case Listing(text, lines):
                self._complete(None)
                return format_reply(ok(text), self._tongue) + lines + b".\r\n"
            case Opening(text, is_dotted):
                self._is_body_open = True
                self._stuffer = Stuffer() if is_dotted else None
                return self._first_line(text)
            case Chunk(octets):
                return octets if self._stuffer is None else self._stuffer.feed(octets)
            case Closing():
                self._is_body_open = False
                stuffer, self._stuffer = self._stuffer, None
                self._complete(None)
                return b".\r\n" if stuffer is None else stuffer.finish()
            case Challenge(octets):
                self._move(Outcome.CONTINUED)
                self._is_paused = False
                return b"+ " + format_base64(octets) + b"\r\n"

    def _first_line(self, text: Text | int) -> bytes:
        """What comes before a message. In English its size is written without detours: nothing is said more often."""
        if isinstance(text, int):
            if self._tongue is None:
                return b"+OK %d octets\r\n" % text
            text = counted("{count} octet", "{count} octets", text)
        return format_reply(ok(text), self._tongue)

    def _parts(self, message: Message) -> tuple[bytes, ...]:
        """A message as it is sent, with its ending line."""
        octets = message.octets
        if message.is_dotted:
            return self._first_line(message.text), stuff(octets)
        end = b".\r\n" if not octets or octets.endswith(b"\r\n") else b"\r\n.\r\n"
        return self._first_line(message.text), octets, end

    def _repeat(self, text: str, numbers: Sequence[int]) -> bytes:
        if self._tongue is None:
            template = f"+OK {text}\r\n".replace("{number}", "%d")
            return (template * len(numbers) % tuple(numbers)).encode("ascii")
        return b"".join([format_reply(ok(phrase(text, number=number)), self._tongue) for number in numbers])

    def _line_limit(self) -> int:
        """Of a line that is longer than most may be."""
        if self.state is State.AUTHENTICATING or self._lines.starts_with(b"AUTH "):
            return SASL_LIMIT
        return LINE_LIMIT

    def _read(self, line: bytes) -> Command:
        if self.state is State.AUTHENTICATING:
            self._verb = Verb.RESPONSE
            return parse_auth_response(line)
        command = glance(line)
        verb, argument = split_command(line) if command is None else (command.verb, b"")
        if verb not in self._allowed:
            is_user_wanted = verb is Verb.PASS and Verb.USER in self._allowed
            text = "{verb} is not possible now: USER first" if is_user_wanted else NOT_NOW[self.state]
            raise RemoteProtocolError(phrase(text, verb=verb), Fault.WRONG_STATE)
        command = command or parse_command(verb, argument)
        self._verb = verb
        if verb in self._leading:
            self._move(Outcome.RECEIVED)
        elif verb in _RUNS and len(self._lines):
            return self._look_ahead(verb, command)
        return command

    def _look_ahead(self, verb: Verb, command: Command) -> Command:
        """What came behind a command and says the same may be answered with it: a call a command costs too much."""
        self._ahead = b""
        if self._alone > 0:
            self._alone -= 1
            return command
        if not isinstance(command, Dele | Retr):
            return command
        numbers = self._count_on(verb, command.number + 1)
        if not numbers:
            self._ahead = self._lines.match(_RUNS[verb])
            numbers = [int(word) for word in self._ahead.split()[1::2]]
        self._alone = len(numbers)
        return type(command)(command.number, numbers)

    def _count_on(self, verb: Verb, first: int) -> Sequence[int]:
        """The numbers ahead where each is one more than the last, as nearly always: to write what would have been said,
        and compare, takes half the time of reading it."""
        line, most = _NUMBERED[verb]
        if not self._lines.begins_with(line % first):
            return ()
        numbers = range(first, first + min(self._lines.count_ends(), most))
        said = line * len(numbers) % tuple(numbers)
        if numbers.stop > 10**NUMBER_DIGITS or not self._lines.begins_with(said):
            return ()
        self._ahead = said
        return numbers

    def _complete_all(self, count: int) -> None:
        """A run of `count` commands is answered."""
        more = count - 1
        if more > self._alone:
            raise LocalProtocolError("more is answered than was asked")
        if more == self._alone:
            self._lines.drop(len(self._ahead))
        else:
            self._lines.drop(sum(map(len, self._ahead.splitlines(keepends=True)[:more])))
        self._alone = 0
        self._complete(None)

    def _complete(self, outcome: Outcome | None) -> None:
        """The reply is complete: go where it leads, and read on where something may follow.

        None: a reply with a body only informs and leads nowhere, also where its verb could (AUTH for the list).
        """
        verb, self._verb = self._verb, None
        if verb not in self._leading:  # nearly always
            self._is_paused = False
            return
        if self.state is State.GREETING:
            self._enter(State.AUTHORIZATION if outcome is Outcome.ACCEPTED else State.CLOSED)
        elif verb is not None and outcome is not None:
            self._enter(SERVER.next_state(self.state, verb, outcome))
        self._is_paused = self.state is State.CLOSED or self.state is State.HANDSHAKE
        if self.state is State.HANDSHAKE and len(self._lines):
            # RFC 2595 s4: nothing sent before the handshake may be obeyed after it.
            self._enter(State.CLOSED)
            raise RemoteProtocolError("octets before the TLS handshake", Fault.EARLY_DATA, fatal=True)

    def _move(self, outcome: Outcome) -> None:
        if self._verb is not None and self._verb in self._leading:
            self._enter(SERVER.next_state(self.state, self._verb, outcome))

    def _enter(self, state: State) -> None:
        self.state = state
        self._allowed = SERVER.allowed[state]
        self._leading = _LEADING[state]


def _run_of(verb: Verb, most: int) -> re.Pattern[bytes]:
    """Whole lines that say `verb` with a number and nothing else."""
    return re.compile(rb"(?:%b [0-9]{1,10}\r?\n){1,%d}" % (verb.encode(), most), re.IGNORECASE)


_SILENT = (State.GREETING, State.HANDSHAKE, State.CLOSED)
"""States in which no command is read: what is sent there answers none."""

_LEADING: Mapping[State, frozenset[Verb | None]] = {
    **{state: frozenset(v for v in verbs if SERVER.leads(state, v)) for state, verbs in SERVER.allowed.items()},
    **dict.fromkeys(_SILENT, frozenset({None})),
    State.UPDATE: frozenset({Verb.QUIT}),
}
"""The verbs that move the chart, by the state in which they are being answered; None: the greeting does, or nothing."""

_OF_A_BODY = (Chunk, Closing)
_OUT_OF_TURN = "a body is opened, filled and closed, in this order"

_MOST: Mapping[Verb, int] = {Verb.DELE: 1000, Verb.RETR: 16}
"""How much of a pipeline is answered at once: about half a millisecond's work."""

_RUNS: Mapping[Verb, re.Pattern[bytes]] = {verb: _run_of(verb, most) for verb, most in _MOST.items()}
_NUMBERED: Mapping[Verb, tuple[bytes, int]] = {
    verb: (b"%b %%d\r\n" % verb.encode(), most) for verb, most in _MOST.items()
}
