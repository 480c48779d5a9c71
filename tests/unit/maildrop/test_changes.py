"""Numbers that processes share: they change for everybody, never come back, and a file removed by hand is noticed."""

import os

import pytest

from postane.maildrop.changes import LOOK, SLOTS, Changes, slot_of

SLOT = slot_of("anna")


def test_a_drop_has_the_same_place_everywhere():
    assert slot_of("anna") == SLOT == 16055
    assert {slot_of(f"user{number}") for number in range(1000)} <= set(range(SLOTS))
    slot_of("b\udcffrta")  # a name is what a configuration says


def test_a_change_is_seen_by_all_who_map_the_file(tmp_path):
    one, other = Changes(str(tmp_path)), Changes(str(tmp_path))
    before = one.number(SLOT, 0.0)
    assert other.number(SLOT, 0.0) == before, "nobody changed it"
    end = other.begin(SLOT, 0.0)
    between = one.number(SLOT, 0.0)
    assert between % 2 == 1
    end()
    after = one.number(SLOT, 0.0)
    assert after % 2 == 0
    other.renew(SLOT, 0.0)
    assert len({before, between, after, one.number(SLOT, 0.0)}) == 4
    assert one.number(SLOT, 0.0) % 2 == 0
    assert one.number(SLOT + 1, 0.0) == other.number(SLOT + 1, 0.0), "the others stay"


def test_while_two_write_it_is_odd_until_both_are_done(tmp_path):
    one, other = Changes(str(tmp_path)), Changes(str(tmp_path))
    first, second = one.begin(SLOT, 0.0), other.begin(SLOT, 0.0)
    seen = one.number(SLOT, 0.0)
    first()
    other.renew(SLOT, 0.0)
    assert one.number(SLOT, 0.0) == seen, "the second one is not done"
    second()
    assert one.number(SLOT, 0.0) % 2 == 0


def test_one_that_ends_after_another_began_and_ended_changes_it_once_more(tmp_path):
    changes = Changes(str(tmp_path))
    first, second = changes.begin(SLOT, 0.0), changes.begin(SLOT, 0.0)
    second()
    seen = changes.number(SLOT, 0.0)
    first()
    assert changes.number(SLOT, 0.0) % 2 == 0
    assert changes.number(SLOT, 0.0) != seen


def test_a_file_that_was_removed_is_noticed_and_its_numbers_do_not_come_back(tmp_path):
    one, other = Changes(str(tmp_path)), Changes(str(tmp_path))
    before = [one.number(slot, 0.0) for slot in range(SLOTS)]
    os.unlink(tmp_path / "changes")
    other.begin(SLOT, 0.0)()
    after = [one.number(slot, LOOK) for slot in range(SLOTS)]
    assert after[SLOT] == other.number(SLOT, 0.0)
    assert not set(after) & set(before)


def test_one_that_was_cut_is_filled_again(tmp_path):
    (tmp_path / "changes").write_bytes(b"12345678")
    assert Changes(str(tmp_path)).number(SLOTS - 1, 0.0) is not None
    assert (tmp_path / "changes").stat().st_size == 8 * SLOTS


def test_where_there_can_be_none_it_is_said(tmp_path):
    (tmp_path / "changes").mkdir()
    with pytest.raises(OSError, match="changes"):
        Changes(str(tmp_path)).begin(SLOT, 0.0)
