"""The listings of whole drops, kept beside their columns: those of a large drop take 10 ms and more to make.

A drop from which nothing was removed has the listing that it had, and some lines more.

Must not know: where rows come from, and what a session has marked.
"""

from collections import OrderedDict
from collections.abc import Callable

from postane.mail.listing import number_integers, number_words

from .columns import KeptColumns
from .uidls import Uidls, format_uidl

KEPT_FROM = 1000
"""Messages from which on a drop's listings are kept."""

KEPT_OCTETS = 32 * 1024 * 1024
"""Octets of listings that are kept, over all drops: those of six drops with 100,000 messages each."""


class ListingCache:
    """The listings that were asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[int, int, bytes]] = OrderedDict()  # removals, lines, text
        self._octets = 0

    def text(self, key: tuple[str, str], removals: int, lines: int, make: Callable[[int], bytes]) -> bytes:
        """What `key` (a drop's token, and which listing) has after so many removals; `make` gives what comes after so
        many lines."""
        if lines < KEPT_FROM:
            return make(0)
        kept_removals, kept_lines, text = self._kept.get(key, (removals, 0, b""))
        if kept_removals != removals:
            kept_lines, text = 0, b""
        if kept_lines > lines:
            return make(0)  # of a session that began earlier
        if kept_lines < lines:
            text += make(kept_lines)
        self._keep(key, (removals, lines, text))
        return text

    def cut(self, token: str, removals: int, lines: int) -> None:
        """Some messages were deleted from a drop, which was its removal of that number: so many lines stay."""
        for which in ("sizes", "uidls"):
            kept_removals, kept_lines, text = self._kept.get((token, which), (removals, 0, b""))
            if kept_removals != removals - 1:
                continue
            if lines < kept_lines:  # the lines behind have other numbers now
                text = text[: text.find(b"\r\n%d " % (lines + 1)) + 2] if lines else b""
            self._keep((token, which), (removals, min(lines, kept_lines), text))

    def _keep(self, key: tuple[str, str], listing: tuple[int, int, bytes]) -> None:
        self._octets += len(listing[2]) - len(self._kept.pop(key, (0, 0, b""))[2])
        self._kept[key] = listing
        while self._octets > KEPT_OCTETS and len(self._kept) > 1:
            _, (_, _, oldest) = self._kept.popitem(last=False)
            self._octets -= len(oldest)


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
        return number_integers(range(at + 1, len(sizes) + 1), sizes[at:])

    def _uidls_after(self, at: int) -> bytes:
        uids, given = self._columns.uids, self._columns.given
        numbers = range(at + 1, len(uids) + 1)
        if given:
            return number_words(numbers, list(Uidls(self._token, uids[at:], given)))
        return number_integers(numbers, uids[at:], format_uidl(self._token, 0)[:-1].encode("ascii"))
