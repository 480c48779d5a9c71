"""Unique-ids: their form, which never changes, and whose they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.maildrop.base import UidlRefused
from postane.maildrop.uidls import Uidls, check_uidl, format_uidl, new_token, parse_uidl


def test_the_form_is_for_ever():
    assert format_uidl("0Kd-_fRt3z9A", 17) == "0Kd-_fRt3z9A.17", "clients would download everything again"


def test_tokens_differ_and_make_good_ids():
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    for token in tokens:
        check_uidl(format_uidl(token, 2**63))


@given(st.integers(0, 2**63))
def test_parsing_is_the_inverse(uid):
    assert parse_uidl("to.ken", format_uidl("to.ken", uid)) == uid


@pytest.mark.parametrize(
    "uidl", ["token", "token.", "token.x", "other.1", "token.01", "token.-1", "token.1.2", "token.²"]
)
def test_what_others_gave_is_theirs(uidl):
    assert parse_uidl("token", uidl) is None


@pytest.mark.parametrize("uidl", ["", " ", "a b", "ü", "x" * 71, "a\n", "\n"])
def test_what_is_none(uidl):
    with pytest.raises(UidlRefused):
        check_uidl(uidl)


@pytest.mark.parametrize("given_ids", [{}, {3: "kept", 9: "kept too"}])
def test_a_column_is_a_sequence(given_ids):
    uids = [1, 3, 4, 9]
    column = Uidls("token", uids, given_ids)
    expected = [given_ids.get(uid, f"token.{uid}") for uid in uids]
    assert list(column) == expected
    assert [column[at] for at in range(-4, 4)] == expected * 2
    assert list(column[1:3]) == expected[1:3]
    assert len(column) == 4
    with pytest.raises(IndexError):
        column[4]
