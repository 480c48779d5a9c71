"""URLs of servers to speak with."""

import pytest

from postane.talk.urls import TalkUrl, parse_talk_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("pop3://host", TalkUrl("pop3", "host", 110)),
        ("pop3s://mrose@host:1995", TalkUrl("pop3", "host", 1995, True, user="mrose")),
        ("pop://mrose;AUTH=CRAM-MD5@host", TalkUrl("pop3", "host", 110, user="mrose", mechanism="CRAM-MD5")),
        ("pop2://host", TalkUrl("pop2", "host", 109)),
        ("pop1s://host:1090", TalkUrl("pop1", "host", 1090, True)),
        ("smtp://host", TalkUrl("smtp", "host", 25)),
        ("smtps://[::1]", TalkUrl("smtp", "::1", 465, True)),
        ("submissions://host", TalkUrl("smtp", "host", 465, True)),
        ("submission://a%40b@host/", TalkUrl("smtp", "host", 587, user="a@b")),
        ("SMTP://host:2525", TalkUrl("smtp", "host", 2525)),
        ("smtp://host:110", TalkUrl("smtp", "host", 110)),
        ("lmtp://host", TalkUrl("lmtp", "host", 24)),
        ("lmtp:///run/lmtp.sock", TalkUrl("lmtp", "localhost", 0, path="/run/lmtp.sock")),
        ("lmtp+unix:/run/lmtp.sock", TalkUrl("lmtp", "localhost", 0, path="/run/lmtp.sock")),
        ("lmtp+unix:///run/a%20b", TalkUrl("lmtp", "localhost", 0, path="/run/a b")),
        ("pop3+unix:/run/pop", TalkUrl("pop3", "localhost", 0, path="/run/pop")),
    ],
)
def test_a_url_is_read(text, url):
    assert parse_talk_url(text) == url


@pytest.mark.parametrize("text", ["", "host", "imap://host", "pop1://host", "smtp://", "smtp://host:0", "imap:///x"])
def test_a_wrong_one_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_talk_url(text)


def test_a_password_is_never_repeated():
    with pytest.raises(ValueError, match=r"port") as caught:
        parse_talk_url("smtp://mrose:tanstaaf@host:x")
    assert "tanstaaf" not in str(caught.value)
    assert "tanstaaf" not in repr(parse_talk_url("smtp://mrose:tanstaaf@host"))
