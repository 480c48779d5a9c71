"""LIST and UIDL joined; more of it with a server in test_pop3.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.client import listing as module
from postane.client.errors import Misbehaved
from postane.client.listing import SURPLUS, UNLISTED, Item, Joiner, Sizes, most_believed


def joined(listing: bytes, uidls: bytes, cut: int) -> list[Item]:
    sizes = Sizes()
    for start in range(0, len(listing), cut):
        sizes.feed(listing[start : start + cut])
    joiner = Joiner(sizes)
    items = [item for start in range(0, len(uidls), cut) for item in joiner.feed(uidls[start : start + cut])]
    return [*items, *sizes.rest()]


LINES = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from([b"7", b"x", b"", b"70 80"])).map(lambda pair: b"%d %b\r\n" % pair)
    | st.sampled_from([b"\r\n", b"1\t2\r\n", b" 3   4 \n", b"-1 5\r\n", b"5 -5\r\n"]),
    max_size=15,
).map(b"".join)


@given(LINES, LINES, st.integers(1, 20))
def test_any_split_gives_the_same_and_each_number_once(listing, uidls, cut):
    items = joined(listing, uidls, 1000)
    assert joined(listing, uidls, cut) == items
    numbers = [item.number for item in items]
    assert len(set(numbers)) == len(numbers)
    assert all(item.octets >= 0 for item in items)


@given(st.integers(0, 3000), st.integers(1, 5000))
def test_what_servers_should_write(count, cut):
    listing = b"".join(b"%d %d\r\n" % (number, number * 10) for number in range(1, count + 1))
    uidls = b"".join(b"%d u%d\r\n" % (number, number) for number in range(1, count + 1))
    assert joined(listing, uidls, cut) == [Item(n, n * 10, f"u{n}") for n in range(1, count + 1)]


def test_a_listing_without_an_end_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "MESSAGES", 1000)
    with pytest.raises(Misbehaved, match="no end"):
        Sizes().feed(b"1 1\r\n" * 1001)
    with pytest.raises(Misbehaved, match="no end"):
        Joiner(Sizes()).feed(b"\n" * 1001)
    sizes = Sizes()
    sizes.feed(b"1000 5\r\n1001 5\r\n%d 5\r\n" % 10**14)
    assert list(sizes.rest()) == [Item(1000, 5, None)]
    with pytest.raises(Misbehaved, match="no end"):
        Sizes().feed(b"1" * 100_000)


def test_sizes_that_are_none():
    assert joined(b"1 %d\r\n2 9\r\n" % 10**20, b"", 1000) == [Item(2, 9, None)]


def test_how_far_a_size_is_believed():
    assert most_believed(1000) == 2000 + SURPLUS
    assert most_believed(0) == UNLISTED > SURPLUS
