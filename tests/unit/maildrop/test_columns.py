"""Columns of messages: what is kept, what is read again."""

import contextlib
import sqlite3
from array import array

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postane.maildrop import columns, pieces
from postane.maildrop.columns import ColumnCache, KeptColumns, extend, without
from postane.maildrop.errors import StoreDamaged
from postane.maildrop.pieces import appended, pieces_of
from postane.maildrop.sides import Totals
from postane.maildrop.sqlite_schema import TABLES


class Rows:
    """A table of messages that notes what it is asked. A row: uid, octets, uidl, excess."""

    def __init__(self, *rows):
        self.asked = []
        self._connection = sqlite3.connect(":memory:")
        self._connection.executescript(TABLES)
        self.add(*rows)

    def add(self, *rows):
        for uid, octets, *more in rows:
            uidl, excess = more or (None, None)
            values = (uid, octets, 0, 0, b"", 0.0, "", uidl, None, None, None, excess)
            self._connection.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def query(self, sql, span):
        self.asked.append(span)
        return self._connection.execute(sql, span)

    def close(self):
        self._connection.close()


@pytest.fixture
def table():
    with contextlib.closing(Rows()) as rows:
        yield rows


def test_only_what_is_new_is_read(table):
    table.add((1, 10), (2, 20, "old", 3), (5, 50))
    first = extend(KeptColumns(removals=0), Totals(2, 30, 2, 0), table.query)
    assert (list(first.uids), list(first.sizes), first.given, first.excess) == ([1, 2], [10, 20], {2: "old"}, {2: 3})
    table.asked.clear()
    second = extend(first, Totals(3, 80, 6, 0), table.query)
    assert {span[0] for span in table.asked} <= {2, 4, 5}
    assert (list(second.uids), list(second.sizes), second.given) == ([1, 2, 5], [10, 20, 50], {2: "old"})
    assert second.given is first.given, "nothing is copied that did not change"
    table.add((7, 70, "new", 1))
    third = extend(second, Totals(4, 150, 7, 0), table.query)
    assert (third.given, third.excess) == ({2: "old", 7: "new"}, {2: 3, 7: 1})
    assert list(first.uids) == [1, 2], "an earlier session's columns stay as they are"
    assert (second.given, second.excess) == ({2: "old"}, {2: 3})


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(columns, "PIECE", 4)
    monkeypatch.setattr(pieces, "PIECE", 4)


@pytest.mark.usefixtures("small_pieces")
@given(st.sets(st.integers(1, 40)), st.integers(0, 40), st.integers(0, 40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_gaps_there_are_all_is_read(uids, middle, last):
    with contextlib.closing(Rows(*((uid, 1000 - uid * 7) for uid in uids))) as rows:
        kept = KeptColumns(0)
        for until in sorted((middle, last)):
            kept = extend(kept, Totals(0, 0, until, 0), rows.query)
            assert list(kept.uids) == sorted(uid for uid in uids if uid <= until)
            assert list(kept.sizes) == [1000 - uid * 7 for uid in kept.uids]
            assert kept.last_uid == until


@pytest.mark.usefixtures("small_pieces")
def test_uids_are_read_only_where_they_do_not_follow_each_other(table):
    table.add(*((uid, uid) for uid in range(3, 31) if uid not in (9, 12)))
    asked = []
    kept = extend(KeptColumns(0), Totals(26, 0, 30, 0), lambda sql, span: asked.append(sql) or table.query(sql, span))
    assert list(kept.uids) == [uid for uid in range(3, 31) if uid not in (9, 12)]
    assert asked.count(columns._COLUMNS) == 1, "12 would have been the first of a piece"
    assert asked.count(columns._RUN) == 7


@pytest.mark.parametrize("octets", ["many", -1, 1.5])
@pytest.mark.parametrize("uids", [(1, 2, 3), (1, 3, 5)])
def test_a_size_that_cannot_be_is_damage(table, octets, uids):
    table.add(*((uid, 10 if uid == 1 else octets) for uid in uids))
    with pytest.raises(StoreDamaged):
        extend(KeptColumns(0), Totals(3, 30, 5, 0), table.query)


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
    assert {uid: uidl for uid, uidl in after.given.items() if uid in left} == {
        uid: uidl for uid, uidl in {3: "c", 8: "h"}.items() if uid in left
    }
    assert {uid: octets for uid, octets in after.excess.items() if uid in left} == {
        uid: octets for uid, octets in {1: 7, 6: 1}.items() if uid in left
    }
    assert at == sum(uid < ranges[0][0] for uid in uids)
    assert list(before.uids) == list(uids), "an earlier session's columns stay as they are"
    assert cache._entries == len(left)


def lengths(entries):
    return list(map(len, pieces_of(entries)))


@pytest.mark.usefixtures("small_pieces")
@given(st.sets(st.integers(1, 30)), st.lists(st.tuples(st.integers(1, 31), st.integers(0, 9)), min_size=1, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_deleted_is_taken_out_of_each_piece(uids, spans):
    ranges, after = [], 0
    for gap, length in spans:
        ranges.append((after + gap, after + gap + length))
        after += gap + length
    numbers = array("Q", sorted(uids))
    before = KeptColumns(0, 30, *(appended(array("Q"), column) for column in (numbers, numbers)))
    now = without(before, ranges, 1)
    assert list(now.uids) == [uid for uid in sorted(uids) if not any(low <= uid <= high for low, high in ranges)]
    assert list(now.sizes) == list(now.uids)
    assert lengths(now.uids) == lengths(now.sizes)
    assert list(before.uids) == sorted(uids), "an earlier session's columns stay as they are"
    more = appended(now.uids, array("Q", [40, 41]))
    assert list(more) == [*now.uids, 40, 41]


@pytest.mark.usefixtures("small_pieces")
def test_a_deletion_copies_one_piece():
    numbers = appended(array("Q"), array("Q", range(1, 18)))
    now = without(KeptColumns(0, 17, numbers, numbers), [(7, 7)], 1)
    assert lengths(now.uids) == [4, 3, 4, 4, 1]
    copied = [new is not old for new, old in zip(pieces_of(now.uids), pieces_of(numbers), strict=True)]
    assert copied == [False, True, False, False, False]


def test_what_is_remembered_of_deleted_messages_is_bounded():
    kept = KeptColumns(0, 12, *(array("Q", range(1, 13)) for _ in range(2)), {uid: f"u{uid}" for uid in range(1, 13)})
    for removals, uid in enumerate(range(1, 7), 1):
        kept = without(kept, [(uid, uid)], removals)
    assert len(kept.given) == 12
    kept = without(kept, [(7, 7)], 7)
    assert kept.given == {uid: f"u{uid}" for uid in range(8, 13)}


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
