"""Bodies of a peer that writes bare LF where a protocol wants CRLF.

RFC 1939 s3 ends a body with CRLF, a dot and CRLF; there are servers that end every line of theirs with LF alone. Who
knows that of a server may read it by this; for every other one `dots` is right, where `LF . LF` ends nothing.

Must not know: how a peer is found to be one of those.
"""

import re

_END = re.compile(rb"\n\.\r?\n")
_OPEN = re.compile(rb"(?:\n(?:\.\r?)?|\r)\Z")  # what may still grow into an end, or into a CRLF


class BareUnstuffer:
    """What `dots.Unstuffer` is, for lines that end with LF; a CR just before it belongs to the line's end.

    The body's lines come out with CRLF. Any split gives the same octets.
    """

    __slots__ = ("_given", "_held", "is_finished", "rest")

    def __init__(self) -> None:
        # What was seen last and may still be part of an end; as many octets of it as `_given` were given out already.
        self._held, self._given = b"\n", 1
        self.is_finished = False
        self.rest = b""

    def feed(self, octets: bytes) -> bytes:
        """The next octets of the body; must not be called once finished."""
        octets = self._held + octets
        given = self._given
        if end := _END.search(octets):
            self.is_finished = True
            self.rest = octets[end.end() :]
            return _mend(octets[: end.start() + 1], given)
        held = _OPEN.search(octets, max(0, len(octets) - 3))
        self._held = held[0] if held else b""
        self._given = 1 if self._held.startswith(b"\n") else 0
        return _mend(octets[: len(octets) - len(self._held) + self._given], given)


def _mend(octets: bytes, given: int) -> bytes:
    """The lines with their dots taken away and CRLF at their ends; `given`: begins with an LF that is out already."""
    mended = octets.replace(b"\n.", b"\n")[given:]
    return mended.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
