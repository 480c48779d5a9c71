"""Messages made readable."""

from postane.talk.reading import readable

MIXED = b"""From: =?utf-8?q?Mar=C5=9Fall?= <m@example.org>
To: a@example.org,
\tb@example.org
Subject: =?utf-8?b?xLBsayBtZWt0dXA=?=
Received: from nobody
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Merhaba d=C3=BCnya
--b
Content-Type: application/pdf; name=a.pdf
Content-Disposition: attachment; filename=a.pdf
Content-Transfer-Encoding: base64

AAAA
--b--
""".replace(b"\n", b"\r\n")


def test_fields_text_and_attachments():
    assert list(readable(MIXED)) == [
        "From:     Marşall <m@example.org>",
        "To:       a@example.org, b@example.org",
        "Subject:  İlk mektup",
        "",
        "Merhaba dünya",
        "",
        "[1] a.pdf, application/pdf, 3 octets",
    ]


def test_html_alone_is_read_as_text():
    octets = b"Content-Type: text/html\r\n\r\n<style>p{}</style><p>One &amp; <b>two</b></p><p>three</p>\r\n"
    assert list(readable(octets))[1:] == ["One & two", "three"]


def test_plain_text_is_preferred_to_html():
    octets = (
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>h</p>\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b--\r\n"
    )
    lines = list(readable(octets))
    assert lines[1] == "plain"
    assert lines[-1].startswith("[1] without a name, text/html")


def test_what_has_no_text_says_so():
    assert "(there is no text in it)" in list(readable(b"Content-Type: image/png\r\n\r\nx\r\n"))


def test_nothing_that_arrives_stops_it():
    for octets in (
        b"",
        b"\xff\xfe\x00",
        b"Content-Type: text/plain; charset=nonsense\r\n\r\nd\xc3\xbc\r\n",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary\r\n",
        b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx\r\n",
        b"Subject: =?utf-8?b?####?=\r\nFrom: <<<>>>@@\r\nDate: never\r\n\r\nx\r\n",
        b'Content-Disposition: attachment; filename*=nonsense\'\'%ff\r\n\r\nx\r\n',
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n###\r\n",
    ):  # fmt: skip
        assert all(isinstance(line, str) for line in readable(octets))


def test_a_message_within_a_message_is_told():
    octets = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee below\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx\r\n--b--\r\n"
    )
    assert list(readable(octets))[-1].startswith("[1] without a name, message/rfc822")
