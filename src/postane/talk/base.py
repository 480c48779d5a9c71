"""What a conversation by hand is told as: what was said, what was heard, what became of it, and remarks of our own.

Must not know: who listens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from postane.wire.chart import Outcome


class Tone(StrEnum):
    """What a line of the server's is."""

    YES = "yes"
    NO = "no"
    GO_ON = "go on"  # a challenge, or 354
    BODY = "body"  # a line of a reply's body
    ASTRAY = "astray"  # nobody asked for it, or it is no reply at all


class Mood(StrEnum):
    """What a remark of our own is."""

    NOTE = "note"
    DECODED = "decoded"  # what a challenge means
    TEXT = "text"  # what was asked of us: help, a message made readable
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Said:
    """A line of ours, its secrets hidden. `is_typed`: somebody sees it on his screen already."""

    text: str
    is_typed: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """A line of the server's, as it came and without its end; not `is_whole`: it goes on in the next one."""

    octets: bytes
    tone: Tone
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Answered:
    """The reply to `verb` is complete; `outcome` is None where it made no sense."""

    verb: str
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Remark:
    """A line of our own."""

    text: str
    mood: Mood = Mood.NOTE


Told = Said | Heard | Answered | Remark
Tell = Callable[[Told], None]


@dataclass(frozen=True, slots=True)
class Command:
    """What was typed: a verb in capitals, and what follows it as it is."""

    verb: str
    argument: str = ""


RESPONSE, BODY, OPEN = "response", "body", "open"
"""Verbs that have no word: a line of a SASL exchange, a message, the connection itself."""


class Unsuitable(Exception):
    """What somebody at the prompt wants cannot be done now; the text tells him why."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Unanswered(Unsuitable):
    """A password is wanted, and nobody is there to be asked."""


class LoginFailed(Unsuitable):
    """The server has refused a login."""


class Spoilt(Unsuitable):
    """The server breaks the rules, so that nothing it says is worth anything."""
