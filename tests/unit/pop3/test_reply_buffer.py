"""Lines and bodies out of what came from a server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.pop3.reply_buffer import ReplyBuffer
from postane.wire.errors import RemoteProtocolError

LIMIT = 20


def fed(*pieces: bytes) -> ReplyBuffer:
    buffer = ReplyBuffer()
    for piece in pieces:
        buffer.feed(piece)
    return buffer


def in_pieces(buffer: ReplyBuffer, more: list[bytes]) -> bytes | None:
    """The body piece by piece; None: it has no end."""
    body = b""
    while (piece := buffer.next_piece()) is not None:
        body += piece
        if not piece:
            if not more:
                return None
            buffer.feed(more.pop(0))
    return body


def test_lines_with_either_end():
    buffer = fed(b"one\r\ntwo\n\r\n\nhal", b"f")
    lines = []
    while (line := buffer.next_line(LIMIT)) is not None:
        lines.append((line, buffer.is_bare))
    assert lines == [(b"one", False), (b"two", True), (b"", False), (b"", True)]
    assert buffer.peek_all() == b"half"
    assert len(buffer) == 4


@pytest.mark.parametrize("octets", [b"x" * LIMIT, b"x" * LIMIT + b"\n", b"x" * 100 + b"\r\n"])
def test_a_line_over_its_limit_is_fatal(octets):
    for pieces in ([octets], [octets[:5], octets[5:]]):
        with pytest.raises(RemoteProtocolError) as caught:
            fed(*pieces).next_line(LIMIT)
        assert caught.value.fatal


def test_a_line_at_its_limit_is_one():
    assert fed(b"x" * (LIMIT - 2) + b"\r\n").next_line(LIMIT) == b"x" * (LIMIT - 2)


@pytest.mark.parametrize(
    ("octets", "body"),
    [
        (b".\r\n", b""),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..a\r\n..\r\n.\r\n", b".a\r\n.\r\n"),
        (b"a\n.\nb\r\n.\r\n", b"a\n.\nb\r\n"),
        (b"\n.\r\n\r\n.\r\n", b"\n.\r\n\r\n"),
    ],
)
def test_a_whole_body_and_one_in_pieces_are_the_same(octets, body):
    buffer = fed(b"+OK\r\n" + octets + b"+OK next\r\n")
    assert buffer.next_line(LIMIT) == b"+OK"
    assert buffer.take_body() == body
    assert buffer.next_line(LIMIT) == b"+OK next"
    for cut in range(len(octets)):
        buffer = fed(b"+OK\r\n" + octets[:cut])
        buffer.next_line(LIMIT)
        assert in_pieces(buffer, [octets[cut:] + b"+OK next\r\n"]) == body
        assert buffer.next_line(LIMIT) == b"+OK next"


def test_a_body_that_is_not_all_here_is_not_taken():
    buffer = fed(b"+OK\r\na\r\n.")
    buffer.next_line(LIMIT)
    assert buffer.take_body() is None
    assert in_pieces(buffer, [b"\r\n"]) == b"a\r\n"


def test_a_body_that_was_begun_is_not_taken():
    buffer = fed(b"+OK\r\na\r\n")
    buffer.next_line(LIMIT)
    assert buffer.next_piece() == b"a\r\n"
    buffer.feed(b"b\r\n.\r\n")
    assert buffer.take_body() is None
    assert in_pieces(buffer, []) == b"b\r\n"


def test_after_a_first_line_with_bare_lf_lines_may_end_so():
    buffer = fed(b"+OK\na\n..\n.\n+OK next\n")
    buffer.next_line(LIMIT)
    assert buffer.take_body() is None
    assert in_pieces(buffer, []) == b"a\r\n.\r\n"
    assert buffer.next_line(LIMIT) == b"+OK next"


@given(
    st.lists(st.sampled_from([b"\r\n", b".", b"\n", b"\r", b"a", b"\r\n."]), max_size=25).map(b"".join),
    st.booleans(),
)
def test_octet_by_octet_is_the_same(octets, is_bare):
    first = b"+OK\n" if is_bare else b"+OK\r\n"
    one, other = fed(first + octets), fed(first)
    one.next_line(LIMIT)
    other.next_line(LIMIT)
    whole = one.take_body()
    if whole is None:
        whole = in_pieces(one, [])
    assert in_pieces(other, [bytes([octet]) for octet in octets]) == whole
