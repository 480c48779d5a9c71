"""A maildrop as one session sees it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.mail.snapshot import MessageIsDeleted, NoSuchMessage, Snapshot


@pytest.fixture
def snapshot() -> Snapshot:
    taken = Snapshot(total=3, total_octets=600, last_uid=9)
    taken.fill([4, 7, 9], [100, 200, 300], ["a", "b", "c"])
    return taken


def test_what_stat_tells_is_known_before_the_columns_are():
    taken = Snapshot(total=3, total_octets=600, last_uid=9)
    assert (taken.count, taken.octets, taken.is_loaded) == (3, 600, False)
    with pytest.raises(LookupError):
        taken.uid(1)


def test_an_empty_drop_needs_no_columns():
    taken = Snapshot(0, 0, 0)
    assert taken.is_loaded
    assert list(taken.sizes()) == list(taken.uidls()) == []
    with pytest.raises(NoSuchMessage):
        taken.check(1)


def test_numbers_are_the_clients(snapshot):
    assert [snapshot.uid(number) for number in (1, 2, 3)] == [4, 7, 9]
    assert snapshot.size(2) == 200
    assert snapshot.uidl(3) == "c"
    assert snapshot.check(1) == 0
    assert list(snapshot.sizes()) == [(1, 100), (2, 200), (3, 300)]
    assert list(snapshot.uidls()) == [(1, "a"), (2, "b"), (3, "c")]


@pytest.mark.parametrize("number", [0, -1, 4, 10**30])
def test_a_number_out_of_range_is_refused(snapshot, number):
    for ask in (snapshot.check, snapshot.size, snapshot.uidl, snapshot.delete):
        with pytest.raises(NoSuchMessage, match="only 3 "):
            ask(number)
    assert snapshot.count == 3


@pytest.mark.parametrize("numbers", [(), (2,), (3, 2), (1, 3), (1, 2, 3)])
def test_the_stores_keys_of_what_is_deleted(snapshot, numbers):
    assert not Snapshot(3, 600, 9).deleted_uids
    for number in numbers:
        snapshot.delete(number)
    assert list(snapshot.deleted_uids) == [snapshot.uid(number) for number in sorted(numbers)]


def test_a_deleted_message_is_gone_from_everything(snapshot):
    snapshot.delete(2)
    assert (snapshot.count, snapshot.octets, snapshot.deleted) == (2, 400, [2])
    assert list(snapshot.sizes()) == [(1, 100), (3, 300)]
    assert list(snapshot.uidls()) == [(1, "a"), (3, "c")]
    for ask in (snapshot.check, snapshot.size, snapshot.uidl, snapshot.delete):
        with pytest.raises(MessageIsDeleted, match="message 2 "):
            ask(2)
    assert (snapshot.count, snapshot.octets) == (2, 400), "deleting twice counts once"
    assert snapshot.uid(2) == 7, "the store still finds it, to commit"


def test_many_are_deleted_at_once(snapshot):
    assert snapshot.delete_all([])
    assert snapshot.delete_all([3, 1])
    assert (snapshot.count, snapshot.octets, snapshot.deleted) == (1, 200, [1, 3])
    assert snapshot.delete_all([2])
    assert (snapshot.count, snapshot.octets, snapshot.deleted) == (0, 0, [1, 2, 3])
    assert not snapshot.delete_all([2])


@pytest.mark.parametrize("numbers", [[0], [1, 4], [1, 2], [3, 3], [-1, 3], [3, 10**30], [1, 1, 3, 3]])
def test_all_of_them_or_none(snapshot, numbers):
    snapshot.delete(2)
    assert not snapshot.delete_all(numbers)
    assert (snapshot.count, snapshot.octets, snapshot.deleted) == (2, 400, [2])


@given(st.lists(st.integers(-1, 12), max_size=12), st.lists(st.integers(-1, 12), max_size=12))
def test_at_once_is_as_one_after_the_other(first, second):
    at_once, single = (Snapshot(total=10, total_octets=1023, last_uid=10) for _ in range(2))
    for taken in (at_once, single):
        taken.fill(range(1, 11), [1 << at for at in range(10)], [str(at) for at in range(10)])
    for numbers in (first, second):
        before = single.deleted
        if not at_once.delete_all(numbers):
            assert (
                set(numbers) & set(before) or len(set(numbers)) < len(numbers) or not set(numbers) <= set(range(1, 11))
            )
            continue
        for number in numbers:
            single.delete(number)
        assert (at_once.count, at_once.octets, at_once.deleted) == (single.count, single.octets, single.deleted)


def test_listings_leave_out_what_is_deleted(snapshot):
    assert snapshot.list_lines() == b"1 100\r\n2 200\r\n3 300\r\n"
    assert snapshot.uidl_lines() == b"1 a\r\n2 b\r\n3 c\r\n"
    snapshot.delete(2)
    assert snapshot.list_lines() == b"1 100\r\n3 300\r\n"
    assert snapshot.uidl_lines() == b"1 a\r\n3 c\r\n"
    snapshot.delete_all([1, 3])
    assert snapshot.list_lines() == snapshot.uidl_lines() == b""
    assert Snapshot(0, 0, 0).list_lines() == Snapshot(0, 0, 0).uidl_lines() == b""


class Kept:
    """The listings that a store keeps."""

    def sizes(self):
        return b"kept sizes"

    def uidls(self):
        return b"kept unique-ids"


def test_kept_listings_are_of_all_messages_as_they_are_stored():
    taken = Snapshot(total=2, total_octets=300, last_uid=2, excess=5)
    taken.fill([1, 2], [100, 200], ["a", "b"], {2: 5}, Kept())
    assert (taken.list_lines(), taken.uidl_lines()) == (b"kept sizes", b"kept unique-ids")
    taken.show_surrogates()
    assert (taken.list_lines(), taken.uidl_lines()) == (b"1 100\r\n2 205\r\n", b"kept unique-ids")
    taken.delete(1)
    assert (taken.list_lines(), taken.uidl_lines()) == (b"2 205\r\n", b"2 b\r\n")
    taken.reset()
    assert taken.uidl_lines() == b"kept unique-ids"


def test_reset_takes_all_marks_away(snapshot):
    snapshot.delete(3)
    snapshot.delete(1)
    assert snapshot.deleted == [1, 3]
    assert snapshot.is_marked
    snapshot.reset()
    assert (snapshot.count, snapshot.octets, snapshot.deleted, snapshot.is_marked) == (3, 600, [], False)
    assert len(list(snapshot.sizes())) == 3


def test_columns_of_another_length_are_refused():
    taken = Snapshot(total=2, total_octets=300, last_uid=2)
    with pytest.raises(ValueError, match="rows for a snapshot of 2"):
        taken.fill([1], [100], ["a"])
    assert not taken.is_loaded


@pytest.mark.parametrize("is_loaded_first", [False, True])
def test_surrogates_are_counted_whenever_the_columns_come(is_loaded_first):
    snapshot = Snapshot(2, 300, 8, 50)
    columns = [7, 8], [100, 200], ["a", "b"], {8: 50}
    if is_loaded_first:
        snapshot.fill(*columns)
        snapshot.show_surrogates()
    else:
        snapshot.show_surrogates()
        snapshot.fill(*columns)
    assert list(snapshot.sizes()) == [(1, 100), (2, 250)]
    assert (snapshot.octets, snapshot.total_octets) == (350, 350)
    with pytest.raises(ValueError, match="in use"):
        snapshot.show_surrogates()
