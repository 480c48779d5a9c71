"""Columns in pieces: to be read they are as one."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.maildrop import pieces
from postane.maildrop.pieces import Pieces, appended, column, pieces_of

NUMBERS = list(range(100, 111))


@pytest.fixture
def some():
    return Pieces([array("Q", NUMBERS[:4]), array("Q", NUMBERS[4:5]), array("Q", NUMBERS[5:])])


def test_they_are_as_one(some):
    assert (len(some), list(some), list(reversed(some))) == (11, NUMBERS, NUMBERS[::-1])
    assert [some[at] for at in range(-11, 11)] == [NUMBERS[at] for at in range(-11, 11)]
    assert 104 in some
    assert some.index(105) == 5
    for at in (-12, 11, 400):
        with pytest.raises(IndexError):
            some[at]


@given(*[st.none() | st.integers(-15, 15)] * 2, st.none() | st.sampled_from([1, 2, -1, -3]))
def test_so_are_parts_of_them(begin, end, step):
    some = Pieces([array("Q", NUMBERS[:4]), array("Q", NUMBERS[4:5]), array("Q", NUMBERS[5:])])
    assert list(some[begin:end:step]) == NUMBERS[begin:end:step]


def test_what_is_short_is_one_array(some):
    alone = array("Q", [1])
    assert column([alone]) is alone
    assert column([]) == array("Q")
    assert pieces_of(array("Q")) == []
    assert column(some.pieces) == array("Q", NUMBERS), "pieces of which little was left are put together"
    assert pieces_of(some) is some.pieces
    assert pieces_of(array("Q", [1])) == pieces_of([1]) == [array("Q", [1])]


@given(st.lists(st.integers(0, 11), max_size=8))
def test_what_comes_is_put_behind_and_nothing_grows_too_long(counts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", 4)
        entries, wanted = column([]), []
        for count in counts:
            more = array("Q", range(len(wanted), len(wanted) + count))
            before = list(entries)
            longer = appended(entries, more)
            assert list(entries) == before, "whoever has the one before keeps it"
            entries = longer
            wanted += more
            assert list(entries) == wanted
            assert all(0 < len(piece) <= 4 for piece in pieces_of(entries))
            assert len(pieces_of(entries)) == -(-len(wanted) // 4)


def test_what_is_put_behind_leaves_the_other_pieces_alone(monkeypatch, some):
    monkeypatch.setattr(pieces, "PIECE", 4)
    longer = appended(some, array("Q", [7]))
    assert list(longer) == [*NUMBERS, 7]
    assert [new is old for new, old in zip(pieces_of(longer), some.pieces, strict=False)] == [True, True, False]
