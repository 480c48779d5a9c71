"""Names and passwords in one form, however they were typed.

RFC 4013 s2 (SASLprep), RFC 3454 s7 (query and stored strings), which RFC 6856 s2.2 and RFC 4616 s2 ask for. ASCII
without control characters is its own form.

Must not know: whose name it is.
"""

import stringprep
import unicodedata

_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


class Unprepared(ValueError):
    """The text has a character that no name and no password may have; which one is not told."""


def saslprep(text: str, *, is_query: bool = True) -> str:
    """The one form of a text. A stored string must not have characters that Unicode 3.2 did not have.

    Raises Unprepared. Surrogate escapes, which stand for octets that are no UTF-8, are refused.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = "".join(_mapped(letter) for letter in text)
    form = unicodedata.normalize("NFKC", kept)  # RFC 4013 s2.2
    if any(is_in(letter) for letter in form for is_in in _PROHIBITED):  # RFC 4013 s2.3
        raise Unprepared("a character is not allowed")
    if not is_query and any(map(stringprep.in_table_a1, form)):  # RFC 4013 s2.5
        raise Unprepared("a character is not assigned")
    _check_directions(form)
    return form


def _mapped(letter: str) -> str:
    """RFC 4013 s2.1."""
    if stringprep.in_table_c12(letter):
        return " "
    return "" if stringprep.in_table_b1(letter) else letter


def _check_directions(text: str) -> None:
    """RFC 4013 s2.4, which is RFC 3454 s6: text from right to left is so throughout."""
    if any(map(stringprep.in_table_d1, text)):
        is_mixed = any(map(stringprep.in_table_d2, text))
        if is_mixed or not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])):
            raise Unprepared("letters of both directions are mixed")
