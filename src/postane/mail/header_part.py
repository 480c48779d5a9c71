"""The header part of a message that flows by: where it ends, and what is in it.

RFC 5322 s2.1 (an empty line ends it), RFC 5321 s6.3 (Received fields tell a loop).

Must not know: what is asked about it.
"""

import re

END = b"\r\n\r\n"
_RECEIVED = re.compile(rb"\nreceived[ \t]*:")


class HeaderPart:
    """Takes a message in pieces, as much of it as is needed; any split finds the same.

    `octets` reach through the empty line that ends the header part, once it `is_over`; `kept` are the first of them, as
    many as the limit allows.
    """

    __slots__ = ("_limit", "_tail", "is_ascii", "is_over", "kept", "octets")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tail = b"\r\n"  # a CRLF as the very first octets: a message without header
        self.kept = bytearray()
        self.octets = 0
        self.is_ascii = True
        self.is_over = False

    def feed(self, octets: bytes) -> None:
        """Take the next octets of the message, which are its body's once the header part is over."""
        if self.is_over:
            return
        tail = self._tail
        at = (tail + octets[:3]).find(END)
        end = octets.find(END) + 4 if at < 0 else at + 4 - len(tail)
        if end >= 4 or at >= 0:
            self.is_over = True
            octets = octets[:end]
        else:
            self._tail = (tail + octets[-3:])[-3:]
        self.octets += len(octets)
        self.is_ascii = self.is_ascii and octets.isascii()
        self.kept += octets[: max(self._limit - len(self.kept), 0)]


def count_hops(header: bytes) -> int:
    """How many Received fields there are: each host on the way puts its own in front (RFC 5321 s6.3)."""
    return len(_RECEIVED.findall(b"\n" + header.lower()))
