"""Listings as they are sent."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from postane.mail.listing import number_integers, number_words


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
