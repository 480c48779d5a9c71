"""Dot-stuffing both ways, incremental and strict.

A body is ended by a line that holds a single dot; a line of the body that begins with a dot gets one more
(RFC 1939 s3, RFC 5321 s4.5.2). Only CRLF ends a line here: `LF . LF` and its kin are plain octets of the body, which
is what keeps a smuggled second message out.

Must not know: what a message is.
"""

END = b"\r\n.\r\n"
_HELD = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")  # what may still grow into END, longest first


class Stuffer:
    """Body octets in, the same octets as they are sent out.

    Any split gives the same octets. `finish` adds a final CRLF where the body lacks one, and the ending line.
    """

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b"\r\n"  # a body begins at the start of a line

    def feed(self, octets: bytes) -> bytes:
        """The next octets, stuffed."""
        if not octets:
            return b""
        tail = self._tail
        self._tail = (tail + octets[-2:])[-2:]
        return (tail + octets).replace(b"\r\n.", b"\r\n..")[len(tail) :]

    def finish(self) -> bytes:
        """What ends the body."""
        return b".\r\n" if self._tail == b"\r\n" else END


def stuff(body: bytes) -> bytes:
    """A whole body as it is sent, with its ending line."""
    stuffer = Stuffer()
    return stuffer.feed(body) + stuffer.finish()


class Unstuffer:
    """Octets as they were sent in, the body out, up to the line with a single dot.

    Any split gives the same octets. When `is_finished`, `rest` holds what came after the body.
    """

    __slots__ = ("_held", "_virtual", "is_finished", "rest")

    def __init__(self) -> None:
        self._held = b"\r\n"  # not sent by anybody: it marks that a body begins at the start of a line
        self._virtual = 2
        self.is_finished = False
        self.rest = b""

    def feed(self, octets: bytes) -> bytes:
        """The next octets of the body; must not be called once finished."""
        octets = self._held + octets
        end = octets.find(END)
        if end >= 0:
            self.is_finished = True
            self.rest = octets[end + len(END) :]
            self._held = b""
            return self._give(octets[: end + 2])
        self._held = next((held for held in _HELD if octets.endswith(held)), b"")
        return self._give(octets[: len(octets) - len(self._held)])

    def _give(self, octets: bytes) -> bytes:
        octets = octets.replace(b"\r\n.", b"\r\n")
        cut = min(self._virtual, len(octets))
        self._virtual -= cut
        return octets[cut:]
