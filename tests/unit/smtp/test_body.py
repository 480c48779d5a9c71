"""What is looked at in a message."""

import pytest

from postane.smtp.body import BareNewlines, BodyCheck, BodyLimits
from postane.smtp.commands import Verdict


def _verdict(octets: bytes, limits: BodyLimits) -> Verdict:
    check = BodyCheck(limits)
    for octet in octets:
        check.feed(bytes([octet]))
    check.finish()
    return check.verdict


LIMITS = BodyLimits(message=20, line=8)


@pytest.mark.parametrize(
    ("octets", "verdict"),
    [
        (b"", Verdict.SOUND),
        (b"12345678\r\n", Verdict.SOUND),
        (b"12345678", Verdict.SOUND),
        (b"123456789\r\n", Verdict.LONG_LINE),
        (b"a\nb", Verdict.BARE_NEWLINE),
        (b"a\r", Verdict.BARE_NEWLINE),
        (b"a\n1234567890", Verdict.LONG_LINE),
        (b"a\n" + b"x" * 30, Verdict.TOO_BIG),
        (b"ab\r\n" * 5, Verdict.SOUND),
        (b"ab\r\n" * 5 + b"c", Verdict.TOO_BIG),
    ],
)
def test_the_gravest_thing_is_told(octets: bytes, verdict: Verdict) -> None:
    assert _verdict(octets, LIMITS) is verdict


def test_mended_newlines_count_as_they_are_stored() -> None:
    limits = BodyLimits(message=3, line=8, bare_newlines=BareNewlines.CONVERT)
    check = BodyCheck(limits)
    assert check.feed(b"a\n") + check.finish() == b"a\r\n"
    assert (check.octets, check.verdict) == (3, Verdict.SOUND)
    assert _verdict(b"ab\n", limits) is Verdict.TOO_BIG


def test_what_is_wrong_already_is_not_given() -> None:
    check = BodyCheck(LIMITS)
    assert check.feed(b"ab\r\n") == b"ab\r\n"
    assert check.feed(b"c\nd") == b""
    assert check.feed(b"ef\r\n") == b""
