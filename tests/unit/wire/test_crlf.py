"""Line ends: found bare, mended, measured."""

import pytest

from postane.wire.crlf import PIECE, BareCheck, LengthCheck, Mender


def pieces(octets: bytes, step: int) -> list[bytes]:
    return [octets[at : at + step] for at in range(0, len(octets), step)]


@pytest.mark.parametrize("step", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("body", "has_bare"),
    [
        (b"", False),
        (b"a\r\nb\r\n", False),
        (b"\r\n\r\n", False),
        (b"no end", False),
        (b"a\nb", True),
        (b"a\rb", True),
        (b"\n", True),
        (b"\r", True),
        (b"a\r\n\r", True),
        (b"a\r\r\n", True),
        (b"a\n\r\n", True),
        (b"a\n\rb", True),
    ],
)
def test_bare_line_ends_are_found(body, has_bare, step):
    check = BareCheck()
    for piece in pieces(body, step):
        check.feed(piece)
    check.finish()
    assert check.has_bare is has_bare


@pytest.mark.parametrize("lead", [PIECE - 2, PIECE - 1, PIECE, 3 * PIECE - 1])
@pytest.mark.parametrize("body", [b"\r\n", b"\r", b"\n", b"\r\r\n", b"\n\r", b"\r\na", b"a\r\n"])
def test_much_at_once_is_looked_at_as_little_is(body, lead):
    at_once, in_pieces = BareCheck(), BareCheck()
    at_once.feed(bytes(lead) + body)
    for octet in bytes(lead) + body:
        in_pieces.feed(bytes([octet]))
    for check in (at_once, in_pieces):
        check.finish()
    assert at_once.has_bare is in_pieces.has_bare is (body.replace(b"\r\n", b"").strip(b"a") != b"")


@pytest.mark.parametrize("step", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("body", "mended"),
    [
        (b"", b""),
        (b"a\r\nb\r\n", b"a\r\nb\r\n"),
        (b"a\nb\rc", b"a\r\nb\r\nc"),
        (b"a\r", b"a\r\n"),
        (b"a\r\r\nb", b"a\r\n\r\nb"),
        (b"\n\r", b"\r\n\r\n"),
        (b"\n.\n", b"\r\n.\r\n"),
    ],
)
def test_bare_line_ends_are_mended(body, mended, step):
    mender = Mender()
    got = b"".join(mender.feed(piece) for piece in pieces(body, step)) + mender.finish()
    assert got == mended
    assert mender.finish() == b"", "what was kept back is given once"


@pytest.mark.parametrize("step", [1, 2, 3, 5, 6, 7, 100])
@pytest.mark.parametrize(
    ("body", "is_exceeded"),
    [
        (b"", False),
        (b"12345\r\n", False),
        (b"12345\n", False),
        (b"12345", False),
        (b"123456\r\n", True),
        (b"123456\n", True),
        (b"123456", True),
        (b"12345\r", False),
        (b"12345\r6\r\n", True),
        (b"1\r\n12345\r\n12345\r\n", False),
        (b"1\r\n123456\r\n1\r\n", True),
        (b"1\r\n12345\r\n123456", True),
    ],
)
def test_the_longest_line_is_measured(body, is_exceeded, step):
    check = LengthCheck(5)
    for piece in pieces(body, step):
        check.feed(piece)
    assert check.is_exceeded is is_exceeded
