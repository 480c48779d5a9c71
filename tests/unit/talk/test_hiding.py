"""Secrets: where they are in a line, and what is shown instead."""

import pytest

from postane.talk.counted_speech import Pop1Speech, Pop2Speech
from postane.talk.hiding import hide, redact, secret_start, secrets_in
from postane.talk.pop3_speech import Pop3Speech
from postane.talk.smtp_speech import SmtpSpeech
from postane.talk.speech import Speech
from support.by_hand import hear

POP3 = b"+OK ready\r\n"


def make(kind: type[Speech], greeting: bytes, *turns: tuple[str, bytes]) -> Speech:
    speech = kind()  # type: ignore[call-arg]
    hear(speech, greeting)
    for line, reply in turns:
        speech.say(line)
        hear(speech, reply)
    return speech


def shown(speech: Speech, line: str) -> str:
    return hide(line, secret_start(speech, line))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("PASS tanstaaf", "PASS ****"),
        ("pass  tan staaf", "pass  ****"),
        (" PASS tanstaaf", " PASS ****"),
        ("PASS", "PASS"),
        ("PASS ", "PASS "),
        ("APOP mrose c4c9334bac560ecc979e58001b3e22fb", "APOP mrose ****"),
        ("APOP mrose", "APOP mrose"),
        ("AUTH PLAIN AG1yb3NlAHRhbg==", "AUTH PLAIN ****"),
        ("AUTH PLAIN", "AUTH PLAIN"),
        ("USER mrose", "USER mrose"),
        ("CAPA", "CAPA"),
        ("STAT", "STAT"),
        ("", ""),
        ("tanstaaf", "****"),
        ("bXJvc2U=", "****"),
        ("pasword tanstaaf", "****"),
        ("XFOO", "XFOO"),
        ("PSAS tanstaaf", "PSAS ****"),
    ],
)
def test_before_the_login_of_pop3(line, wanted):
    assert shown(make(Pop3Speech, POP3), line) == wanted


def test_after_user_whatever_is_no_command_is_taken_for_the_password():
    speech = make(Pop3Speech, POP3, ("USER mrose", b"+OK\r\n"))
    assert shown(speech, "TANSTAAF") == "****"
    assert shown(speech, "QUIT") == "QUIT"


def test_after_the_login_mistakes_are_shown():
    speech = make(Pop3Speech, POP3, ("USER mrose", b"+OK\r\n"), ("PASS x", b"+OK\r\n"))
    assert shown(speech, "retrieve 1") == "retrieve 1"
    assert shown(speech, "PASS again") == "PASS ****"


def test_a_response_is_a_secret_but_giving_up_is_none():
    speech = make(Pop3Speech, POP3, ("AUTH LOGIN", b"+ VXNlcm5hbWU6\r\n"))
    assert shown(speech, "bXJvc2U=") == "****"
    assert shown(speech, "*") == "*"


def test_while_it_is_typed_only_what_is_certain_is_hidden():
    speech = make(Pop3Speech, POP3)
    assert secret_start(speech, "us", is_complete=False) is None
    assert secret_start(speech, "PASS t", is_complete=False) == 5


def test_the_other_protocols():
    pop2, pop1 = make(Pop2Speech, b"+ POP2 h\r\n"), make(Pop1Speech, b"+OK\r\n")
    smtp = make(SmtpSpeech, b"220 h\r\n")
    assert shown(pop2, "HELO mrose tanstaaf") == "HELO mrose ****"
    assert shown(pop1, "PASS tanstaaf") == "PASS ****"
    assert shown(smtp, "HELO my.host") == "HELO my.host"
    assert shown(smtp, "AUTH PLAIN AG1yb3NlAHRhbg==") == "AUTH PLAIN ****"
    assert shown(smtp, "MAIL FROM:<a@example.org>") == "MAIL FROM:<a@example.org>"


def test_the_lines_of_a_message_have_no_secrets():
    speech = make(
        SmtpSpeech, b"220 h\r\n", ("EHLO me", b"250 h\r\n"), ("MAIL FROM:<>", b"250 ok\r\n"),
        ("RCPT TO:<a@b.example>", b"250 ok\r\n"), ("DATA", b"354 go\r\n"),
    )  # fmt: skip
    assert shown(speech, "PASS me the salt") == "PASS me the salt"


def test_what_a_server_repeats_is_hidden():
    secrets = secrets_in("AG1yb3NlAHRhbnN0YWFm")  # \0mrose\0tanstaaf
    assert secrets == {"AG1yb3NlAHRhbnN0YWFm", "tanstaaf"}
    assert redact(b"-ERR tanstaaf is wrong", secrets) == b"-ERR **** is wrong"
    assert secrets_in("abc") == set()
