"""What TOP shows of a message: its header part, and the first lines of its body (RFC 1939 s7, TOP).

Must not know: where the message comes from.
"""


class TopCutter:
    """Takes a message in pieces and gives the part that TOP shows; any split gives the same octets.

    `header_octets` reach through the empty line that ends the header part; `lines` are lines of the body: the header
    never counts. When `is_done`, nothing more is to be given.
    """

    __slots__ = ("_header_left", "_lines_left", "is_done")

    def __init__(self, header_octets: int, lines: int) -> None:
        self._header_left = header_octets
        self._lines_left = lines
        self.is_done = False

    def feed(self, octets: bytes) -> bytes:
        """The part of the next octets that is shown."""
        cut = min(self._header_left, len(octets))
        self._header_left -= cut
        while self._lines_left and cut < len(octets):
            end = octets.find(b"\n", cut)
            if end < 0:
                return octets
            self._lines_left -= 1
            cut = end + 1
        self.is_done = not self._header_left and not self._lines_left
        return octets[:cut]
