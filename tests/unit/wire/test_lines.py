"""The line buffer: line ends, limits, and what becomes of a line over its limit."""

import pytest

from postane.wire.errors import Fault, RemoteProtocolError
from postane.wire.lines import SKIP_LIMIT, LineBuffer


def pop_buffer(octets: bytes = b"") -> LineBuffer:
    lines = LineBuffer(accepts_bare_lf=True)
    lines.feed(octets)
    return lines


def smtp_buffer(octets: bytes = b"") -> LineBuffer:
    lines = LineBuffer(accepts_bare_lf=False)
    lines.feed(octets)
    return lines


def test_a_line_comes_without_its_end():
    lines = pop_buffer(b"STAT\r\nLIST 1\r\n")
    assert lines.next_line(255) == b"STAT"
    assert lines.next_line(255) == b"LIST 1"
    assert lines.next_line(255) is None


def test_pop_takes_a_bare_lf_as_a_line_end():
    lines = pop_buffer(b"STAT\nNOOP\r\n\n")
    assert [lines.next_line(255) for _ in range(4)] == [b"STAT", b"NOOP", b"", None]


def test_only_one_cr_belongs_to_the_line_end():
    assert pop_buffer(b"STAT\r\r\n").next_line(255) == b"STAT\r"


def test_smtp_takes_crlf_only():
    lines = smtp_buffer(b"NOOP\nQUIT\r\n")
    assert lines.next_line(512) == b"NOOP\nQUIT"


def test_crlf_split_between_two_reads():
    lines = smtp_buffer(b"NOOP\r")
    assert lines.next_line(512) is None
    lines.feed(b"\nQUIT\r\n")
    assert lines.next_line(512) == b"NOOP"
    assert lines.next_line(512) == b"QUIT"


@pytest.mark.parametrize("make", [pop_buffer, smtp_buffer])
def test_the_limit_counts_the_line_end(make):
    """RFC 2449 s4: 255 octets, the terminating CRLF included."""
    lines = make(b"N" * 253 + b"\r\n")
    assert lines.next_line(255) == b"N" * 253
    lines.feed(b"N" * 254 + b"\r\nNOOP\r\n")
    with pytest.raises(RemoteProtocolError, match="line too long") as caught:
        lines.next_line(255)
    assert caught.value.fault is Fault.TOO_LONG
    assert not caught.value.fatal
    assert lines.next_line(255) == b"NOOP"


@pytest.mark.parametrize("make", [pop_buffer, smtp_buffer])
def test_an_overlong_line_is_reported_once_and_at_once(make):
    lines = make(b"x" * 300)
    with pytest.raises(RemoteProtocolError, match="line too long"):
        lines.next_line(255)
    for _ in range(100):
        lines.feed(b"x" * 1000)
        assert lines.next_line(255) is None
        assert len(lines) == 0, "an overlong line piles up"
    lines.feed(b"x\r")
    assert lines.next_line(255) is None
    lines.feed(b"\nNOOP\r\n")
    assert lines.next_line(255) == b"NOOP"


def test_a_line_without_an_end_is_given_up():
    lines = smtp_buffer(b"x" * 1000)
    with pytest.raises(RemoteProtocolError):
        lines.next_line(512)
    piece = b"x" * (1024 * 1024)
    for _ in range(SKIP_LIMIT // len(piece) - 1):
        lines.feed(piece)
        assert lines.next_line(512) is None
    lines.feed(piece)
    with pytest.raises(RemoteProtocolError, match="without an end") as caught:
        lines.next_line(512)
    assert caught.value.fatal


def test_each_line_may_have_its_own_limit():
    lines = pop_buffer(b"AUTH PLAIN " + b"A" * 1000 + b"\r\n" + b"N" * 300 + b"\r\nNOOP\r\n")
    assert lines.starts_with(b"AUTH ")
    assert lines.next_line(4096) == b"AUTH PLAIN " + b"A" * 1000
    assert not lines.starts_with(b"AUTH ")
    with pytest.raises(RemoteProtocolError):
        lines.next_line(255)
    assert lines.next_line(255) == b"NOOP"


@pytest.mark.parametrize("length", [254, 255, 256, 999, 1000, 1001])
@pytest.mark.parametrize("is_whole", [True, False])
def test_what_holds_for_a_long_line_is_asked_where_one_is_long(length, is_whole):
    """The two limits, one of them asked for, are as good as the larger one; and nobody is asked about a short line."""
    octets = b"N" * (length - 2) + b"\r\n" if is_whole else b"N" * length
    asked, plain = pop_buffer(octets), pop_buffer(octets)
    questions = []

    def wider():
        questions.append(length)
        return 1000

    def line(*limits):
        try:
            return limits[0](*limits[1:])
        except RemoteProtocolError as error:
            return error.fault

    assert line(asked.next_line, 255, wider) == line(plain.next_line, 1000)
    assert bool(questions) == (length > 255 if is_whole else length >= 255)
    assert len(asked) == len(plain)


def test_the_rest_of_an_overlong_line_does_not_start_with_anything():
    lines = pop_buffer(b"auth " + b"A" * 5000)
    assert lines.starts_with(b"AUTH ")
    with pytest.raises(RemoteProtocolError):
        lines.next_line(4096)
    assert not lines.starts_with(b"AUTH ")
    lines.feed(b"AUTH \r\nNOOP\r\n")
    assert not lines.starts_with(b"AUTH ")
    assert lines.starts_with(b"NOOP")
    assert lines.next_line(255) == b"NOOP"


def test_counted_octets_and_lines_alternate():
    lines = smtp_buffer(b"BDAT 5\r\na\r\nb\rQUIT\r\nrest")
    assert lines.next_line(512) == b"BDAT 5"
    assert lines.take(5) == b"a\r\nb\r"
    assert lines.next_line(512) == b"QUIT"
    assert lines.peek_all() == b"rest"
    assert len(lines) == 4
    assert lines.take_all() == b"rest"
    assert len(lines) == 0
    assert lines.take_all() == b""


def test_take_gives_what_there_is():
    lines = smtp_buffer(b"abc")
    assert lines.next_line(512) is None  # scanned, but not used
    assert lines.take(2) == b"ab"
    assert lines.take(10) == b"c"
    lines.feed(b"NOOP\r\n")
    assert lines.next_line(512) == b"NOOP"


def test_many_pipelined_lines_do_not_pile_up():
    lines = pop_buffer(b"NOOP\r\n" * 50_000)
    given = 0
    while lines.next_line(255) is not None:
        given += 1
    assert given == 50_000
    assert len(lines) == 0
