"""The listings of whole drops, kept beside their columns: those of a large drop take 10 ms and more to make.

A drop from which nothing was removed has the listing that it had, and some lines more. One from which something was
removed has the lines in front of that: they are cut out of the listing when somebody asks for it, not before.

Must not know: where rows come from, and what a session has marked.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from postane.mail.listing import number_ascending, number_integers, number_words

from .columns import KeptColumns
from .uidls import Uidls, format_uidl

KEPT_FROM = 1000
"""Messages from which on a drop's listings are kept."""

KEPT_OCTETS = 48 * 1024 * 1024
"""Octets of listings that are kept, over all drops: those of one of a million messages, or of a dozen of 100,000."""


@dataclass(frozen=True, slots=True)
class KeptListing:
    """The first `lines` lines of a text that may have more of them, as they were after `removals` removals."""

    removals: int
    lines: int = 0
    text: bytes = b""
    has_more: bool = False

    def cut(self) -> bytes:
        """These lines alone."""
        if not self.has_more:
            return self.text
        return self.text[: self.text.find(b"\r\n%d " % (self.lines + 1)) + 2] if self.lines else b""


class ListingCache:
    """The listings that were asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], KeptListing] = OrderedDict()
        self._octets = 0

    def text(self, key: tuple[str, str], removals: int, lines: int, make: Callable[[int], bytes]) -> bytes:
        """What `key` (a drop's token, and which listing) has after so many removals; `make` gives what comes after so
        many lines."""
        if lines < KEPT_FROM:
            return make(0)
        kept = self._kept.get(key)
        if kept is None or kept.removals != removals:
            kept = KeptListing(removals)
        if kept.lines > lines:
            return make(0)  # of a session that began earlier
        text = kept.cut()
        if kept.lines < lines:
            text += make(kept.lines)
        self._keep(key, KeptListing(removals, lines, text))
        return text

    def cut(self, token: str, removals: int, lines: int) -> None:
        """Some messages were deleted from a drop, which was its removal of that number: so many lines stay."""
        for which in ("sizes", "uidls"):
            kept = self._kept.get((token, which))
            if kept is None or kept.removals != removals - 1:
                continue
            if lines < kept.lines:  # the lines behind have other numbers now
                kept = KeptListing(removals, lines, kept.text if lines else b"", has_more=lines > 0)
            else:
                kept = KeptListing(removals, kept.lines, kept.text, kept.has_more)
            self._keep((token, which), kept)

    def _keep(self, key: tuple[str, str], listing: KeptListing) -> None:
        before = self._kept.pop(key, None)
        self._octets += len(listing.text) - (len(before.text) if before else 0)
        self._kept[key] = listing
        while self._octets > KEPT_OCTETS and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._octets -= len(oldest.text)


class DropListings:
    """The Listings of one drop with the columns that a session sees."""

    __slots__ = ("_cache", "_columns", "_token")

    def __init__(self, cache: ListingCache, token: str, columns: KeptColumns) -> None:
        self._cache = cache
        self._token = token
        self._columns = columns

    def sizes(self) -> bytes:
        """One line a message: its number and its octets."""
        return self._text("sizes", self._sizes_after)

    def uidls(self) -> bytes:
        """One line a message: its number and its unique-id."""
        return self._text("uidls", self._uidls_after)

    def _text(self, which: str, make: Callable[[int], bytes]) -> bytes:
        columns = self._columns
        return self._cache.text((self._token, which), columns.removals, len(columns.uids), make)

    def _sizes_after(self, at: int) -> bytes:
        sizes = self._columns.sizes
        return number_integers(range(at + 1, len(sizes) + 1), sizes[at:] if at else sizes)

    def _uidls_after(self, at: int) -> bytes:
        columns = self._columns
        uids = columns.uids[at:] if at else columns.uids
        numbers = range(at + 1, at + len(uids) + 1)
        if columns.given:
            return number_words(numbers, list(Uidls(self._token, uids, columns.given)))
        return number_ascending(numbers, uids, format_uidl(self._token, 0)[:-1].encode("ascii"))
