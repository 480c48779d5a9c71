"""LIST and UIDL as one: the number, the size and the unique-id of every message.

RFC 1939 s5 (LIST), s7 (UIDL). The lines come in pieces and go out in pieces. The sizes, eight octets a message, are all
that is kept between the two replies. What a server writes is taken as far as it can be understood: any blanks between
the columns, lines that mean nothing, numbers that only one of the two has.

Must not know: the connection.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import Misbehaved

MESSAGES = 4_000_000
"""Numbers that are believed: a maildrop with more cannot be told from a listing without an end."""

LINE_LIMIT = 64 * 1024
"""Octets of a line that is waited for."""

UIDL_LIMIT = 255
"""Octets of a unique-id; RFC 1939 s7 allows 70."""

DIGITS = 15
"""Of a size that is believed."""

SURPLUS = 16 * 1024 * 1024
"""Octets that a message may have beyond twice the size that it is listed with."""

UNLISTED = 1024 * 1024 * 1024
"""Octets of one whose size was not told."""

_UNKNOWN, _GIVEN = -1, -2  # instead of a size


@dataclass(frozen=True, slots=True)
class Item:
    """A message as the server lists it. `octets` is a hint: 0 where it was not told, and often wrong. `uidl` is None
    where there is none."""

    number: int
    octets: int
    uidl: str | None


def most_believed(octets: int) -> int:
    """Octets after which a message that is listed with so many of them has no end. Servers count line ends as they
    like, and not what they add."""
    return 2 * octets + SURPLUS if octets else UNLISTED


class WholeLines:
    """Pieces in, whole lines out."""

    __slots__ = ("_count", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._count = 0

    def feed(self, octets: bytes) -> bytes:
        """The lines that are complete, with their ends. Raises Misbehaved where there are too many, or one has no
        end."""
        octets = self._rest + octets
        stop = octets.rfind(b"\n") + 1
        self._rest = octets[stop:]
        self._count += octets.count(b"\n")
        if self._count > MESSAGES or len(self._rest) > LINE_LIMIT:
            raise Misbehaved("a listing has no end")
        return octets[:stop]


class Sizes:
    """What LIST tells, by number."""

    __slots__ = ("_lines", "_sizes")

    def __init__(self) -> None:
        self._lines = WholeLines()
        self._sizes = array("q", (_GIVEN,))  # there is no message 0

    @property
    def are_known(self) -> bool:
        """Whether there is any."""
        return len(self._sizes) > 1

    def feed(self, octets: bytes) -> None:
        """Read the next piece. Raises Misbehaved."""
        lines = self._lines.feed(octets)
        if not self._read_in_order(lines.split(), lines.count(b"\n")):
            for line in lines.splitlines():
                self._read(line.split())

    def _read_in_order(self, words: list[bytes], lines: int) -> bool:
        """Whether these were two numbers a line, the first being the next one each time: nearly always."""
        first = len(self._sizes)
        if len(words) != 2 * lines or first + lines > MESSAGES + 1:
            return False
        try:
            if list(map(int, words[::2])) != list(range(first, first + lines)):
                return False
            sizes = array("q", map(int, words[1::2]))
        except (ValueError, OverflowError):
            return False
        if lines and min(sizes) < 0:
            return False
        self._sizes += sizes
        return True

    def _read(self, words: list[bytes]) -> None:
        number = _number(words)
        if number and len(words) > 1 and words[1].isdigit() and len(words[1]) <= DIGITS:
            self._make_room(number)
            self._sizes[number] = int(words[1])

    def _make_room(self, number: int) -> None:
        missing = number + 1 - len(self._sizes)
        if missing > 0:
            self._sizes.extend(array("q", (_UNKNOWN,)) * missing)

    def give(self, number: int) -> int | None:
        """The size of a message, 0 where LIST did not tell it; None where it was given before."""
        self._make_room(number)
        size, self._sizes[number] = self._sizes[number], _GIVEN
        return None if size == _GIVEN else max(size, 0)

    def rest(self) -> Iterator[Item]:
        """Those that LIST has told and that were not given: they have no unique-id."""
        for number, size in enumerate(self._sizes):
            if size >= 0:
                yield Item(number, size, None)


class Joiner:
    """What UIDL tells, joined with the sizes; what only LIST has comes at the end."""

    __slots__ = ("_lines", "_sizes")

    def __init__(self, sizes: Sizes) -> None:
        self._lines = WholeLines()
        self._sizes = sizes

    def feed(self, octets: bytes) -> list[Item]:
        """The messages of the next piece. Raises Misbehaved."""
        items: list[Item] = []
        for line in self._lines.feed(octets).splitlines():
            words = line.split()
            number = _number(words)
            size = self._sizes.give(number) if number else None
            if number and size is not None:
                uidl = words[1].decode("latin-1") if len(words) > 1 and len(words[1]) <= UIDL_LIMIT else None
                items.append(Item(number, size, uidl))
        return items


def _number(words: list[bytes]) -> int:
    """The number that a line begins with; 0 where there is none."""
    if not words or not words[0].isdigit() or len(words[0]) > DIGITS:
        return 0
    number = int(words[0])
    return number if number <= MESSAGES else 0
