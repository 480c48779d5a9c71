"""A mailbox as one stream, by hand; tests/properties/test_mboxrd.py has any messages and any split."""

import pytest

from postane.mail.mboxrd import (
    POSTMARK_LIMIT,
    BadMailbox,
    MessageEnd,
    Piece,
    Postmark,
    Quoter,
    Splitter,
    format_postmark,
    parse_postmark,
)

THEN = 532981368.0


def test_a_postmark_is_as_asctime_writes_it_in_utc():
    assert format_postmark("smith@isi.example", THEN) == b"From smith@isi.example Fri Nov 21 18:22:48 1986\r\n"
    assert format_postmark("a", 0.9) == b"From a Thu Jan  1 00:00:00 1970\r\n"


def test_nobody_sent_it():
    assert format_postmark("", 0.0) == b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\r\n"
    assert parse_postmark(b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\r\n") == Postmark("", 0.0)


def test_a_sender_cannot_end_the_line():
    line = format_postmark("a\r\nFrom b\n\x7f" + "x" * 5000, 0.0)
    assert line.startswith(b"From a??From b??xxx")
    assert line.count(b"\n") == 1
    assert len(line) < POSTMARK_LIMIT


@pytest.mark.parametrize(
    ("line", "sender"),
    [
        (b"From a@b", "a@b"),
        (b"From a@b yesterday", "a@b"),
        (b"From a Thu Xyz  1 00:00:00 1970", "a"),
        (b"From a Thu Jan 32 00:00:00 1970", "a"),
        (b"From a Thu Jan  1 24:00:00 1970", "a"),
        (b"From a Thu Jan  1 00:00:00 0000", "a"),
        (b"From ", ""),
    ],
)
def test_other_programs_postmarks_have_at_least_a_sender(line, sender):
    assert parse_postmark(line) == Postmark(sender, None)


def test_only_what_looks_like_a_postmark_is_quoted():
    quoter = Quoter()
    body = b"From a\r\n>From b\r\n>>From c\r\n From d\r\n> From e\r\nFromage\r\nx From f\r\nfrom g\r\n"
    assert quoter.feed(body) == (
        b">From a\r\n>>From b\r\n>>>From c\r\n From d\r\n> From e\r\nFromage\r\nx From f\r\nfrom g\r\n"
    )
    assert quoter.finish() == b"\r\n"


def test_a_bare_lf_hides_no_postmark():
    quoter = Quoter()
    assert quoter.feed(b"a\nFrom b\n") == b"a\n>From b\n"


def test_a_last_line_without_an_end_gets_one():
    quoter = Quoter()
    assert quoter.feed(b"abc") + quoter.finish() == b"abc\r\n\r\n"


def test_endless_quotes_are_not_held():
    quoter, splitter = Quoter(), Splitter()
    quotes = b">" * 100_000
    assert quoter.feed(quotes) == quotes
    assert quoter.feed(b"From x\r\n") == b">From x\r\n"
    splitter.feed(b"From a\r\n")
    assert splitter.feed(quotes) == [Piece(quotes[1:])]
    assert splitter.feed(b"From x\r\n") == [Piece(b"From x\r\n")]


def test_two_messages_and_the_empty_line_between_them():
    splitter = Splitter()
    parts = splitter.feed(b"From a Thu Jan  1 00:00:00 1970\r\none\r\n\r\n\r\nFrom b Thu Jan  1 00:00:01 1970\r\n\r\n")
    parts += splitter.finish()
    assert parts == [
        Postmark("a", 0.0),
        Piece(b"one\r\n\r\n"),
        MessageEnd(),
        Postmark("b", 1.0),
        MessageEnd(),
    ]


def test_other_programs_mailboxes_may_lack_the_empty_line():
    splitter = Splitter()
    parts = splitter.feed(b"From a\r\none\r\nFrom b\r\ntwo\r\n") + splitter.finish()
    assert [part.octets for part in parts if isinstance(part, Piece)] == [b"one\r\n", b"two\r\n"]


def test_an_empty_mailbox_has_no_messages():
    assert Splitter().finish() == []


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"Subject: x\r\n", "does not begin with a postmark"),
        (b"\r\n", "does not begin with a postmark"),
        (b"x", "does not begin with a postmark"),
        (b"From a Thu", "breaks off inside a postmark"),
        (b"From a\r\nx\r\n\r\nFrom b", "breaks off inside a postmark"),
        (b"From " + b"x" * POSTMARK_LIMIT, "without an end"),
    ],
)
def test_what_is_no_mailbox_is_told(octets, words):
    splitter = Splitter()
    with pytest.raises(BadMailbox, match=words):
        splitter.feed(octets) + splitter.finish()
