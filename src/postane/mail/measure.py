"""What must be known of a message before it is stored, taken while it flows by.

`Measure` is fed the message as it will be stored (CRLF line ends, not stuffed) and gives `Facts`, so that STAT, LIST,
TOP and RETR never have to look at the body again.

Must not know: where the octets go.
"""

import hashlib
import re
from dataclasses import dataclass

from .downgrade import HEADER_LIMIT, downgrade_header

HEADER_SCAN_LIMIT = 1024 * 1024
"""Octets of a header part that are looked at for hops. Each host puts its own in front: none that counts is missed."""

_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a maildrop's index keeps of a message's octets.

    `octets` is the size as POP3 counts it (RFC 1939 s11: CRLF line ends, without stuffed dots); `header_octets`
    reaches through the empty line that ends the header part, or to the end where there is none; `is_dotted` tells
    whether any line begins with a dot; `digest` is the SHA-256 of the octets. `excess` is by how many octets the
    header part is longer where it has to be ASCII (`downgrade`), perhaps negative; None: it is ASCII.
    """

    octets: int
    header_octets: int
    is_dotted: bool
    digest: bytes
    excess: int | None = None


class Measure:
    """Takes a message in pieces; any split gives the same facts."""

    __slots__ = ("_digest", "_excess", "_header", "_is_ascii", "_tail", "header_octets", "hops", "is_dotted", "octets")

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._header: bytearray | None = bytearray()  # None: the header part is over, and counted
        self._excess: int | None = None
        self._is_ascii = True  # the header part so far
        self._tail = b"\r\n"
        self.octets = 0
        self.header_octets = -1
        self.hops = 0  # Received fields in the header part (RFC 5321 s6.3)
        self.is_dotted = False

    def feed(self, octets: bytes) -> None:
        """Take the next octets of the message."""
        if not octets:
            return
        self._digest.update(octets)
        if self.header_octets < 0:
            self._find_header_end(octets)
        if not self.is_dotted:
            self.is_dotted = b"\r\n." in octets or b"\r\n." in self._tail[-2:] + octets[:2]
        self.octets += len(octets)
        self._tail = (self._tail + octets[-3:])[-3:]

    @property
    def ends_with_line(self) -> bool:
        """Whether the last line is complete; true of a message without a line."""
        return self._tail.endswith(b"\r\n")

    def facts(self) -> Facts:
        """The facts about what was fed so far."""
        if self.header_octets < 0:
            self._look_at_header()
        header = self.octets if self.header_octets < 0 else self.header_octets
        return Facts(self.octets, header, self.is_dotted, self._digest.digest(), self._excess)

    def _find_header_end(self, octets: bytes) -> None:
        """The first CRLF CRLF, or a CRLF as the very first octets (a message without header)."""
        joined = self._tail + octets
        at = joined.find(b"\r\n\r\n")
        if at >= 0:
            self.header_octets = self.octets + at + 4 - len(self._tail)
            octets = joined[len(self._tail) : at + 4]
        self._is_ascii = self._is_ascii and octets.isascii()
        if self._header is not None:
            self._header += octets[: HEADER_SCAN_LIMIT - len(self._header)]
        if at >= 0:
            self._look_at_header()

    def _look_at_header(self) -> None:
        if self._header is not None:
            header, self._header = bytes(self._header), None
            self.hops = len(_RECEIVED.findall(header))
            if not self._is_ascii:  # what is over the limit is downgraded octet for octet
                self._excess = len(downgrade_header(header)) - len(header) if len(header) <= HEADER_LIMIT else 0


def measure(octets: bytes) -> Facts:
    """The facts about a whole message."""
    taken = Measure()
    taken.feed(octets)
    return taken.facts()
