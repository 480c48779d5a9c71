"""Lines of a server, however they end and however long they are."""

import pytest

from postane.talk.wire_lines import PIECE, Piece, WireLines


def pieces(lines: WireLines) -> list[Piece]:
    found = []
    while (piece := lines.next_piece()) is not None:
        found.append(piece)
    return found


@pytest.mark.parametrize("step", [1, 2, 3, 100])
def test_any_split_gives_the_same_lines(step):
    lines, octets, found = WireLines(), b"+OK\r\none\ntwo\r\n\r\nhalf", []
    for at in range(0, len(octets), step):
        lines.feed(octets[at : at + step])
        found += pieces(lines)
    assert [(piece.octets, piece.is_bare) for piece in found] == [
        (b"+OK", False), (b"one", True), (b"two", False), (b"", False)
    ]  # fmt: skip
    assert len(lines) == 4
    assert lines.rest() == Piece(b"half", begins=True, ends=False)
    assert lines.rest() is None


def test_only_crlf_ends_a_line_where_it_has_to():
    lines = WireLines()
    lines.is_strict = True
    lines.feed(b"a\n.\nb\r\n")
    assert [piece.octets for piece in pieces(lines)] == [b"a\n.\nb"]


def test_a_long_line_comes_in_pieces():
    lines = WireLines()
    lines.feed(b"x" * (2 * PIECE + 7) + b"\r\nnext\r\n")
    found = pieces(lines)
    assert b"".join(piece.octets for piece in found[:-1]) == b"x" * (2 * PIECE + 7)
    assert [(piece.begins, piece.ends) for piece in found] == [
        (True, False), (False, False), (False, True), (True, True)
    ]  # fmt: skip
