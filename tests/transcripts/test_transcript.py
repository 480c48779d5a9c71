"""The player of transcripts itself: it must be able to fail."""

import pytest

from support.receiving import ReceivingOffice
from support.transcript import Pace, Turn, Who, parse_transcript, play

GREETED = "S: 220 foo.com ESMTP Postane\n"


def test_every_kind_of_line_is_read() -> None:
    text = "# nothing\n\nS: 220 ...\nC: NOOP\nC:\nC| a\\r\\n\\0\\\\b\\xff\nM: box 1\nE:\n"
    assert parse_transcript(text) == [
        Turn(Who.SERVER, b"220 ...", 3),
        Turn(Who.CLIENT, b"NOOP\r\n", 4),
        Turn(Who.CLIENT, b"\r\n", 5),
        Turn(Who.CLIENT, b"a\r\n\0\\b\xff", 6),
        Turn(Who.MARK, b"box 1", 7),
        Turn(Who.END, b"", 8),
    ]


def test_a_line_of_nobody_is_an_error() -> None:
    with pytest.raises(ValueError, match="line 2"):
        parse_transcript("C: NOOP\nX: what\n")


@pytest.mark.parametrize("pace", list(Pace))
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("S: 220 bar.com ...\n", "'220 foo.com ESMTP Postane' was said"),
        (GREETED + "C: NOOP\nS: 250 2.0.0 don ...\nS: 250\n", "the server said nothing more"),
        (GREETED + "C: NOOP\n", "was said and not expected"),
        (GREETED + "C: QUIT\nS: 221 ...\nS: 221\n", "the server said nothing more"),
        (GREETED + "C: NOOP\nS: 250 ...\nE:\n", "the server goes on"),
    ],
)
async def test_what_was_not_expected_fails(text: str, complaint: str, pace: Pace) -> None:
    with pytest.raises(AssertionError, match=complaint):
        await play(parse_transcript(text), ReceivingOffice().session(), pace)


@pytest.mark.parametrize("pace", list(Pace))
async def test_marks_are_checked(pace: Pace) -> None:
    marks = []

    async def check(mark: str) -> None:
        marks.append(mark)

    await play(parse_transcript(GREETED + "M: one\nM: two\n"), ReceivingOffice().session(), pace, check)
    assert marks == ["one", "two"]


@pytest.mark.parametrize(
    ("body", "is_right"), [(b"220 foo.com ESMTP Postane\r\n250 ", True), (b"220 foo", False), (b"x", False)]
)
async def test_a_body_is_compared_octet_by_octet(body: bytes, is_right: bool) -> None:
    turns = parse_transcript("C: NOOP\nB: it\nS: 2.0.0 ...\n")
    playing = play(turns, ReceivingOffice().session(), Pace.AT_ONCE, bodies={"it": body})
    if is_right:
        await playing
    else:
        with pytest.raises(AssertionError, match=r"line 2|line 3"):
            await playing
