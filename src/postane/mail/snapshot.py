"""A maildrop as one session sees it: numbers, sizes, UIDLs, delete marks. No I/O.

Message numbers are the client's: 1-based, fixed for the session (RFC 1939 s3, s5). What STAT tells is known at once;
the columns behind LIST and UIDL are filled in when a command first needs them, so that a poll of a large drop costs
nothing.

Must not know: where messages are kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import compress
from types import MappingProxyType
from typing import Protocol, TypeVar

from postane.wire.phrases import phrase

from .listing import number_integers, number_words

ColumnT = TypeVar("ColumnT")

_NO_EXCESS: Mapping[int, int] = MappingProxyType({})
_NO_MARKS: AbstractSet[int] = frozenset()
"""Nothing, once for all: each of its own, as Python makes them, would be 350 octets of a client that is idle."""


class NoSuchMessage(Exception):
    """The number names no message of this snapshot."""

    def __init__(self, number: int, count: int) -> None:
        self.text = phrase("no such message, only {count} in maildrop", count=count)
        super().__init__(str(self.text))
        self.number = number


class MessageIsDeleted(Exception):
    """The message is marked as deleted in this session."""

    def __init__(self, number: int) -> None:
        self.text = phrase("message {number} is deleted", number=number)
        super().__init__(str(self.text))
        self.number = number


class Listings(Protocol):
    """The listings of a whole drop, which a store may keep from one session to the next. Sizes are as stored."""

    def sizes(self) -> bytes:
        """As `Snapshot.list_lines`."""
        ...

    def uidls(self) -> bytes:
        """As `Snapshot.uidl_lines`."""
        ...


class Snapshot:
    """One session's view of a drop.

    `total` messages of `total_octets` were there when it was taken, `last_uid` is the newest of them. `count` and
    `octets` leave out what is marked as deleted (RFC 1939 s5, STAT). Sizes are those of the messages as they are
    stored, until `show_surrogates`; `excess` is by how many octets all surrogates are longer.
    """

    __slots__ = (
        "_deleted", "_excess", "_excesses", "_is_surrogate", "_listings", "_sizes", "_uidls", "_uids",
        "count", "last_uid", "octets", "total", "total_octets",
    )  # fmt: skip

    def __init__(self, total: int, total_octets: int, last_uid: int, excess: int = 0) -> None:
        self.total = self.count = total
        self.total_octets = self.octets = total_octets
        self.last_uid = last_uid
        self._excess = excess
        self._is_surrogate = False
        self._uids: Sequence[int] | None = None
        self._sizes: Sequence[int] = ()
        self._uidls: Sequence[str] = ()
        self._excesses = _NO_EXCESS
        self._listings: Listings | None = None
        self._deleted = _NO_MARKS  # a set of its own with the first mark: most sessions have none

    @property
    def is_loaded(self) -> bool:
        """Whether the columns are there; an empty drop needs none."""
        return self._uids is not None or self.total == 0

    def show_surrogates(self) -> None:
        """Count messages as they are without UTF-8 (`mail.downgrade`). Before anything is marked."""
        if self._deleted or self._is_surrogate:
            raise ValueError("the sizes of this snapshot are in use")
        self._is_surrogate = True
        self.total_octets += self._excess
        self.octets = self.total_octets
        self._lengthen()

    def fill(
        self,
        uids: Sequence[int],
        sizes: Sequence[int],
        uidls: Sequence[str],
        excess: Mapping[int, int] = _NO_EXCESS,
        listings: Listings | None = None,
    ) -> None:
        """Give it its columns, one entry a message, in the order of the numbers; `excess` has uids."""
        if not len(uids) == len(sizes) == len(uidls) == self.total:
            raise ValueError(f"{len(uids)} rows for a snapshot of {self.total} messages")
        self._uids, self._sizes, self._uidls, self._excesses = uids, sizes, uidls, excess
        self._listings = listings
        if self._is_surrogate:
            self._lengthen()

    def _lengthen(self) -> None:
        if self._excesses and self._uids is not None:
            get = self._excesses.get
            self._sizes = [size + get(uid, 0) for uid, size in zip(self._uids, self._sizes, strict=True)]

    def check(self, number: int) -> int:
        """The index of `number` in the columns; raises NoSuchMessage or MessageIsDeleted."""
        if not 1 <= number <= self.total:
            raise NoSuchMessage(number, self.total)
        if number in self._deleted:
            raise MessageIsDeleted(number)
        return number - 1

    def stands(self, number: int) -> bool:
        """Whether there is such a message, and it is not marked as deleted."""
        return 1 <= number <= self.total and number not in self._deleted

    def uid(self, number: int) -> int:
        """The store's own key of message `number`, deleted or not."""
        if self._uids is None:
            raise LookupError("the snapshot's columns are not loaded")
        return self._uids[number - 1]

    def size(self, number: int) -> int:
        """Octets of message `number`; raises NoSuchMessage or MessageIsDeleted."""
        return self._sizes[self.check(number)]

    def uidl(self, number: int) -> str:
        """Unique-id of message `number`; raises NoSuchMessage or MessageIsDeleted."""
        return self._uidls[self.check(number)]

    def delete(self, number: int) -> None:
        """Mark `number` as deleted; raises NoSuchMessage or MessageIsDeleted."""
        size = self._sizes[self.check(number)]
        self._marks().add(number)
        self.count -= 1
        self.octets -= size

    def delete_all(self, numbers: Sequence[int]) -> bool:
        """Mark all of these as deleted, or none: if any is out of range, marked, or there twice. Whether done."""
        if not numbers:
            return True
        is_run = isinstance(numbers, range)
        wanted = set(numbers)
        lowest, highest = (numbers[0], numbers[-1]) if is_run else (min(wanted), max(wanted))
        is_sound = lowest >= 1 and highest <= self.total and len(wanted) == len(numbers)
        if not is_sound or not self._deleted.isdisjoint(wanted):
            return False
        if highest - lowest < len(numbers):  # a run of them, as nearly always
            octets = sum(self._sizes[lowest - 1 : highest])
        else:
            octets = sum(map(self._sizes.__getitem__, map((-1).__add__, numbers)))
        marks = self._marks()
        marks |= wanted
        self.count -= len(numbers)
        self.octets -= octets
        return True

    def _marks(self) -> set[int]:
        marks = self._deleted
        if not isinstance(marks, set):
            marks = self._deleted = set()
        return marks

    def reset(self) -> None:
        """Take all marks away (RFC 1939 s5, RSET)."""
        self._deleted = _NO_MARKS
        self.count = self.total
        self.octets = self.total_octets

    @property
    def is_marked(self) -> bool:
        """Whether anything is marked as deleted."""
        return bool(self._deleted)

    @property
    def deleted(self) -> list[int]:
        """The numbers marked as deleted, ascending."""
        return sorted(self._deleted)

    @property
    def deleted_uids(self) -> Sequence[int]:
        """The store's own keys of these."""
        numbers, uids = self.deleted, self._uids
        if not numbers or uids is None:
            return ()
        if numbers[-1] - numbers[0] < len(numbers):  # a run of them, as nearly always
            return uids[numbers[0] - 1 : numbers[-1]]
        return [uids[number - 1] for number in numbers]

    def list_lines(self) -> bytes:
        """One line for every message that is not deleted: its number and its octets (RFC 1939 s5, LIST)."""
        is_lengthened = self._is_surrogate and self._excesses
        if self._listings is not None and not self._deleted and not is_lengthened:
            return self._listings.sizes()
        return number_integers(self._numbers(), self._left(self._sizes))

    def uidl_lines(self) -> bytes:
        """The same with its unique-id (RFC 1939 s7, UIDL)."""
        if self._listings is not None and not self._deleted:
            return self._listings.uidls()
        return number_words(self._numbers(), self._left(self._uidls))

    def _numbers(self) -> Sequence[int]:
        return self._left(range(1, self.total + 1))

    def _left(self, column: Sequence[ColumnT]) -> Sequence[ColumnT]:
        """A column without what is deleted."""
        if not self._deleted:
            return column
        selectors = bytearray(b"\1") * self.total
        for number in self._deleted:
            selectors[number - 1] = 0
        return list(compress(column, selectors))

    def sizes(self) -> Iterator[tuple[int, int]]:
        """(number, octets) of every message that is not deleted."""
        return self._standing(self._sizes)

    def uidls(self) -> Iterator[tuple[int, str]]:
        """(number, unique-id) of every message that is not deleted."""
        return self._standing(self._uidls)

    def _standing(self, column: Sequence[ColumnT]) -> Iterator[tuple[int, ColumnT]]:
        numbered = enumerate(column, 1)
        return iter(numbered) if not self._deleted else (row for row in numbered if row[0] not in self._deleted)
