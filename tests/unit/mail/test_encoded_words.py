"""Encoded words and extended parameters, read back by Python's own email package."""

import email.header
import email.message
import email.utils

import pytest

from postane.mail.encoded_words import LINE_LIMIT, WORD_LIMIT, encoded_words, extended_parameter, fold


def read(words: list[str]) -> str:
    return str(email.header.make_header(email.header.decode_header(" ".join(words))))


@pytest.mark.parametrize(
    "text", ["é", "Grüße aus İstanbul", "日本語" * 30, "a" * 100 + "ü" * 100, "?=_ ü", "😀" * 20, " ü "]
)
@pytest.mark.parametrize("used", [0, 8, 30, 200])
def test_words_are_read_as_the_same_text(text, used):
    words = encoded_words(text.encode(), used)
    assert read(words) == text
    assert all(len(word) <= WORD_LIMIT for word in words)
    if used == 30:
        assert len(words[0]) + used <= WORD_LIMIT


def test_the_shorter_encoding_is_taken():
    assert encoded_words("Grüße".encode()) == ["=?utf-8?b?R3LDvMOfZQ==?="]
    assert encoded_words("Viele schöne Tage".encode()) == ["=?utf-8?q?Viele_sch=C3=B6ne_Tage?="]


def test_octets_that_are_no_utf_8_are_passed_on():
    assert encoded_words(b"caf\xe9 au lait") == ["=?unknown-8bit?q?caf=E9_au_lait?="]
    words = encoded_words(bytes(range(128, 256)))
    assert b"".join(octets for word in words for octets, _ in email.header.decode_header(word)) == bytes(
        range(128, 256)
    )


@pytest.mark.parametrize("text", ["ü.txt", "日本語" * 40 + ".pdf", "a b'%*ü"])
def test_a_parameter_is_read_as_the_same_text(text):
    field = fold(
        "Content-Disposition", ["attachment;", *"; ".join(extended_parameter("filename", text.encode())).split()]
    )
    message = email.message_from_string(f"{field}\r\n")
    assert message.get_filename() == text
    assert all(len(line) <= LINE_LIMIT for line in field.split("\r\n"))


def test_fields_are_folded_where_a_word_ends():
    assert fold("To", ["a" * 70, "b", "c" * 90]) == f"To: {'a' * 70} b\r\n {'c' * 90}\r\n"
