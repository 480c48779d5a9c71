"""Dot-stuffing both ways, incremental and strict.

A body is ended by a line that holds a single dot; a line of the body that begins with a dot gets one more
(RFC 1939 s3, RFC 5321 s4.5.2). Only CRLF ends a line here: `LF . LF` and its kin are plain octets of the body, which
is what keeps a smuggled second message out.

Must not know: what a message is.
"""

import re

END = b"\r\n.\r\n"
_DOTTED = re.compile(rb"\r\n\.")  # finds the first one in half the time that `find` takes
_SEEN = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")  # what may still grow into END, longest first


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


def has_dotted_line(octets: bytes) -> bool:
    """Whether a line that begins in these octets begins with a dot; the first of them begins none."""
    return b"." in octets and _DOTTED.search(octets) is not None  # coded attachments have no dot at all


def stuff(body: bytes) -> bytes:
    """A whole body as it is sent, with its ending line."""
    stuffer = Stuffer()
    return stuffer.feed(body) + stuffer.finish()


class Unstuffer:
    """Octets as they were sent in, the body out, up to the line with a single dot.

    Any split gives the same octets. When `is_finished`, `rest` holds what came after the body. `is_undotted` tells that
    `has_dotted_line` is false of the octets that were given last: nobody has to look for one again.
    """

    __slots__ = ("_seen", "is_finished", "is_undotted", "rest")

    def __init__(self) -> None:
        # What of END was seen last. Its CRLF has been given out already, or, as now, a body begins at that of a line
        # before it; what follows the CRLF is held back.
        self._seen = b"\r\n"
        self.is_finished = False
        self.is_undotted = True
        self.rest = b""

    def feed(self, octets: bytes) -> bytes:
        """The next octets of the body; must not be called once finished."""
        given = min(len(self._seen), 2)
        if self._seen:
            octets = self._seen + octets
        found = _DOTTED.search(octets) if b"." in octets else None
        self.is_undotted = found is None
        if found is None:
            self._seen = b"\r\n" if octets.endswith(b"\r\n") else octets[-1:] if octets.endswith(b"\r") else b""
            return octets[given:]
        end = octets.find(END, found.start())  # it begins with a dotted line: most often with this one
        if end >= 0:
            self.is_finished = True
            self.rest = octets[end + len(END) :]
            return self._unstuff(octets, end + 2, found.start())[given:]
        self._seen = next((seen for seen in _SEEN if octets.endswith(seen)), b"")
        return self._unstuff(octets, len(octets) - len(self._seen[2:]), found.start())[given:]

    def _unstuff(self, octets: bytes, stop: int, first: int) -> bytes:
        """What stands before `stop`, where the first dotted line begins behind the CRLF at `first`."""
        self.is_undotted = first + 2 >= stop
        return octets[:stop] if self.is_undotted else octets[:stop].replace(b"\r\n.", b"\r\n")
