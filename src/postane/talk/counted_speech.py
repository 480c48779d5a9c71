"""POP2 and POP1 as they are spoken by hand: replies of one line, and bodies whose octets are counted.

RFC 937 s(Definitions of Commands and Replies), RFC 918 s(Definitions of Commands and Replies).

Must not know: connections.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, ClassVar

from postane.pop1 import commands as pop1_commands
from postane.pop1 import states as pop1_states
from postane.pop2 import commands as pop2_commands
from postane.pop2 import states as pop2_states
from postane.wire.chart import Chart, Outcome

from .base import OPEN, Command, Tone
from .speech import Speech
from .wire_lines import Piece, WireLines

_LENGTH = re.compile(rb"[#=]([0-9]{1,15})(?: |$)")


class CountedSpeech(Speech):
    """`length` is what the server last told of the body that may be asked for."""

    asks: ClassVar[str]
    """The verb that is answered by a body, and by nothing else."""

    def __init__(self, chart: Chart[Any, Any], verbs: Iterable[StrEnum]) -> None:
        super().__init__(chart, verbs)
        self.length = 0
        self._left: int | None = None  # octets of a body that is coming
        self._body_lines = WireLines()

    def _comes(self) -> bool:
        """Whether what comes next is a body."""
        return (
            bool(self._waiting)
            and self._waiting[0].verb == self.asks
            and self.chart.permits(self.state, self._verbs[self.asks])
        )

    def _read_special(self) -> bool:
        if self._left is None:
            if not self._comes():
                return False
            self._left = self.length
        octets = self._lines.take(self._left)
        if not octets and self._left and not self.is_ended:
            return False
        self._left -= len(octets)
        self.gather(octets)
        self._body_lines.feed(octets)
        while piece := self._body_lines.next_piece():
            self._hear(piece, Tone.BODY)
        if not self._left or self.is_ended:
            self._end_body()
        return True

    def _end_body(self) -> None:
        while piece := self._body_lines.rest():
            self._hear(piece, Tone.BODY)
        is_whole, self._left = not self._left, None
        self._body_lines = WireLines()
        self.gathered()
        self._answer(Outcome.ACCEPTED if is_whole else None)

    def _read(self, piece: Piece) -> None:
        outcome = _judge(piece.octets) if piece.begins else None
        is_asked = self.state is self.chart.initial or bool(self._waiting)
        if not is_asked or outcome is None:
            self._hear(piece, Tone.ASTRAY)
            if is_asked:
                self._answer(None, None if self._waiting else OPEN)
            return
        self._hear(piece, Tone.YES if outcome is Outcome.ACCEPTED else Tone.NO)
        found = _LENGTH.match(piece.octets)
        verb = OPEN if self.state is self.chart.initial else None  # before a refusal ends the session
        self._learn(int(found[1]) if found else 0, outcome)
        self._answer(outcome, verb)

    def _learn(self, number: int, outcome: Outcome) -> None:
        """What a reply tells."""
        self.length = number


class Pop2Speech(CountedSpeech):
    """A refusal ends the session."""

    protocol = "POP2"
    asks = "RETR"
    secrets_of: ClassVar[Mapping[str, int]] = {"HELO": 2}

    def __init__(self) -> None:
        super().__init__(pop2_states.SERVER, pop2_commands.Verb)

    def _comes(self) -> bool:
        return self.length > 0 and super()._comes()

    def _learn(self, number: int, outcome: Outcome) -> None:
        verb = self._waiting[0].verb if self._waiting else OPEN
        self.length = 0
        if outcome is Outcome.REFUSED:
            self.state = self.chart.final
        elif verb in ("HELO", "FOLD"):
            self.is_logged_in, self.numbers = True, list(range(1, min(number, 100_000) + 1))
        else:
            self.length = number


class Pop1Speech(CountedSpeech):
    """RECV is another name of RCEV: the RFC has both."""

    protocol = "POP1"
    asks = "RCEV"
    secrets_of: ClassVar[Mapping[str, int]] = {"PASS": 1}

    def __init__(self) -> None:
        super().__init__(pop1_states.SERVER, pop1_commands.Verb)

    def parse(self, line: str) -> Command:
        """See Speech."""
        command = super().parse(line)
        return Command("RCEV") if command.verb == "RECV" else command

    def _learn(self, number: int, outcome: Outcome) -> None:
        super()._learn(number, outcome)
        if self._waiting and self._waiting[0].verb == "PASS" and outcome is Outcome.ACCEPTED:
            self.is_logged_in = True


def _judge(line: bytes) -> Outcome | None:
    if line[:1] == b"-":
        return Outcome.REFUSED
    return Outcome.ACCEPTED if line[:1] == b"+" or _LENGTH.match(line) else None
