"""Mail that somebody made to stop its reader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.client.mail_parsing import parse_headers, parse_message

DEEP = b"".join(
    b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (depth, depth) for depth in range(1200)
)
HOSTILE = [
    b"",
    b"\x00\xff\r\n",
    DEEP,
    b"Content-Type: message/rfc822\r\n\r\n" * 3000,
    b"Content-Type: " + b"(" * 5000 + b"\r\nSubject: one\r\n\r\nx",
    b"Content-Disposition: attachment; filename*1*=\xff; filename*0*=utf-8''%ff\r\n\r\n",
    b"From: a,a,<\r\nSubject: =?utf-8?q?=?= =?x?b?!!?=\r\nMessage-ID: <\r\nDate: 99 Foo\r\nTo: @@@,<<>>;:\r\n\r\n",
    b"Content-Transfer-Encoding: \r\nContent-Type: text/plain; charset*=\r\n\r\n",
    b"no header at all",
]


@pytest.mark.parametrize("octets", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("parse", [parse_message, parse_headers])
def test_it_is_read_as_far_as_it_can_be(octets, parse):
    message = parse(octets)
    for name, value in message.items():
        assert isinstance(name + str(value), str)


def test_a_field_that_cannot_be_read_is_plain_text():
    message = parse_message(HOSTILE[4])
    assert message["content-type"].startswith("((((")
    assert message["subject"] == "one"


def test_mail_as_it_should_be():
    octets = b"Subject: =?utf-8?q?caf=C3=A9?=\r\nTo: A <a@example.org>\r\n\r\nHello.\r\n"
    message = parse_message(octets)
    assert (message["subject"], message["to"].addresses[0].domain) == ("café", "example.org")
    assert message.get_content() == "Hello.\r\n"
    assert parse_headers(octets).get_payload() == ""


@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda value: b"Content-Type: " + value + b"\r\n\r\n"))
def test_any_octets_are_a_message(octets):
    for parse in (parse_message, parse_headers):
        for name, value in parse(octets).items():
            assert isinstance(name + str(value), str)


@pytest.mark.parametrize(
    "field",
    [
        b"text/plain; charset=foo",
        b'text/plain; charset="utf\0"',
        b"text/plain; charset=rot13",
        b"text/plain; charset=idna",
        b"text/html; charset*=bla''x",
        b'text/plain; charset="=?utf-8?q?x?="',
    ],
)
def test_a_text_in_an_encoding_that_nobody_knows_is_a_text(field):
    octets = b"Content-Type: " + field + b"\r\n\r\ncaf\xc3\xa9 \xff" + b"x" * 70 + b"\r\n"
    message = parse_message(octets)
    assert message.get_body(("plain", "html")).get_content().startswith("café \N{REPLACEMENT CHARACTER}x")
    several = b"Content-Type: multipart/mixed; boundary=z\r\n\r\n--z\r\n" + octets + b"--z--\r\n"
    (part,) = parse_message(several).iter_parts()
    assert part.get_content().startswith("café")


def test_what_is_no_text_has_a_content_or_has_not_as_ever():
    message = parse_message(b"Content-Type: multipart/mixed; boundary=z\r\n\r\n--z\r\n\r\nx\r\n--z--\r\n")
    with pytest.raises(KeyError):
        message.get_content()
    picture = parse_message(b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\neHg=\r\n")
    assert picture.get_content() == b"xx"
    picture.set_content("now a text")
    assert picture.get_content() == "now a text\n"
