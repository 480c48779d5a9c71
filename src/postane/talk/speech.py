"""One protocol as it is spoken by hand: any line may be said, and the state follows from what comes back.

The machines of `pop3`, `smtp` and so on let nobody say what is wrong; here wrong things are said on purpose. What is
shared is this: lines, commands that wait for their replies, and the chart of states. How a reply ends is each
protocol's own.

Must not know: connections, who speaks.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, ClassVar

from postane.wire.chart import Chart, Outcome

from .base import RESPONSE, Answered, Command, Heard, Tone
from .wire_lines import Piece, WireLines

GATHERED = 64 * 1024 * 1024
"""Octets of one body that are kept, to be shown again or saved."""


class Speech(ABC):
    """One session. `numbers` are the messages that are known to be there, `mechanisms` those of SASL that are offered,
    `body` is that of the last reply that had one (None: it was too large to be kept)."""

    protocol: str
    secrets_of: ClassVar[Mapping[str, int]] = {}
    """By verb: which of its words is the first one that is a secret; the verb is word 0."""

    def __init__(self, chart: Chart[Any, Any], verbs: Iterable[StrEnum]) -> None:
        self.chart = chart
        self.state: StrEnum = chart.initial
        self.is_logged_in = False
        self.is_secured = False  # TLS stands, so that nobody begins it
        self.is_ended = False  # the server has closed its side
        self.numbers: list[int] = []
        self.mechanisms: tuple[str, ...] = ()
        self.mechanism = ""  # what AUTH was said with last
        self.challenge = b""  # the last one, as it came
        self.body: bytes | None = b""
        self._verbs = {verb.value: verb for verb in verbs}
        self._lines = WireLines()
        self._waiting: deque[Command] = deque()
        self._events: deque[Heard | Answered] = deque()
        self._gathered: bytearray | None = bytearray()

    # What is said

    @property
    def known(self) -> frozenset[str]:
        """All the verbs of this protocol."""
        return frozenset(word for word in self._verbs if word.isupper())

    @property
    def verbs(self) -> frozenset[str]:
        """The verbs that are allowed now and make sense."""
        allowed = {verb.value for verb in self.chart.allowed[self.state] if verb.value.isupper()}
        return frozenset(allowed - {"STLS", "STARTTLS"} if self.is_secured else allowed)

    @property
    def is_waiting(self) -> bool:
        """Whether a reply is still to come, or to be told."""
        return bool(self._waiting or self._events)

    @property
    def is_over(self) -> bool:
        """Whether the session has ended."""
        return self.state is self.chart.final

    @property
    def is_shaking(self) -> bool:
        """Whether the server waits for a TLS handshake."""
        return self.state.value == "handshake"

    @property
    def wants_response(self) -> bool:
        """Whether the server waits for a line of a SASL exchange."""
        return self.state.value == "authenticating" and not self._waiting

    @property
    def wants_text(self) -> bool:
        """Whether the server waits for a message, so that every line is one of it."""
        return False

    def say(self, line: str) -> bytes:
        """The octets of a line that somebody types."""
        command = self.parse(line)
        self._waiting.append(command)
        if command.verb == "AUTH":
            self.mechanism = command.argument.partition(" ")[0].upper()
        return encode_line(line)

    def parse(self, line: str) -> Command:
        """What a line means now."""
        if self.wants_response:
            return Command(RESPONSE, line)
        verb, _, argument = line.strip().partition(" ")
        return Command(verb.upper(), argument.strip())

    def secure(self) -> None:
        """TLS stands: nothing from before it is remembered."""
        self.is_secured = True

    # What is heard

    @property
    def trailing(self) -> int:
        """Octets that came and were not looked at."""
        return len(self._lines)

    def feed(self, octets: bytes) -> None:
        """Take what came; b"": the server has closed its side."""
        self._lines.feed(octets)
        self.is_ended = self.is_ended or not octets

    def next_event(self) -> Heard | Answered | None:
        """What is to be told next; None: more must come."""
        while not self._events and not self.is_shaking:
            if self._read_special():
                continue
            if piece := self._lines.next_piece():
                self._read(piece)
            elif self.is_ended and (piece := self._lines.rest()):
                self._hear(piece, Tone.ASTRAY)  # half a line is no reply
            else:
                return None
        return self._events.popleft() if self._events else None

    def _read_special(self) -> bool:
        """Read what is no line; whether there was something."""
        return False

    @abstractmethod
    def _read(self, piece: Piece) -> None:
        """Read a line."""

    def _hear(self, piece: Piece, tone: Tone) -> None:
        self._events.append(Heard(piece.octets, tone, piece.ends))

    def _answer(self, outcome: Outcome | None, verb: str | None = None) -> None:
        """The reply to what waits longest, or to `verb`, is complete."""
        if verb is None:
            verb = self._waiting.popleft().verb
        if outcome is not None:
            self.move(verb, outcome)
        self._events.append(Answered(verb, outcome))

    def move(self, verb: str, outcome: Outcome) -> None:
        """Follow the chart."""
        known = self._verbs.get(verb)
        if known is not None:
            self.state = self.chart.next_state(self.state, known, outcome)

    def gather(self, octets: bytes) -> None:
        """Keep these octets of a body."""
        if self._gathered is None or len(self._gathered) + len(octets) > GATHERED:
            self._gathered = None
        else:
            self._gathered += octets

    def gathered(self) -> bytes:
        """The body is complete: what was kept of it."""
        self.body = None if self._gathered is None else bytes(self._gathered)
        self._gathered = bytearray()
        return self.body or b""


def encode_line(line: str) -> bytes:
    """A line as it is sent."""
    return line.encode("utf-8", "surrogateescape") + b"\r\n"
