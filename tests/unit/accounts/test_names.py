import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.accounts.names import (
    NAME_LIMIT,
    BadName,
    canonical,
    fold,
    meanings,
    near_name,
    parse_address,
    parse_label,
    parse_name,
    show_name,
)

OWN = frozenset({"localhost"})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mrose", "mrose"),
        ("MRose@DBC.MtView.CA.us", "mrose@dbc.mtview.ca.us"),
        ("o'hara", "o'hara"),
        ("x'; DROP", None),
        ("ŞÜKRÜ", "şükrü"),
        ("u\u0308", "ü"),
        ("a,b;c=d%e&f", "a,b;c=d%e&f"),
        ("x" * NAME_LIMIT, "x" * NAME_LIMIT),
        ("ü" * NAME_LIMIT, None),
        ("x" * (NAME_LIMIT + 1), None),
        ("..", None),
        (".hidden", None),
        ("a/b", None),
        ("a\\b", None),
        ("a:b", None),
        ("a<b", None),
        ('"a"', None),
        ("a b", None),
        ("a\u00a0b", None),
        ("a\tb", None),
        ("a\0b", None),
        ("a\x7fb", None),
        ("a\u202eb", None),
        ("a\u200bb", None),
        ("a\u2028b", None),
        ("a\udcffb", None),
        ("a\ufffeb", None),
        ("", None),
        ("@", None),
        ("a@", None),
        ("@a", None),
        ("a@b@c", None),
    ],
)
def test_names(text, name):
    if name is None:
        with pytest.raises(BadName) as caught:
            parse_name(text)
        assert str(caught.value).isprintable()
    else:
        assert parse_name(text) == parse_name(name) == name


@pytest.mark.parametrize("text", ["@example.org", "@EXAMPLE.org", "info", "info@example.org"])
def test_addresses(text):
    assert parse_address(text) == text.lower()


@pytest.mark.parametrize("text", ["@", "@@", "@a@b", "@a b", "@a/b", "", "a@"])
def test_addresses_that_are_none(text):
    with pytest.raises(BadName):
        parse_address(text)


def test_folding_twice_changes_nothing():
    letters = [chr(code) for code in range(sys.maxunicode + 1)]
    assert [letter for letter in letters if fold(fold(letter)) != fold(letter)] == []


@given(st.text())
def test_what_is_canonical_stays_so(text):
    known = canonical(text)
    assert known is None or (canonical(known) == known and canonical(known.upper()) is not None)


@given(st.from_regex(r"[A-Za-z0-9._@+-]{1,20}", fullmatch=True))
def test_the_short_way_agrees_with_the_long_one(text):
    try:
        expected = parse_address(text)
    except BadName:
        expected = None
    assert canonical(text) == expected


@pytest.mark.parametrize(
    ("local_part", "domain", "names"),
    [
        ("Anna", "Example.ORG.", ["anna@example.org", "@example.org"]),
        ("anna", "localhost", ["anna@localhost", "anna", "@localhost"]),
        ("anna", None, ["anna"]),
        ("a b", "localhost", ["@localhost"]),  # a quoted local part that no account has: the catch-all's
        ("anna", "[ipv6:::1]", []),
        ("a@b", "localhost", []),
        ("a@b", None, []),
        ("", "localhost", []),
        ("@localhost", None, []),
        ("anna", "", []),
        ("anna", "\udcff", []),
    ],
)
def test_what_an_address_may_mean(local_part, domain, names):
    assert meanings(local_part, domain, OWN) == names


def test_an_address_literal_among_the_own_domains():
    assert meanings("anna", "[IPv6:::1]", frozenset({"[ipv6:::1]"})) == ["anna"]


@pytest.mark.parametrize("label", ["phone", "Scanner, 2nd floor", "电话"])
def test_labels(label):
    assert parse_label(f" {label} ") == label


@pytest.mark.parametrize("label", ["", "  ", "a\nb", "\u202ex", "x" * 65, "a\0"])
def test_labels_that_are_none(label):
    with pytest.raises(BadName):
        parse_label(label)


def test_a_near_name_is_proposed():
    assert near_name("MROES", ["anna", "mrose"]) == "mrose"
    assert near_name("zzz", ["anna", "mrose"]) is None


def test_a_hostile_name_is_shown_harmlessly():
    shown = show_name("a\x1b[31m\u202e\udcff" + "x" * 1000)
    assert shown.isprintable()
    assert len(shown) < 150
