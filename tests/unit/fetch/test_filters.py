"""Which messages are wanted, and whom they are for."""

import re

import pytest

from postane.fetch.account import Action, Filter, Multidrop
from postane.fetch.filters import decide, envelope_recipients, header_of, read_header, sender_of

HEADER = (
    b"Return-Path: <ada@example.org>\r\nX-Original-To: Anna@home.example\r\nX-Original-To: <bob@other.example>\r\n"
    b"Subject: a long\r\n subject\r\n\xff: \xfe\r\n\r\n"
)


@pytest.mark.parametrize(
    ("pattern", "action"),
    [("a long subject", Action.SKIP), ("^A", Action.FETCH), ("(?i)^A", Action.SKIP), ("nowhere", Action.FETCH)],
)
def test_a_filter_sees_a_field_on_one_line(pattern, action):
    filters = (Filter("SUBJECT", re.compile(pattern), Action.SKIP),)
    assert decide(filters, read_header(HEADER)) is action


@pytest.mark.parametrize(("subject", "action"), [("Grüße", Action.SKIP), ("Gr\udcfc\udcdfe", Action.FETCH)])
def test_a_filter_sees_letters_where_octets_are_utf_8(subject, action):
    header = f"Subject: {subject}\r\n\r\n".encode("utf-8", "surrogateescape")
    assert decide((Filter("Subject", re.compile("(?i)grüß"), Action.SKIP),), read_header(header)) is action


def test_the_first_filter_that_fits_counts():
    filters = tuple(Filter("Subject", re.compile("."), action) for action in (Action.DELETE, Action.SKIP))
    assert decide(filters, read_header(HEADER)) is Action.DELETE


@pytest.mark.parametrize(
    ("header", "sender"),
    [
        (HEADER, "ada@example.org"),
        (b"return-path:ada@example.org\r\n\r\n", "ada@example.org"),
        (b"Return-Path: <>\r\n\r\n", ""),
        (b"Subject: Return-Path: <x@y>\r\n\r\n", ""),
        (b"", ""),
    ],
)
def test_the_sender_is_that_of_the_first_return_path(header, sender):
    assert sender_of(header) == sender


@pytest.mark.parametrize(
    "value", [b"a" * 250_000, b"<" * 250_000, b"a@" * 125_000, b"@" * 250_000 + b"a", b'"' + b'\\"' * 125_000]
)
def test_no_field_takes_for_ever(value):
    """Each octet is looked at once or twice: with the square of them a message would hold everything up for minutes."""
    header = b"Return-Path: " + value + b"\r\n\r\n"
    sender_of(header)
    envelope_recipients(Multidrop("Return-Path"), read_header(header))


def test_whom_a_multidrop_holds_mail_for():
    fields = read_header(HEADER)
    assert envelope_recipients(Multidrop("x-original-to"), fields) == ("Anna@home.example", "bob@other.example")
    assert envelope_recipients(Multidrop("X-Original-To", frozenset({"home.example"})), fields) == (
        "Anna@home.example",
    )
    assert envelope_recipients(Multidrop("X-Original-To", prefix="An"), fields)[0] == "na@home.example"
    assert envelope_recipients(Multidrop("Envelope-To"), fields) == ()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ('"anna@home.example bob"@other.example', ()),
        ('<"a b"@home.example>, bob@home.example', ("bob@home.example",)),
        ('"Anna, <eve@evil.example>" <anna@home.example>', ("anna@home.example",)),
        (r'"a\" eve@evil.example "@home.example', ()),
        ('"never closed eve@evil.example', ()),
        ("-rf@home.example --version@home.example", ()),
        ("u$(touch pwn)@home.example", ()),
        ("anna@home.example@evil.example, @a:b@c", ()),
        ("anna+list=x/y@home.example; jürgen@bücher.example", ("anna+list=x/y@home.example", "jürgen@bücher.example")),
        ("postmaster@[192.0.2.7]", ("postmaster@[192.0.2.7]",)),
    ],
)
def test_what_is_no_plain_address_names_nobody(value, found):
    fields = read_header(f"X-Original-To: {value}\r\n\r\n".encode())
    assert envelope_recipients(Multidrop("X-Original-To"), fields) == found


def test_the_header_part_ends_at_the_empty_line():
    assert header_of(b"A: b\r\n\r\nbody\r\n\r\n") == b"A: b\r\n\r\n"
    assert header_of(b"A: b\r\n") == b"A: b\r\n"


def test_what_is_too_long_is_no_address():
    assert sender_of(b"Return-Path: <" + b"a" * 200_000 + b"@example.org>\r\n\r\n") == ""
    fields = read_header(b"X-To: " + b"a" * 600 + b"@example.org, anna@example.org\r\n\r\n")
    assert envelope_recipients(Multidrop("X-To"), fields) == ("anna@example.org",)
