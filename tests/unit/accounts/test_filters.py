"""LDAP filters with places (RFC 4515)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sansldap import FilterAnd, FilterEquality, FilterOr

from postane.accounts.filters import BadFilter, escape, parse_filter


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("mrose", "mrose"),
        ("mrose)(uid=*", "mrose\\29\\28uid=\\2a"),
        ("*", "\\2a"),
        ("a\\2ab\0", "a\\5c2ab\\00"),
        ("şükrü@posta.example", "şükrü@posta.example"),
        ("{user}", "{user}"),
    ],
)
def test_what_has_a_meaning_is_escaped(value, escaped):
    assert escape(value) == escaped


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_value_stays_one_value(value):
    made = parse_filter("(&(objectClass=person)(uid={user}))", ("user",)).about(value)
    wanted = FilterEquality("uid", value.encode())
    assert made == FilterAnd([FilterEquality("objectClass", b"person"), wanted])


def test_a_value_may_stand_in_several_places():
    made = parse_filter("(|(uid={user})(mail={user}))", ("user",)).about("a*")
    assert made == FilterOr([FilterEquality("uid", b"a*"), FilterEquality("mail", b"a*")])


@pytest.mark.parametrize("text", ["(uid={usr})", "(uid={})", "(&(uid={user})(mail={address}))"])
def test_an_unknown_place_is_refused(text):
    with pytest.raises(BadFilter, match=r"there is no \{\w*\} here: a filter may have \{user\}"):
        parse_filter(text, ("user",))


def test_a_filter_that_asks_for_nobody_is_refused():
    with pytest.raises(BadFilter, match="it would mean everybody"):
        parse_filter("(objectClass=person)", ("user",))


def test_a_filter_without_places_may_have_none():
    assert parse_filter("(employeeType=x)", ()).about("") == FilterEquality("employeeType", b"x")


@pytest.mark.parametrize("text", ["(uid={user}", "(uid={user}))", "({user})", "(&(uid={user})"])
def test_what_is_no_filter_is_refused(text):
    with pytest.raises(BadFilter, match="this is no LDAP filter"):
        parse_filter(text, ("user",))
