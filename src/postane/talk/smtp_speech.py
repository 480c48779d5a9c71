"""SMTP and LMTP as they are spoken by hand.

RFC 5321 s4.2 (replies), RFC 2033 s4.2 (LMTP: a reply for each recipient), RFC 3207 s4 (STARTTLS), RFC 4954 s4 (AUTH),
RFC 3030 s2 (BDAT). The lines of a message are sent as they are typed, up to the single dot.

Must not know: connections.
"""

from collections.abc import Mapping
from typing import ClassVar

from postane.smtp.client_grammar import Extensions, ReplyLine, join_reply, parse_extensions, parse_reply_line
from postane.smtp.commands import Verb
from postane.smtp.states import CHARTS, Dialect, State
from postane.wire.chart import Outcome
from postane.wire.errors import RemoteProtocolError

from .base import BODY, OPEN, Command, Tone
from .speech import Speech, encode_line
from .wire_lines import Piece

SERVICE_CLOSING = 421

_OFFERED = {"BDAT": "CHUNKING", "XCLIENT": "XCLIENT"}
_OUTCOMES = {2: Outcome.ACCEPTED, 3: Outcome.CONTINUED, 4: Outcome.REFUSED, 5: Outcome.REFUSED}
_TONES = {Outcome.ACCEPTED: Tone.YES, Outcome.CONTINUED: Tone.GO_ON, Outcome.REFUSED: Tone.NO}


class SmtpSpeech(Speech):
    """`extensions` are what the server has said to EHLO or LHLO, None: that was not said."""

    protocol = "SMTP"
    secrets_of: ClassVar[Mapping[str, int]] = {"AUTH": 2}

    def __init__(self, dialect: Dialect = Dialect.SMTP) -> None:
        super().__init__(CHARTS[dialect], Verb)
        self.protocol = dialect.value
        self._dialect = dialect
        self.extensions: Extensions | None = None
        self._reply: list[ReplyLine] = []
        self._recipients = 0
        self._chunk = 0  # octets of a BDAT that are still to be typed

    @property
    def is_lmtp(self) -> bool:
        """Which of the two is spoken."""
        return self._dialect is Dialect.LMTP

    @property
    def verbs(self) -> frozenset[str]:
        """See Speech; some verbs are only for servers that offer them."""
        offered = self.extensions or Extensions()
        return super().verbs - {verb for verb, keyword in _OFFERED.items() if keyword not in offered}

    @property
    def hello(self) -> str:
        """How one introduces oneself."""
        return "LHLO" if self.is_lmtp else "EHLO"

    @property
    def wants_text(self) -> bool:
        """See Speech."""
        return self._chunk > 0 or (self.state is State.DATA and not self._waiting)

    @property
    def is_waiting(self) -> bool:
        """See Speech: what belongs to a BDAT is to be typed first."""
        return super().is_waiting and not self._chunk

    def secure(self) -> None:
        """RFC 3207 s4.2: what was known is discarded."""
        super().secure()
        self.state, self.extensions, self.mechanisms = State.GREETED, None, ()

    def say(self, line: str) -> bytes:
        """See Speech."""
        if self._chunk:
            octets = encode_line(line)[: self._chunk]
            self._chunk -= len(octets)
            return octets
        if self.wants_text:
            if line == ".":
                self._expect(Command(BODY))
            return encode_line(line)
        octets = super().say(line)
        command = self._waiting[-1]
        if command.verb == "BDAT":
            self._begin_chunk(command)
        return octets

    def say_message(self, octets: bytes) -> bytes:
        """Octets of a message, stuffed and ended already, in place of what would be typed."""
        self._expect(Command(BODY))
        return octets

    def _expect(self, command: Command) -> None:
        """RFC 2033 s4.2: in LMTP each recipient that was accepted has its reply."""
        count = self._recipients if self.is_lmtp else 1
        self._waiting.extend([command] * count)
        if not count:
            self.state = State.READY

    def _begin_chunk(self, command: Command) -> None:
        """RFC 3030 s2: so many octets follow, and the reply only then."""
        size, _, last = command.argument.upper().partition(" ")
        self._chunk = int(size) if size.isdigit() and len(size) < 10 else 0
        self.move("BDAT", Outcome.RECEIVED)
        if last.strip() == "LAST":
            self._waiting.pop()
            self._expect(Command(BODY))

    def _read(self, piece: Piece) -> None:
        if not piece.begins:
            self._hear(piece, Tone.ASTRAY)
            return
        try:
            line = parse_reply_line(piece.octets)
        except RemoteProtocolError:
            self._lose(piece)
            return
        outcome = _OUTCOMES[line.code // 100]
        is_farewell = line.code == SERVICE_CLOSING
        is_asked = bool(self._waiting) or self.state is State.GREETING or is_farewell
        self._hear(piece, _TONES[outcome] if is_asked else Tone.ASTRAY)
        self._reply.append(line)
        if line.is_last:
            lines, self._reply = self._reply, []
            if is_asked:
                self._conclude(lines, outcome)

    def _lose(self, piece: Piece) -> None:
        self._hear(piece, Tone.ASTRAY)
        self._reply = []
        if self._waiting or self.state is State.GREETING:
            self._answer(None, None if self._waiting else OPEN)

    def _conclude(self, lines: list[ReplyLine], outcome: Outcome) -> None:
        code = lines[-1].code
        if self.state is State.GREETING:
            self.move(Verb.CONNECT, outcome)
            self._answer(outcome, OPEN)
        elif self._waiting:
            command = self._waiting[0]
            self._follow(command, lines, outcome)
            self._waiting.popleft()
            self._answer(outcome, command.verb)
        if code == SERVICE_CLOSING:
            self.state = State.CLOSED

    def _follow(self, command: Command, lines: list[ReplyLine], outcome: Outcome) -> None:
        """What a reply tells, and where it leads beside the chart."""
        is_accepted = outcome is Outcome.ACCEPTED
        match command.verb:
            case "AUTH" | "response" if outcome is Outcome.CONTINUED:
                self.challenge, self.state = lines[-1].text, State.AUTHENTICATING
            case "DATA" if outcome is Outcome.CONTINUED:
                self.state = State.DATA  # RFC 2920 s3.1: be it that no recipient was accepted
            case "AUTH" | "response":
                self.is_logged_in = self.is_logged_in or is_accepted
            case "RCPT" if is_accepted:
                self._recipients += 1
            case "MAIL" | "RSET" | "body":
                self._recipients = 0
            case "EHLO" | "LHLO" if is_accepted:
                self._recipients = 0
                self._learn(lines)

    def _learn(self, lines: list[ReplyLine]) -> None:
        try:
            self.extensions = parse_extensions(join_reply(lines))
        except RemoteProtocolError:  # its lines do not agree
            return
        self.mechanisms = self.extensions.mechanisms
