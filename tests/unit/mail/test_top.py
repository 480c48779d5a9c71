"""What TOP shows."""

import pytest

from postane.mail.measure import measure
from postane.mail.top import TopCutter

HEADER = b"Subject: x\r\nTo: y\r\n\r\n"
BODY = b"one\r\n\r\nthree\r\nfour"


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("message", "lines", "shown"),
    [
        (HEADER + BODY, 0, HEADER),
        (HEADER + BODY, 1, HEADER + b"one\r\n"),
        (HEADER + BODY, 2, HEADER + b"one\r\n\r\n"),
        (HEADER + BODY, 4, HEADER + BODY),
        (HEADER + BODY, 10**9, HEADER + BODY),
        (HEADER, 5, HEADER),
        (b"Subject: no body\r\n", 5, b"Subject: no body\r\n"),
        (b"\r\nno header\r\nx\r\n", 1, b"\r\nno header\r\n"),
        (b"", 3, b""),
    ],
)
def test_the_header_never_counts(message: bytes, lines: int, shown: bytes, piece: int) -> None:
    cutter = TopCutter(measure(message).header_octets, lines)
    got = b""
    for start in range(0, len(message), piece):
        if cutter.is_done:
            break
        got += cutter.feed(message[start : start + piece])
    assert got == shown


def test_no_more_is_wanted_once_done() -> None:
    cutter = TopCutter(len(HEADER), 1)
    cutter.feed(HEADER)
    assert not cutter.is_done
    cutter.feed(b"one\r\n")
    assert cutter.is_done
