"""SASLprep, by the examples of RFC 4013 s3 and by each of its rules."""

import pytest

from postane.wire.saslprep import Unprepared, saslprep


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("I\u00adX", "IX"),  # RFC 4013 s3: SOFT HYPHEN mapped to nothing
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b\u3000c", "a b c"),  # RFC 4013 s2.1: spaces that are not ASCII
        ("o\u0308", "ö"),
        ("a b", "a b"),
        ("", ""),
        ("\u0627\u06281\u0627", "\u0627\u06281\u0627"),
        ("Şükrü-İ", "Şükrü-İ"),
    ],
)
def test_the_form(text, form):
    assert saslprep(text) == saslprep(form) == form


@pytest.mark.parametrize(
    "text",
    [
        "\x07",
        "a\tb",
        "\x7f",
        "\u0627\u0031",
        "\u0627a\u0627",
        "\ufffd",
        chr(0xDCFF),
        "\ue000",
        "\u200f\u0627",
        "\u2028",
    ],
)
def test_what_is_forbidden(text):
    with pytest.raises(Unprepared) as caught:
        saslprep(text)
    assert text not in str(caught.value)


def test_a_stored_string_has_no_unassigned_characters():
    assert saslprep("\U0001f512") == "\U0001f512"
    with pytest.raises(Unprepared):
        saslprep("\U0001f512", is_query=False)
