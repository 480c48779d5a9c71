"""Trace fields: their form, and that nobody can write one of his own into them."""

from dataclasses import replace
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.mail.address import Address
from postane.mail.trace import Passage, Protocol, format_trace, with_word
from postane.mail.trace_words import format_date

JOE = Address("joe", "example.org")
SENDER = Address("smith", "bar.com")
PASSAGE = Passage("bar.com", "192.0.2.7", Protocol.ESMTP, "s1.1", 1_000_000_000.0)


def test_all_fields_in_their_order() -> None:
    assert format_trace(SENDER, JOE, PASSAGE, "foo.com") == (
        b"Return-Path: <smith@bar.com>\r\n"
        b"Delivered-To: joe@example.org\r\n"
        b"Received: from bar.com ([192.0.2.7])\r\n"
        b"\tby foo.com with ESMTP id s1.1\r\n"
        b"\tfor <joe@example.org>;\r\n"
        b"\tSun, 9 Sep 2001 01:46:40 +0000\r\n"
    )


def test_the_null_path_and_a_peer_without_address() -> None:
    octets = format_trace(None, Address("joe"), replace(PASSAGE, host="", protocol=Protocol.LMTP), "foo.com")
    assert octets.startswith(
        b"Return-Path: <>\r\nDelivered-To: joe\r\nReceived: from bar.com\r\n\tby foo.com with LMTP "
    )


def test_an_ipv6_peer() -> None:
    octets = format_trace(None, JOE, replace(PASSAGE, host="2001:db8::1"), "foo.com")
    assert b"from bar.com ([IPv6:2001:db8::1])\r\n" in octets


@pytest.mark.parametrize(
    ("passage", "word"),
    [
        (replace(PASSAGE, protocol=Protocol.SMTP), "SMTP"),
        (PASSAGE, "ESMTP"),
        (replace(PASSAGE, is_encrypted=True), "ESMTPS"),
        (replace(PASSAGE, is_authenticated=True), "ESMTPA"),
        (replace(PASSAGE, is_encrypted=True, is_authenticated=True), "ESMTPSA"),
        (replace(PASSAGE, protocol=Protocol.LMTP), "LMTP"),
        (replace(PASSAGE, protocol=Protocol.LMTP, is_encrypted=True), "LMTPS"),
        (replace(PASSAGE, is_utf8=True), "UTF8SMTP"),
        (replace(PASSAGE, is_utf8=True, is_encrypted=True, is_authenticated=True), "UTF8SMTPSA"),
        (replace(PASSAGE, is_utf8=True, protocol=Protocol.LMTP), "UTF8LMTP"),
    ],
)
def test_the_word_after_with(passage: Passage, word: str) -> None:
    assert with_word(passage) == word


@pytest.mark.parametrize("seconds", [0.0, 951_782_400.5, 1_000_000_000.9, 4_102_444_799.0])
def test_a_date_is_read_back_by_others(seconds: float) -> None:
    assert parsedate_to_datetime(format_date(seconds)).timestamp() == int(seconds)


_NASTY = ["a\r\nX-Evil: 1", "a\n\n", "\r\n\r\nbody", "x) (y", "x; Mon, 1 Jan", "a\u2028b", "a\0", "\ud800", "x" * 2000]
_HOSTILE = st.one_of(st.text(max_size=60), st.sampled_from(_NASTY))


@given(_HOSTILE, _HOSTILE, _HOSTILE, st.sampled_from(["192.0.2.7", "", "2001:db8::1"]))
def test_no_value_can_begin_a_field_or_end_the_header(helo: str, local_part: str, domain: str, host: str) -> None:
    passage = replace(PASSAGE, helo=helo, host=host)
    octets = format_trace(Address(local_part, domain), Address(domain, local_part), passage, "foo.com")
    lines = octets.split(b"\r\n")
    assert lines.pop() == b""
    assert [line.split(b":")[0] for line in lines if not line.startswith(b"\t")] == [
        b"Return-Path",
        b"Delivered-To",
        b"Received",
    ]
    assert len(lines) == 6
    assert not any(octet < 32 and octet != 9 for line in lines for octet in line)
    message = message_from_bytes(octets + b"\r\nbody", policy=policy.compat32)
    assert message.keys() == ["Return-Path", "Delivered-To", "Received"]


def test_a_helo_of_header_syntax_stays_one_word() -> None:
    octets = format_trace(SENDER, JOE, replace(PASSAGE, helo="x) by evil (c\r\nX: y"), "foo.com")
    assert b"Received: from x??by?evil??c??X:?y ([192.0.2.7])\r\n" in octets


def test_no_helo_at_all() -> None:
    assert b"from unknown ([" in format_trace(SENDER, JOE, replace(PASSAGE, helo=""), "foo.com")
