"""POP URLs, there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.client.urls import PopUrl, Version, format_url, parse_url

POP3 = Version.POP3


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("pop3s://mail.example.org", PopUrl(POP3, "mail.example.org", 995, True)),
        ("pop3://mrose@mail.example.org", PopUrl(POP3, "mail.example.org", 110, user="mrose")),
        ("POP3S://mrose@h:8995/", PopUrl(POP3, "h", 8995, True, "mrose")),
        ("pop2://fred@h", PopUrl(Version.POP2, "h", 109, user="fred")),
        ("pop1://fred@h:1090", PopUrl(Version.POP1, "h", 1090, user="fred")),
        ("pop1s://h:1091", PopUrl(Version.POP1, "h", 1091, True)),
        # RFC 2384 s7
        ("pop://rg@mailsrv.qualcomm.com", PopUrl(POP3, "mailsrv.qualcomm.com", 110, user="rg")),
        (
            "pop://rg;AUTH=+APOP@mail.eudora.com:8110",
            PopUrl(POP3, "mail.eudora.com", 8110, user="rg", mechanism="APOP"),
        ),
        ("pop://baz;AUTH=SCRAM-MD5@foo.bar", PopUrl(POP3, "foo.bar", 110, user="baz", mechanism="SCRAM-MD5")),
        ("pop://baz;auth=*@foo.bar", PopUrl(POP3, "foo.bar", 110, user="baz")),
        ("pop://;AUTH=plain@foo.bar", PopUrl(POP3, "foo.bar", 110, mechanism="PLAIN")),
        ("pop3://me%40example.org:p%3Aw%40rd@[::1]:1110", PopUrl(POP3, "::1", 1110, False, "me@example.org", "p:w@rd")),
        ("pop3://me@example.org@pop.example.org", PopUrl(POP3, "pop.example.org", 110, user="me@example.org")),
        ("pop3://[fe80::1%25eth0]", PopUrl(POP3, "fe80::1%eth0", 110)),
        ("pop3://a:b:c@h", PopUrl(POP3, "h", 110, False, "a", "b:c")),
        ("pop3://t%C3%BCr:%C5%9F@h", PopUrl(POP3, "h", 110, False, "tür", "ş")),
    ],
)
def test_a_url_is_read(text, url):
    assert parse_url(text) == url
    assert parse_url(format_url(url)) == url


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("imap://h", "begins with pop3s://"),
        ("mail.example.org", "begins with pop3s://"),
        ("pop3://", "names no host"),
        ("pop3://user@", "names no host"),
        ("pop3://[::1", "names no host"),
        ("pop3://h:0", "port from 1 to 65535"),
        ("pop3://h:70000", "port from 1 to 65535"),
        ("pop3://h:x", "port from 1 to 65535"),
        ("pop3://h/INBOX", "port from 1 to 65535"),
        ("pop3://h?x=y", "port from 1 to 65535"),
        ("pop1://h", "write pop1://h:PORT"),
        ("pop2s://h", "write pop2s://h:PORT"),
        ("pop3://u;AUTH=a;AUTH=b@h", "two mechanisms"),
        ("pop3://u;AUTH=+MD7@h", "name of a SASL mechanism"),
        ("pop3://u%0d%0aDELE@h", "user has a control character"),
        ("pop3://u:a%0ab@h", "password has a control character"),
        ("pop3://u:100%@h", "written as %25"),
        ("pop3://u:%ff@h", "not UTF-8"),
    ],
)
def test_what_is_wrong_is_told(text, words):
    with pytest.raises(ValueError, match=words) as caught:
        parse_url(text)
    assert "100" not in str(caught.value)


def test_a_password_is_not_shown():
    url = parse_url("pop3s://mrose:tanstaaf@h")
    assert "tanstaaf" not in f"{url} {url!r}"
    assert str(url) == "pop3s://mrose@h"


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@given(
    st.sampled_from(Version),
    st.sampled_from(["h", "mail.example.org", "::1", "192.0.2.1"]),
    st.integers(1, 65535),
    st.booleans(),
    WORDS | st.none(),
    WORDS | st.just(""),
    st.sampled_from([None, "APOP", "USER", "SCRAM-SHA-256"]),
)
def test_what_is_written_is_read_again(version, host, port, is_tls, user, password, mechanism):
    url = PopUrl(version, host, port, is_tls, user, password if user else None, mechanism)
    assert parse_url(format_url(url)) == url


@given(st.text(max_size=40).map(lambda text: f"pop3://{text}") | st.text(max_size=40))
def test_any_text_is_a_url_or_an_error(text):
    try:
        url = parse_url(text)
    except ValueError:
        return
    assert url.host
    assert parse_url(format_url(url)) == url
