"""Columns of messages: what is kept, what is read again."""

from array import array

import pytest

from postane.maildrop import columns
from postane.maildrop.columns import ColumnCache, KeptColumns, extend
from postane.maildrop.sides import Totals


class Rows:
    """A table of messages that notes what it is asked."""

    def __init__(self, *rows, given=()):
        self.rows = rows
        self.given = given
        self.asked = []

    def query(self, sql, span):
        self.asked.append(span)
        table = self.given if "uidl" in sql else self.rows
        return [row for row in table if span[0] < row[0] <= span[1]]


def test_only_what_is_new_is_read():
    rows = Rows((1, 10), (2, 20), (5, 50), given=[(2, "old")])
    first = extend(KeptColumns(removals=0), Totals(2, 30, 2, 0), rows.query)
    assert (list(first.uids), list(first.sizes), first.given) == ([1, 2], [10, 20], {2: "old"})
    second = extend(first, Totals(3, 80, 6, 0), rows.query)
    assert rows.asked[-1] == (2, 6)
    assert (list(second.uids), list(second.sizes), second.given) == ([1, 2, 5], [10, 20, 50], {2: "old"})
    assert list(first.uids) == [1, 2], "an earlier session's columns stay as they are"


def kept(count, removals=0):
    numbers = array("Q", range(1, count + 1))
    return KeptColumns(removals, count, numbers, numbers)


def test_what_changed_is_forgotten():
    cache = ColumnCache()
    cache.put("token", kept(5))
    assert cache.get("token", Totals(7, 0, 7, 0)).last_uid == 5
    assert cache.get("token", Totals(4, 0, 7, 1)).last_uid == 0, "something was removed"
    assert cache.get("token", Totals(3, 0, 3, 0)).last_uid == 0, "an older snapshot must not see newer messages"
    assert cache.get("another", Totals(7, 0, 7, 0)).last_uid == 0


@pytest.mark.parametrize(
    "ranges", [[(1, 1)], [(9, 9)], [(1, 9)], [(3, 5)], [(2, 2), (4, 6), (9, 30)], [(4, 4), (20, 30)], [(12, 15)]]
)
def test_what_was_deleted_here_is_taken_out(ranges):
    uids = array("Q", [1, 2, 3, 5, 6, 8, 9])
    before = KeptColumns(4, 10, uids, array("Q", [uid * 10 for uid in uids]), {3: "c", 8: "h"}, {1: 7, 6: 1})
    cache = ColumnCache()
    cache.put("token", before)
    at = cache.remove("token", ranges, 5)
    left = [uid for uid in uids if not any(first <= uid <= last for first, last in ranges)]
    after = cache.get("token", Totals(len(left), 0, 10, 5))
    assert list(after.uids) == left
    assert list(after.sizes) == [uid * 10 for uid in left]
    assert (after.last_uid, after.removals) == (10, 5)
    assert after.given == {uid: uidl for uid, uidl in {3: "c", 8: "h"}.items() if uid in left}
    assert after.excess == {uid: octets for uid, octets in {1: 7, 6: 1}.items() if uid in left}
    assert at == sum(uid < ranges[0][0] for uid in uids)
    assert list(before.uids) == list(uids), "an earlier session's columns stay as they are"
    assert cache._entries == len(left)


def test_another_removal_in_between_is_noticed(monkeypatch):
    cache = ColumnCache()
    assert cache.remove("token", [(1, 1)], 1) == 0
    cache.put("token", kept(5, removals=2))
    assert cache.remove("token", [(5, 5)], 4) == 0
    assert cache.get("token", Totals(4, 0, 5, 4)).last_uid == 0
    monkeypatch.setattr(columns, "RANGES", 1)
    assert cache.remove("token", [(1, 1), (3, 3)], 3) == 0
    assert cache.get("token", Totals(3, 0, 5, 3)).last_uid == 0


def test_what_does_not_fit_the_totals_is_not_believed():
    cache = ColumnCache()
    cache.put("token", kept(5))
    assert cache.get("token", Totals(4, 0, 5, 0)).last_uid == 0
    assert cache.get("token", Totals(5, 0, 5, 0)).last_uid == 5


def test_the_oldest_go_first(monkeypatch):
    monkeypatch.setattr(columns, "KEPT_ENTRIES", 10)
    cache = ColumnCache()
    for token in ("a", "b", "c"):
        cache.put(token, kept(4))
    assert [cache.get(token, Totals(4, 0, 4, 0)).last_uid for token in ("a", "b", "c")] == [0, 4, 4]
    cache.get("b", Totals(4, 0, 4, 0))
    cache.put("d", kept(4))
    assert [cache.get(token, Totals(4, 0, 4, 0)).last_uid for token in ("b", "c", "d")] == [4, 0, 4]
    cache.put("huge", kept(50))
    assert cache.get("huge", Totals(50, 0, 50, 0)).last_uid == 50, "the last one is kept whatever its size"
    cache.put("huge", kept(50))
    assert cache.get("b", Totals(4, 0, 4, 0)).last_uid == 0
