"""What becomes of each kind of field; what holds for any octets is in tests/properties/test_downgrade.py."""

import email
import email.policy

import pytest

from postane.mail.downgrade import HEADER_LIMIT, NOBODY, downgrade_header


def field(text: str) -> str:
    return downgrade_header(f"{text}\r\n".encode()).decode("ascii")


def read(text: str) -> email.message.EmailMessage:
    return email.message_from_bytes(downgrade_header(f"{text}\r\n\r\n".encode()), policy=email.policy.default)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        # RFC 6858 s2.1: an address that cannot be written is one that belongs to nobody
        ("From: fred@ü.example", f"From: =?utf-8?b?ZnJlZEDDvC5leGFtcGxl?=\r\n {NOBODY}"),
        ("To: a@b.example, fréd@x.example", f"To: a@b.example, =?utf-8?b?ZnLDqWRAeC5leGFtcGxl?=\r\n {NOBODY}"),
        ("Return-Path: <ü@b.example>", f"Return-Path: {NOBODY}"),
        # ... and one that can be stays what it is
        ('From: "Jörg" <joerg@b.example>', "From: =?utf-8?b?SsO2cmc=?= <joerg@b.example>"),
        ("Cc: Jörg <j@b.example> (ü), x@y", "Cc: =?utf-8?b?SsO2cmc=?= <j@b.example>, x@y"),
        ("Cc: Freunde: a@b, c@d;, Özel: e@f;", "Cc: Freunde: a@b, c@d; , =?utf-8?b?w5Z6ZWw=?=: e@f;"),
        ('Cc: "Doe, John" <j@d>, "Ü, x" <e@f>', "Cc: =?utf-8?q?Doe=2C_John?= <j@d>, =?utf-8?b?w5wsIHg=?= <e@f>"),
        # RFC 6858 s2.3
        ("Subject: Öğle yemeği", "Subject: =?utf-8?b?w5bEn2xlIHllbWXEn2k=?="),
        ("Subject: eins\r\n zwei drü", "Subject: =?utf-8?q?eins_zwei_dr=C3=BC?="),
        ("X-Anything: ü", "X-Anything: =?utf-8?b?w7w=?="),
        # RFC 6858 s2.2 would leave the parameter out, RFC 2231 can say it
        ("Content-Type: a/b; name=ü.txt", "Content-Type: a/b; name*=utf-8''%C3%BC.txt"),
        ('Content-Disposition: x; a="ü\\"; b=c"; d=e', "Content-Disposition: x; a*=utf-8''%C3%BC%22%3B%20b%3Dc; d=e"),
        ("Content-Type: a/b; ü=x; charset=y", "Content-Type: a/b; charset=y"),
    ],
)  # fmt: skip
def test_a_field_becomes(text, made):
    assert field(text) == f"{made}\r\n"


@pytest.mark.parametrize(
    "text",
    [
        "Message-ID: <ü@b>",
        "Received: from a by b for <ü@b>; Mon, 1 Jan 2024 00:00:00 +0000",
        "References: <a@b>\r\n <ü@c>",
        "DKIM-Signature: v=1; i=ü@b",
        "List-Id: ü",
        "Content-Type: ü/b",
        "To: " + "a" * 1000 + "@b, ü@c",
    ],
)
def test_what_cannot_be_said_is_left_out(text):
    """RFC 6858 s2.4."""
    assert field(text) == ""


@pytest.mark.parametrize(
    "text", ["Subject: plain", "X: =?utf-8?q?=C3=BC?=", "To: x\r\n\t y", " odd", "odd", "", "a\tb: c"]
)
def test_what_is_ascii_stays(text):
    made = downgrade_header(f"{text}\r\nSubject: ü\r\n\r\n".encode())
    assert made == f"{text}\r\nSubject: =?utf-8?b?w7w=?=\r\n\r\n".encode()


def test_a_line_that_is_no_field_keeps_its_length():
    assert downgrade_header("günaydın\r\n".encode()) == b"g??nayd??n\r\n"


def test_a_header_part_that_is_too_large_keeps_its_length():
    octets = b"Subject: \xc3\xbc\r\n" + b"X: y\r\n" * (HEADER_LIMIT // 6) + b"\r\n"
    assert downgrade_header(octets) == octets.replace(b"\xc3\xbc", b"??")


def test_octets_of_an_unknown_kind():
    assert downgrade_header(b"Subject: caf\xe9 au lait\r\n") == b"Subject: =?unknown-8bit?q?caf=E9_au_lait?=\r\n"
    assert downgrade_header(b"Content-Type: a/b; name=\xe9\r\n") == b"Content-Type: a/b\r\n"


def test_a_reader_sees_the_names_and_the_subject():
    message = read(
        "From: Gül Şahin <gül@örnek.example>, Ali <ali@örnek.example>\r\nTo: İpek <ipek@example.org>\r\n"
        "Subject: Çok uzun bir konu satırı, öyle ki bir satıra sığmaz, ikinci satıra da taşar mı bilinmez"
    )
    assert [each.display_name for each in message["From"].addresses] == [
        "Gül Şahin <gül@örnek.example>",
        "Ali <ali@örnek.example>",
    ]
    assert {each.addr_spec for each in message["From"].addresses} == {NOBODY.strip("<>")}
    assert message["To"].addresses[0].display_name == "İpek"
    assert message["To"].addresses[0].addr_spec == "ipek@example.org"
    assert message["Subject"].startswith("Çok uzun bir konu satırı, öyle ki")
    assert message["Subject"].endswith("taşar mı bilinmez")
