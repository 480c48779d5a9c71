"""Listings that are kept: made once, lengthened when mail comes, made anew when something goes, bounded."""

import itertools
from array import array

import pytest

from postane.maildrop import listings
from postane.maildrop.columns import KeptColumns
from postane.maildrop.listings import DropListings, ListingCache


class CountingCache(ListingCache):
    """A cache that notes from which line on something was made."""

    def __init__(self):
        super().__init__()
        self.made = []

    def text(self, key, removals, lines, make):
        return super().text(key, removals, lines, lambda at: self.made.append((key[1], at)) or make(at))


def columns(first, last, removals=0, given=()):
    uids = array("Q", range(first, last + 1))
    return KeptColumns(removals, last, uids, array("Q", [uid * 10 for uid in uids]), dict(given))


def lists(cache, drop, token="token"):
    both = DropListings(cache, token, drop)
    uidls = [drop.given.get(uid, f"{token}.{uid}") for uid in drop.uids]
    assert both.sizes() == b"".join(b"%d %d\r\n" % row for row in enumerate(drop.sizes, 1))
    assert both.uidls() == "".join(f"{number} {uidl}\r\n" for number, uidl in enumerate(uidls, 1)).encode()


@pytest.fixture
def cache(monkeypatch):
    monkeypatch.setattr(listings, "KEPT_FROM", 5)
    return CountingCache()


def test_those_of_a_large_drop_are_made_once_and_lengthened(cache):
    for last in (7, 7, 9):
        lists(cache, columns(1, last))
    assert cache.made == [("sizes", 0), ("uidls", 0), ("sizes", 7), ("uidls", 7)]


def test_those_of_a_small_drop_are_not_kept(cache):
    for _ in range(2):
        lists(cache, columns(1, 4))
    assert len(cache.made) == 4
    assert cache._octets == 0


def test_after_a_removal_and_for_an_older_session_they_are_made_anew(cache):
    for drop in (columns(1, 9), columns(3, 9, removals=1), columns(3, 8, removals=1)):
        cache.made.clear()
        lists(cache, drop)
        assert cache.made == [("sizes", 0), ("uidls", 0)]
    cache.made.clear()
    lists(cache, columns(3, 9, removals=1))
    assert cache.made == [], "the older session took nothing away"


@pytest.mark.parametrize("removed", range(1, 10))
def test_after_a_removal_that_is_told_of_only_the_lines_behind_it_are_made_anew(cache, removed):
    lists(cache, columns(1, 9))
    cache.cut("token", 1, removed - 1)
    cache.cut("other", 1, 3)
    cache.made.clear()
    left = array("Q", [uid for uid in range(1, 10) if uid != removed])
    lists(cache, KeptColumns(1, 9, left, array("Q", [uid * 10 for uid in left])))
    assert cache.made == ([("sizes", removed - 1), ("uidls", removed - 1)] if removed < 9 else [])
    assert cache._octets == sum(len(kept.text) for kept in cache._kept.values())


@pytest.mark.parametrize("order", list(itertools.permutations((2, 5, 8))))
def test_several_removals_leave_the_lines_in_front_of_all_of_them(cache, order):
    uids = list(range(1, 13))
    lists(cache, columns(1, 12))
    for removals, removed in enumerate(order, 1):
        cache.cut("token", removals, uids.index(removed))
        uids.remove(removed)
    cache.made.clear()
    lists(cache, KeptColumns(3, 12, array("Q", uids), array("Q", [uid * 10 for uid in uids])))
    assert cache.made == [("sizes", 1), ("uidls", 1)]
    cache.made.clear()
    lists(cache, KeptColumns(3, 12, array("Q", uids), array("Q", [uid * 10 for uid in uids])))
    assert cache.made == []
    assert cache._octets == sum(len(kept.text) for kept in cache._kept.values())


def test_a_removal_behind_another_one_that_was_not_listed_yet_changes_nothing(cache):
    lists(cache, columns(1, 9))
    cache.cut("token", 1, 6)
    cache.cut("token", 2, 7)
    cache.made.clear()
    left = array("Q", [1, 2, 3, 4, 5, 6, 9])
    lists(cache, KeptColumns(2, 9, left, array("Q", [uid * 10 for uid in left])))
    assert cache.made == [("sizes", 6), ("uidls", 6)]


def test_a_deletion_copies_no_listing(cache):
    lists(cache, columns(1, 9))
    before = [kept.text for kept in cache._kept.values()]
    cache.cut("token", 1, 6)
    assert all(kept.text is text for kept, text in zip(cache._kept.values(), before, strict=True))


def test_a_removal_that_does_not_follow_is_not_believed(cache):
    lists(cache, columns(1, 9))
    cache.cut("token", 2, 5)
    cache.made.clear()
    lists(cache, columns(3, 9, removals=2))
    assert cache.made == [("sizes", 0), ("uidls", 0)]


def test_unique_ids_that_were_given_are_listed(cache):
    lists(cache, columns(1, 9, given={2: "100%", 9: "%d"}))
    lists(cache, columns(1, 12, given={2: "100%", 9: "%d", 11: "new"}))
    lists(cache, columns(1, 3, given={2: "old"}))


def test_each_drop_has_its_own(cache):
    for _ in range(2):
        for token in ("a", "b"):
            lists(cache, columns(1, 9), token)
    assert len(cache.made) == 4


def test_the_oldest_go_first(cache, monkeypatch):
    one = len(DropListings(ListingCache(), "a", columns(1, 9)).sizes())
    monkeypatch.setattr(listings, "KEPT_OCTETS", 2 * one)
    for token in "abc":
        DropListings(cache, token, columns(1, 9)).sizes()
    cache.made.clear()
    for token in "cba":
        DropListings(cache, token, columns(1, 9)).sizes()
    assert len(cache.made) == 1
    assert cache._octets == 2 * one
    DropListings(cache, "huge", columns(1, 900)).sizes()
    assert list(cache._kept) == [("huge", "sizes")], "the last one is kept whatever its size"
