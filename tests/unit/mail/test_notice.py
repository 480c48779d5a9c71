import email
import email.policy

import pytest

from postane.mail.notice import DAY, Expiry, format_expiry_notice

NOW = 1_700_000_000.0


def make(messages: int = 3, retention: float = 30 * DAY, recipient: str = "anna", hostname: str = "post.test"):
    octets = format_expiry_notice(Expiry(messages, 4321, NOW + 3 * DAY, retention), recipient, hostname, NOW)
    return octets, email.message_from_bytes(octets, policy=email.policy.default)


def test_it_says_what_will_go_and_when():
    octets, message = make()
    assert message["Subject"] == "3 messages will soon be removed from this server"
    assert message["To"] == "anna@post.test"
    text = message.get_content()
    assert "3 messages (4321 octets)" in text
    assert "after Fri, 17 Nov 2023 22:13:20 +0000" in text
    assert "kept here for 30 days" in text
    assert octets.endswith(b"\r\n")
    assert not any(line.startswith(b".") or len(line) > 998 for line in octets.split(b"\r\n"))


def test_nothing_answers_it():
    _, message = make()
    assert (message["Return-Path"], message["Auto-Submitted"]) == ("<>", "auto-generated")


@pytest.mark.parametrize(
    ("seconds", "words"), [(DAY, "1 day"), (1.5 * DAY, "1 day"), (2 * DAY, "2 days"), (30, "30 seconds")]
)
def test_how_long_mail_is_kept(seconds, words):
    assert f"kept here for {words}." in make(retention=seconds)[1].get_content()


def test_one_message_and_names_of_all_kinds():
    octets, message = make(messages=1, recipient="ayşe@örnek.test", hostname="x\r\nBcc: all@there")
    assert message["Subject"].startswith("1 message will")
    assert message["Bcc"] is None
    assert "Delivered-To: ayşe@örnek.test\r\n".encode() in octets
