"""The columns of a drop's messages in eight octets an entry, kept for the next poll of a drop that did not change.

Nothing here is done for each message of a large drop but to read it for the first time.

Must not know: where rows come from.
"""

import json
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .errors import StoreDamaged
from .pieces import PIECE, appended, column, pieces_of
from .sides import Totals

KEPT_ENTRIES = 2_000_000
"""Messages whose columns are kept (32 MB), over all drops: those of a huge one beside many others."""

RANGES = 1000
"""Runs of messages that are taken out of what is kept: with many more it is read anew in the same time."""

STALE = 2
"""So many times what a drop has may be remembered of single messages, before what was deleted is left out."""

ValueT = TypeVar("ValueT")

Query = Callable[[str, Sequence[object]], Iterable[Any]]

_NEXT = "SELECT min(uid) FROM message WHERE uid > ? AND uid <= ?"
_RUN = "SELECT json_group_array(octets) FROM (SELECT octets FROM message WHERE uid > ? AND uid <= ? ORDER BY uid)"
_COLUMNS = (
    "SELECT json_group_array(uid), json_group_array(octets)"
    " FROM (SELECT uid, octets FROM message WHERE uid > ? AND uid <= ? ORDER BY uid LIMIT ?)"
)
_EXCESS = "SELECT uid, excess FROM message INDEXED BY message_excess WHERE excess IS NOT NULL AND uid > ? AND uid <= ?"
_GIVEN = "SELECT uid, uidl FROM message INDEXED BY message_uidl WHERE uidl IS NOT NULL AND uid > ? AND uid <= ?"


@dataclass(frozen=True, slots=True)
class KeptColumns:
    """The messages up to `last_uid`, as they were after `removals` removals. Never changed: sessions share it.

    `given` and `excess` are by uid, and may tell of some that were deleted: no uid is ever used again.
    """

    removals: int
    last_uid: int = 0
    uids: Sequence[int] = field(default_factory=lambda: array("Q"))
    sizes: Sequence[int] = field(default_factory=lambda: array("Q"))
    given: Mapping[int, str] = field(default_factory=dict)
    excess: Mapping[int, int] = field(default_factory=dict)


def extend(kept: KeptColumns, totals: Totals, query: Query) -> KeptColumns:
    """Add the messages that came since. Raises what `query` raises, and StoreDamaged."""
    span = (kept.last_uid, totals.last_uid)
    given, excess = dict(query(_GIVEN, span)), dict(query(_EXCESS, span))
    uids, sizes = _read(kept, totals.last_uid, query)
    return KeptColumns(
        totals.removals,
        totals.last_uid,
        uids,
        sizes,
        {**kept.given, **given} if given else kept.given,
        {**kept.excess, **excess} if excess else kept.excess,
    )


def _read(kept: KeptColumns, last: int, query: Query) -> tuple[Sequence[int], Sequence[int]]:
    """The columns with what came after them, a piece at a time.

    SQLite writes all numbers of a piece as one text: that takes a third of the time of a row for each of them. Most
    uids follow each other, and need not be read then: as many sizes as there can be uids are those of all of them.
    """
    uids, sizes, after, is_run = kept.uids, kept.sizes, kept.last_uid, True
    while after < last:
        ((first,),) = query(_NEXT, (after, last))
        if first is None:
            break
        end = min(first + PIECE - 1, last)
        if is_run:
            ((text,),) = query(_RUN, (first - 1, end))
            more, octets = array("Q", range(first, end + 1)), _numbers(text)
            is_run = len(octets) == len(more)
        if not is_run:
            ((names, text),) = query(_COLUMNS, (first - 1, last, PIECE))
            more, octets = _numbers(names), _numbers(text)
            end = more[-1] if len(more) == PIECE else last
            is_run = _ends_as_run(more)
        uids, sizes, after = appended(uids, more), appended(sizes, octets), end
    return uids, sizes


def _ends_as_run(uids: "array[int]") -> bool:
    """Whether the last half of them follow each other: then those that come next may do so too."""
    half = len(uids) // 2
    return bool(uids) and uids[-1] - uids[half] == len(uids) - 1 - half


