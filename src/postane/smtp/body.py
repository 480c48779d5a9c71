"""What a message's octets must be, looked at as they flow by.

RFC 5321 s2.3.8 (only CRLF ends a line), s4.5.3.1.6 (long lines), RFC 1870 s6.3 (size). The steps are those of
`wire/crlf`, put in a row; any split of the octets gives the same verdict.

Must not know: where a message ends, or what is answered.
"""

from dataclasses import dataclass
from enum import StrEnum

from postane.wire.crlf import BareCheck, LengthCheck, Mender

from .commands import Verdict


class BareNewlines(StrEnum):
    """What becomes of a CR or LF that stands alone in a message."""

    REFUSE = "refuse"
    CONVERT = "convert"  # each is made a CRLF


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """`message` and `line` are in octets; a line's end is not counted."""

    message: int = 50 * 1024 * 1024
    line: int = 64 * 1024
    bare_newlines: BareNewlines = BareNewlines.REFUSE


class BodyCheck:
    """Takes a message unstuffed, gives what is to be stored.

    Once something is wrong nothing more is given, but everything is still looked at: the verdict does not depend on
    how the octets were split.
    """

    __slots__ = ("_bare", "_length", "_limits", "_mender", "octets")

    def __init__(self, limits: BodyLimits) -> None:
        self._limits = limits
        self._mender = Mender() if limits.bare_newlines is BareNewlines.CONVERT else None
        self._bare = BareCheck()
        self._length = LengthCheck(limits.line)
        self.octets = 0

    def feed(self, octets: bytes) -> bytes:
        """The next octets as they are to be stored."""
        return self._look(octets if self._mender is None else self._mender.feed(octets))

    @property
    def is_mending(self) -> bool:
        """Whether the octets may come out otherwise than they were fed."""
        return self._mender is not None

    def finish(self) -> bytes:
        """What was kept back; from now on the verdict is final."""
        rest = self._look(self._mender.finish()) if self._mender is not None else b""
        self._bare.finish()
        return rest

    @property
    def verdict(self) -> Verdict:
        """What was found so far."""
        if self.octets > self._limits.message:
            return Verdict.TOO_BIG
        if self._length.is_exceeded:
            return Verdict.LONG_LINE
        return Verdict.BARE_NEWLINE if self._bare.has_bare else Verdict.SOUND

    def _look(self, octets: bytes) -> bytes:
        self.octets += len(octets)
        self._length.feed(octets)
        self._bare.feed(octets)
        return octets if self.verdict is Verdict.SOUND else b""
