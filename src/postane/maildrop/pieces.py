"""A long column of numbers in pieces: whoever makes another one of it shares all of them but those that change.

A column is never changed, as sessions share it. Up to PIECE entries it is one array, which is quicker to look into; to
take one entry out of a million, or to put one behind them, copies a piece and not sixteen megabytes.

Must not know: what is counted.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from typing import overload

PIECE = 8192
"""Entries of a piece at most: 64 KiB, which are copied in 5 us, and for which no memory is asked of the system."""


class Pieces(Sequence[int]):
    """The entries of some arrays, none of which is empty, one after the other."""

    __slots__ = ("_starts", "pieces")

    def __init__(self, pieces: "Sequence[array[int]]") -> None:
        self.pieces = pieces
        self._starts = list(accumulate(map(len, pieces), initial=0))

    def __len__(self) -> int:
        return self._starts[-1]

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return self._sliced(range(*index.indices(len(self))))
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):
            raise IndexError(index)
        piece = bisect_right(self._starts, at) - 1
        return self.pieces[piece][at - self._starts[piece]]

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self.pieces)

    def _sliced(self, wanted: range) -> "array[int]":
        if wanted.step != 1:
            return array("Q", map(self.__getitem__, wanted))
        found = array("Q")
        piece = bisect_right(self._starts, wanted.start) - 1
        while len(found) < len(wanted):
            begin = wanted.start + len(found) - self._starts[piece]
            found += self.pieces[piece][begin : begin + len(wanted) - len(found)]
            piece += 1
        return found


def column(pieces: "Sequence[array[int]]") -> Sequence[int]:
    """The column that is made of them, of which none is empty."""
    if len(pieces) == 1:
        return pieces[0]
    some = Pieces(pieces)
    return some if len(some) > PIECE else array("Q", some)


def pieces_of(entries: Sequence[int]) -> "Sequence[array[int]]":
    """What a column is made of: none of them is empty."""
    if isinstance(entries, Pieces):
        return entries.pieces
    return [entries if isinstance(entries, array) else array("Q", entries)] if entries else []


def appended(entries: Sequence[int], more: "array[int]") -> Sequence[int]:
    """A column with some entries more."""
    *pieces, last = pieces_of(entries) or [array("Q")]
    room = max(PIECE - len(last), 0)
    rest = [more[at : at + PIECE] for at in range(room, len(more), PIECE)]
    return column([*pieces, last + more[:room], *rest])
