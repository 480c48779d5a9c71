"""Words in which nothing can be mistaken for header syntax."""

import pytest

from postane.mail.trace_words import format_date, format_literal, safe_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [("mail.example.org", "mail.example.org"), ("", "unknown"), ("a b\r\nX: y", "a?b??X:?y"), ("x" * 300, "x" * 255)],
)
def test_a_name_cannot_end_its_line(name, safe):
    assert safe_name(name) == safe


def test_literals_say_which_kind_they_are():
    assert format_literal("192.0.2.1") == "[192.0.2.1]"
    assert format_literal("2001:db8::1") == "[IPv6:2001:db8::1]"


def test_dates_are_english_and_in_utc():
    assert format_date(1_790_000_000.7) == "Mon, 21 Sep 2026 14:13:20 +0000"
