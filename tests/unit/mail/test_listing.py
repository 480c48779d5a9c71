"""Listings as they are sent."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.mail.listing import BLOCK, number_ascending, number_integers, number_words


def test_a_line_for_each():
    assert (
        number_integers(range(1, 4), array("Q", [120, 0, 2**64 - 1])) == b"1 120\r\n2 0\r\n3 18446744073709551615\r\n"
    )
    assert number_integers([2, 7], [5, 6], b"to%ken.") == b"2 to%ken.5\r\n7 to%ken.6\r\n"
    assert number_words([1, 3], ["a%d", "{b}"]) == b"1 a%d\r\n3 {b}\r\n"


def test_of_nothing_there_are_no_lines():
    assert number_integers([], [], b"%d") == number_words([], []) == b""


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 2**63))))
def test_all_at_once_is_as_one_after_the_other(rows):
    lines = "".join(f"{number} {entry}\r\n" for number, entry in rows).encode()
    numbers, entries = [number for number, _ in rows], [entry for _, entry in rows]
    assert number_integers(numbers, entries) == number_words(numbers, [str(entry) for entry in entries]) == lines


LENGTHS = (0, 1, 998, 999, 1000, 1999, 2000, 2999, 3000, 4001, 12345)


@pytest.mark.parametrize("count", LENGTHS)
@pytest.mark.parametrize("first", [1, 2, 999, 1000, 1001, 9000, 99_999])
def test_long_listings_are_as_short_ones(first, count):
    numbers = range(first, first + count)
    sizes = array("Q", [number * number % 70_001 for number in numbers])
    assert number_integers(numbers, sizes) == number_integers(list(numbers), sizes)
    assert number_integers(numbers, sizes, b"a%d_.") == number_integers(list(numbers), sizes, b"a%d_.")


@pytest.mark.parametrize("count", LENGTHS)
@pytest.mark.parametrize("off", [0, 1, 500, 999, 1000, 123_456, 2**40])
def test_so_are_those_of_numbers_that_follow_each_other(off, count):
    numbers = range(1, count + 1)
    uids = array("Q", [number + off for number in numbers])
    assert number_ascending(numbers, uids, b"to%ken.") == number_integers(list(numbers), uids, b"to%ken.")


@given(st.lists(st.tuples(st.integers(1, 6 * BLOCK), st.sampled_from([1, 2, BLOCK])), max_size=6), st.integers(0, 3000))
def test_and_those_with_some_left_out(runs, at):
    uids = array("Q")
    for length, gap in runs:
        begin = uids[-1] + gap if uids else gap
        uids.extend(range(begin, begin + length))
    numbers = range(at + 1, at + len(uids) + 1)
    assert number_ascending(numbers, uids, b"t.") == number_integers(list(numbers), uids, b"t.")