def _numbers(text: str) -> "array[int]":
    try:
        return array("Q", json.loads(text))
    except (TypeError, OverflowError) as error:
        raise StoreDamaged("maildrop is damaged", f"its index has a message without a sound size: {error}") from error


def without(kept: KeptColumns, ranges: Sequence[tuple[int, int]], removals: int) -> KeptColumns:
    """Take the messages of some ranges away, which ascend."""
    uids, sizes = pieces_of(kept.uids), pieces_of(kept.sizes)
    low, high = (bisect_right(uids, uid, key=_first_of) for uid in (ranges[0][0], ranges[-1][1]))
    low = max(low - 1, 0)  # what it begins in begins before it
    left = [
        _left(some_uids, some_sizes, ranges)
        for some_uids, some_sizes in zip(uids[low:high], sizes[low:high], strict=True)
    ]
    now_uids = column([*uids[:low], *(some for some, _ in left if some), *uids[high:]])
    now_sizes = column([*sizes[:low], *(some for _, some in left if some), *sizes[high:]])
    given, excess = _fresh(now_uids, kept.given), _fresh(now_uids, kept.excess)
    return KeptColumns(removals, kept.last_uid, now_uids, now_sizes, given, excess)


def _first_of(uids: "array[int]") -> int:
    return uids[0]


def _left(
    uids: "array[int]", sizes: "array[int]", ranges: Sequence[tuple[int, int]]
) -> "tuple[array[int], array[int]]":
    """What is in none of the ranges."""
    some_uids, some_sizes, at = array("Q"), array("Q"), 0
    for first, last in ranges[bisect_left(ranges, uids[0], key=_last_of) :]:
        low = bisect_left(uids, first, at)
        some_uids += uids[at:low]
        some_sizes += sizes[at:low]
        at = bisect_right(uids, last, low)
        if at == len(uids):
            break
    return some_uids + uids[at:], some_sizes + sizes[at:]


def _last_of(span: tuple[int, int]) -> int:
    return span[1]


def _fresh(uids: Sequence[int], known: Mapping[int, ValueT]) -> Mapping[int, ValueT]:
    """What is known of single messages, without those that are not there any more when these are too many."""
    if len(known) <= STALE * len(uids):
        return known
    return {uid: value for uid, value in known.items() if _has(uids, uid)}


def _has(uids: Sequence[int], uid: int) -> bool:
    at = bisect_left(uids, uid)
    return at < len(uids) and uids[at] == uid


class ColumnCache:
    """The columns of the drops that were read last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, KeptColumns] = OrderedDict()
        self._entries = 0

    def get(self, token: str, totals: Totals) -> KeptColumns:
        """What is known of the drop with that token, perhaps nothing; never anything newer than `totals`."""
        kept = self._kept.get(token)
        if kept is None or kept.removals != totals.removals or kept.last_uid > totals.last_uid:
            return KeptColumns(totals.removals)
        if kept.last_uid == totals.last_uid and len(kept.uids) != totals.messages:
            return KeptColumns(totals.removals)  # never seen; what is kept is not believed where it cannot be right
        self._kept.move_to_end(token)
        return kept

    def remove(self, token: str, ranges: Sequence[tuple[int, int]], removals: int) -> int:
        """Some messages were deleted, which was the drop's removal of that number; how many before them are kept.

        Where another removal came before, what is kept stays behind, and is not given any more.
        """
        kept = self._kept.get(token)
        if kept is None or kept.removals != removals - 1 or not 0 < len(ranges) <= RANGES:
            return 0
        self.put(token, without(kept, ranges, removals))
        return bisect_left(kept.uids, ranges[0][0])

    def put(self, token: str, columns: KeptColumns) -> None:
        """Keep the columns of a drop."""
        if token in self._kept:
            self._entries -= len(self._kept.pop(token).uids)
        self._kept[token] = columns
        self._entries += len(columns.uids)
        while self._entries > KEPT_ENTRIES and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._entries -= len(oldest.uids)
