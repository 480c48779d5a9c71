"""What came from a server, cut into lines for a person to see, however long they are.

Must not know: what a line means.
"""

from dataclasses import dataclass

PIECE = 16 * 1024
"""Octets of a line that are given at once; a longer one comes in pieces."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some octets of one line, without its end. `is_bare`: it ended with LF alone."""

    octets: bytes
    begins: bool
    ends: bool
    is_bare: bool = False


class WireLines:
    """Octets in, lines out. While `is_strict` only CRLF ends a line, else a lone LF does too."""

    __slots__ = ("_begins", "_buffer", "_start", "is_strict")

    def __init__(self) -> None:
        self._buffer = b""
        self._start = 0
        self._begins = True
        self.is_strict = False

    def __len__(self) -> int:
        """Octets that were fed and not given."""
        return len(self._buffer) - self._start

    def feed(self, octets: bytes) -> None:
        """Append what came."""
        self._buffer = self._buffer[self._start :] + octets
        self._start = 0

    def next_piece(self) -> Piece | None:
        """The next line, or a piece of a long one; None: more must come."""
        end = b"\r\n" if self.is_strict else b"\n"
        found = self._buffer.find(end, self._start, self._start + PIECE + len(end))
        if found < 0:
            return self._given(self.take(PIECE), ends=False) if len(self) > PIECE else None
        line = self._buffer[self._start : found]
        self._start = found + len(end)
        is_bare = not self.is_strict and not line.endswith(b"\r")
        return self._given(line if self.is_strict or is_bare else line[:-1], ends=True, is_bare=is_bare)

    def rest(self) -> Piece | None:
        """What is left when nothing more will come."""
        return self._given(self.take(PIECE), ends=False) if len(self) else None

    def take(self, limit: int) -> bytes:
        """Up to so many octets as they are."""
        octets = self._buffer[self._start : self._start + limit]
        self._start += len(octets)
        return octets

    def _given(self, octets: bytes, *, ends: bool, is_bare: bool = False) -> Piece:
        begins, self._begins = self._begins, ends
        return Piece(octets, begins, ends, is_bare)
