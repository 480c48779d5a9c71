"""Replies as octets."""

import pytest

from postane.smtp import replies
from postane.smtp.replies import BY_FAULT, Reply, format_reply
from postane.wire.chart import Outcome
from postane.wire.errors import Fault

ALL = [value for value in vars(replies).values() if isinstance(value, Reply)]


def test_one_line() -> None:
    assert format_reply(Reply(250, "2.1.0", ("ok",))) == b"250 2.1.0 ok\r\n"


def test_more_lines_have_hyphens_and_all_have_the_status() -> None:
    reply = Reply(214, "2.0.0", ("a", "b", "c"))
    assert format_reply(reply) == b"214-2.0.0 a\r\n214-2.0.0 b\r\n214 2.0.0 c\r\n"


def test_no_status_where_there_is_none() -> None:
    assert format_reply(replies.hello("h", ["X", "Y 1"])) == b"250-h\r\n250-X\r\n250 Y 1\r\n"


def test_nothing_ends_a_line_early() -> None:
    assert format_reply(Reply(500, "5.0.0", ("a\r\n250 b\0\u00e9",))) == b"500 5.0.0 a  250 b ?\r\n"


def test_a_long_line_is_cut() -> None:
    assert len(format_reply(Reply(500, "5.0.0", ("x" * 1000,)))) == 512


@pytest.mark.parametrize(
    ("code", "outcome"), [(250, Outcome.ACCEPTED), (354, Outcome.CONTINUED), (421, Outcome.REFUSED)]
)
def test_the_first_digit_tells_the_outcome(code: int, outcome: Outcome) -> None:
    assert Reply(code, "", ("",)).outcome is outcome


@pytest.mark.parametrize("reply", ALL, ids=lambda reply: reply.lines[0])
def test_code_and_status_agree(reply: Reply) -> None:
    """RFC 2034 s4: the first digits are the same; 354 has no status."""
    assert reply.enhanced[:1] == ("" if reply.code == 354 else str(reply.code)[0])


def test_every_fault_has_a_reply() -> None:
    assert set(BY_FAULT) == set(Fault)
