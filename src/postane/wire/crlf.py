"""Line ends as composable steps: find the bare ones, mend them, measure the longest line.

A message on the wire has CRLF line ends and nothing else (RFC 5322 s2.3: CR and LF only together). Each class takes a
body in pieces; any split gives the same result.

Must not know: what is done about what was found.
"""

import io

PIECE = 16 * 1024
"""Octets that are looked at in one step: text of them is made in memory that is at hand, where that of a large chunk
takes memory which the system has to clear first."""


class BareCheck:
    """Finds a CR or LF that stands alone.

    A CR at the very end of the body is bare too: `has_bare` is only final after `finish`.
    """

    __slots__ = ("_kinds",)

    def __init__(self) -> None:
        # It tells which line ends it has seen in one pass in C, at a quarter of what counting CRLF, CR and LF costs.
        self._kinds = io.IncrementalNewlineDecoder(None, translate=False)

    @property
    def has_bare(self) -> bool:
        """Whether one was found so far."""
        kinds = self._kinds.newlines
        return kinds is not None and kinds != "\r\n"

    def feed(self, octets: bytes) -> None:
        """Look at the next octets."""
        decode = self._kinds.decode
        if len(octets) <= PIECE:
            decode(octets.decode("latin-1"))
            return
        view = memoryview(octets)
        for at in range(0, len(octets), PIECE):
            decode(str(view[at : at + PIECE], "latin-1"))

    def finish(self) -> None:
        """The body is complete."""
        self._kinds.decode("", final=True)


class Mender:
    """Makes every bare CR and every bare LF a CRLF."""

    __slots__ = ("_ends_in_cr",)

    def __init__(self) -> None:
        self._ends_in_cr = False

    def feed(self, octets: bytes) -> bytes:
        """The next octets, mended; a CR at their end is kept back until it is known what follows."""
        if self._ends_in_cr:
            octets = b"\r" + octets
        self._ends_in_cr = octets.endswith(b"\r")
        if self._ends_in_cr:
            octets = octets[:-1]
        return _mend(octets)

    def finish(self) -> bytes:
        """What was kept back."""
        held, self._ends_in_cr = self._ends_in_cr, False
        return b"\r\n" if held else b""


def _mend(octets: bytes) -> bytes:
    check = BareCheck()
    check.feed(octets)
    check.finish()
    if not check.has_bare:
        return octets
    return octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


class LengthCheck:
    """Tells whether a line is longer than `limit` octets, its line end not counted.

    A line ends with LF or with the body; a CR just before that belongs to the line end.
    """

    __slots__ = ("_ends_in_cr", "_length", "_limit", "is_exceeded")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._length = 0  # octets since the last LF
        self._ends_in_cr = False
        self.is_exceeded = False

    def feed(self, octets: bytes) -> None:
        """Look at the next octets."""
        if not octets:
            return
        if self._length + len(octets) > self._limit and self._has_long_line(octets):
            self.is_exceeded = True
        last = octets.rfind(b"\n")
        self._length = self._length + len(octets) if last < 0 else len(octets) - last - 1
        self._ends_in_cr = octets.endswith(b"\r")

    def _has_long_line(self, octets: bytes) -> bool:
        start = -self._length  # where the line begins that is looked at
        while len(octets) - start > self._limit:
            # The last LF within the limit ends a run of short lines: they need not be looked at one by one.
            end = octets.rfind(b"\n", max(start, 0), start + self._limit + 1)
            if end < 0:
                end = octets.find(b"\n", max(start, 0))
                stop = len(octets) if end < 0 else end
                has_cr = octets[stop - 1] == 0x0D if stop else self._ends_in_cr
                if stop - has_cr - start > self._limit:
                    return True
                if end < 0:
                    return False
            start = end + 1
        return False
