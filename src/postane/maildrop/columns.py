"""The columns of a drop's messages in eight octets an entry, kept for the next poll of a drop that did not change.

Must not know: where rows come from.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from .sides import Totals

KEPT_ENTRIES = 1_000_000
"""Messages whose columns are kept (16 MB), over all drops."""

RANGES = 1000
"""Runs of messages that are taken out of what is kept: with many more it is read anew in the same time."""

Query = Callable[[str, Sequence[object]], Iterable[Any]]

_COLUMNS = "SELECT uid, octets FROM message WHERE uid > ? AND uid <= ? ORDER BY uid"
_EXCESS = "SELECT uid, excess FROM message INDEXED BY message_excess WHERE excess IS NOT NULL AND uid > ? AND uid <= ?"
_GIVEN = "SELECT uid, uidl FROM message INDEXED BY message_uidl WHERE uidl IS NOT NULL AND uid > ? AND uid <= ?"


@dataclass(frozen=True, slots=True)
class KeptColumns:
    """The messages up to `last_uid`, as they were after `removals` removals. Never changed: sessions share it."""

    removals: int
    last_uid: int = 0
    uids: "array[int]" = field(default_factory=lambda: array("Q"))
    sizes: "array[int]" = field(default_factory=lambda: array("Q"))
    given: Mapping[int, str] = field(default_factory=dict)
    excess: Mapping[int, int] = field(default_factory=dict)


def extend(kept: KeptColumns, totals: Totals, query: Query) -> KeptColumns:
    """Add the messages that came since."""
    span = (kept.last_uid, totals.last_uid)
    both = array("Q", chain.from_iterable(query(_COLUMNS, span)))
    return KeptColumns(
        totals.removals,
        totals.last_uid,
        kept.uids + both[::2],
        kept.sizes + both[1::2],
        {**kept.given, **dict(query(_GIVEN, span))},
        {**kept.excess, **dict(query(_EXCESS, span))},
    )


def without(kept: KeptColumns, ranges: Sequence[tuple[int, int]], removals: int) -> KeptColumns:
    """Take the messages of some ranges away, which ascend."""
    uids, sizes, at = array("Q"), array("Q"), 0
    for first, last in ranges:
        low = bisect_left(kept.uids, first, at)
        uids += kept.uids[at:low]
        sizes += kept.sizes[at:low]
        at = bisect_right(kept.uids, last, low)
    uids += kept.uids[at:]
    sizes += kept.sizes[at:]
    given = {uid: uidl for uid, uidl in kept.given.items() if _has(uids, uid)}
    excess = {uid: octets for uid, octets in kept.excess.items() if _has(uids, uid)}
    return KeptColumns(removals, kept.last_uid, uids, sizes, given, excess)


def _has(uids: "array[int]", uid: int) -> bool:
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
