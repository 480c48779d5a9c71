"""The URLs of mailboxes and folders."""

import pytest

from postane.fetching.places import Place, parse_place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("pop3s://you@h", Place("pop3", "h", 995, True, "you")),
        ("pop3://you:secret@h:1110", Place("pop3", "h", 1110, False, "you", "secret")),
        ("pop://you;AUTH=+APOP@h", Place("pop3", "h", 110, False, "you", mechanism="APOP")),  # RFC 2384
        ("pop2://h", Place("pop2", "h", 109, False)),
        ("pop1s://h:1091", Place("pop1", "h", 1091, True)),
        ("imaps://you@h", Place("imap", "h", 993, True, "you")),
        ("imap://you@h/", Place("imap", "h", 143, False, "you")),
        ("imaps://you%40example.org:p%2Fw@h:9993/Old%20mail/1999", None),
        ("imaps://you@[::1]/Work", Place("imap", "::1", 993, True, "you", folder="Work")),
        ("imaps://you@[::1]:9993/Work", Place("imap", "::1", 9993, True, "you", folder="Work")),
    ],
)
def test_a_url_says_where_mail_is(text, place):
    whole = Place("imap", "h", 9993, True, "you@example.org", "p/w", folder="Old mail/1999")
    assert parse_place(text) == (place or whole)


@pytest.mark.parametrize(
    "text",
    ["https://you:hidden@h", "pop3://you:hidden@h:x", "imap://you:hidden@", "hidden", "imaps://you:hidden@h:0/x"],
)
def test_what_is_wrong_is_told_without_the_password(text):
    with pytest.raises(ValueError, match=r"\w") as raised:
        parse_place(text)
    assert "hidden" not in str(raised.value)


def test_a_password_is_not_shown():
    assert "hidden" not in repr(parse_place("imaps://you:hidden@h"))
