"""SMTP and LMTP by hand: replies of several lines, messages, one reply for each recipient."""

import pytest

from postane.smtp.states import Dialect, State
from postane.talk.base import BODY, OPEN, Answered, Heard, Tone
from postane.talk.smtp_speech import SmtpSpeech
from postane.wire.chart import Outcome
from support.by_hand import hear


def ready(dialect: Dialect = Dialect.SMTP) -> SmtpSpeech:
    speech = SmtpSpeech(dialect)
    hear(speech, b"220 host\r\n")
    speech.say(f"{speech.hello} me")
    hear(speech, b"250-host\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n")
    return speech


def with_recipients(speech: SmtpSpeech, count: int) -> SmtpSpeech:
    speech.say("MAIL FROM:<>")
    hear(speech, b"250 ok\r\n")
    for _ in range(count):
        speech.say("RCPT TO:<a@example.org>")
        hear(speech, b"250 ok\r\n")
    return speech


def test_the_hello_tells_the_extensions():
    speech = ready()
    assert speech.state is State.READY
    assert speech.mechanisms == ("PLAIN", "LOGIN")
    assert speech.extensions is not None
    assert "STARTTLS" in speech.extensions
    assert ready(Dialect.LMTP).is_lmtp


def test_what_is_not_offered_is_no_use():
    speech = ready()
    assert "XCLIENT" not in speech.verbs
    speech.say("EHLO me")
    hear(speech, b"250-h\r\n250 XCLIENT NAME\r\n")
    assert "XCLIENT" in speech.verbs


def test_a_reply_ends_with_its_last_line():
    speech = SmtpSpeech()
    hear(speech, b"220 host\r\n")
    speech.say("EHLO me")
    assert not any(isinstance(each, Answered) for each in hear(speech, b"250-host\r\n250-SIZE\r\n"))
    assert hear(speech, b"250 HELP\r\n")[-1] == Answered("EHLO", Outcome.ACCEPTED)


def test_the_lines_of_a_message_are_sent_as_they_are_typed():
    speech = with_recipients(ready(), 1)
    speech.say("DATA")
    hear(speech, b"354 go on\r\n")
    assert speech.wants_text
    assert [speech.say(line) for line in ("QUIT", "..x", "")] == [b"QUIT\r\n", b"..x\r\n", b"\r\n"]
    assert not speech.is_waiting
    assert speech.say(".") == b".\r\n"
    assert speech.is_waiting
    assert hear(speech, b"250 stored\r\n")[-1] == Answered(BODY, Outcome.ACCEPTED)
    assert speech.state is State.READY


def test_in_lmtp_each_recipient_has_a_reply():
    speech = with_recipients(ready(Dialect.LMTP), 2)
    speech.say("DATA")
    hear(speech, b"354 go on\r\n")
    speech.say(".")
    hear(speech, b"250 one\r\n")
    assert speech.is_waiting
    hear(speech, b"452 two\r\n")
    assert not speech.is_waiting
    assert speech.state is State.READY


def test_in_lmtp_no_recipient_means_no_reply():
    speech = with_recipients(ready(Dialect.LMTP), 0)
    speech.say("DATA")
    hear(speech, b"354 go on all the same\r\n")
    speech.say(".")
    assert not speech.is_waiting
    assert speech.state is State.READY


def test_a_chunk_is_typed_before_the_reply_comes():
    speech = with_recipients(ready(), 1)
    assert speech.say("BDAT 6 LAST") == b"BDAT 6 LAST\r\n"
    assert not speech.is_waiting
    assert speech.wants_text
    assert [speech.say("ab"), speech.say("cdefgh")] == [b"ab\r\n", b"cd"]
    assert speech.is_waiting
    assert hear(speech, b"250 ok\r\n")[-1].outcome is Outcome.ACCEPTED


def test_a_sasl_exchange():
    speech = ready()
    speech.say("AUTH LOGIN")
    hear(speech, b"334 VXNlcm5hbWU6\r\n")
    assert speech.wants_response
    assert speech.challenge == b"VXNlcm5hbWU6"
    speech.say("bXJvc2U=")
    hear(speech, b"535 no\r\n")
    assert not speech.wants_response
    assert not speech.is_logged_in
    speech.say("AUTH LOGIN bXJvc2U=")
    hear(speech, b"235 yes\r\n")
    assert speech.is_logged_in


def test_tls_makes_it_forget():
    speech = ready()
    speech.say("STARTTLS")
    hear(speech, b"220 begin\r\n")
    assert speech.is_shaking
    speech.secure()
    assert (speech.state, speech.extensions, speech.mechanisms) == (State.GREETED, None, ())


def test_a_server_may_go_at_any_time():
    speech = ready()
    assert hear(speech, b"421 closing\r\n") == [Heard(b"421 closing", Tone.NO)]
    assert speech.is_over


@pytest.mark.parametrize("line", [b"hello\r\n", b"99 x\r\n", b"+OK\r\n"])
def test_what_is_no_reply_ends_the_wait(line):
    assert hear(SmtpSpeech(), line)[-1] == Answered(OPEN, None)
    speech = ready()
    speech.say("NOOP")
    assert hear(speech, line)[-1] == Answered("NOOP", None)
    assert not speech.is_waiting


def test_what_nobody_asked_for_is_told_as_such():
    assert hear(ready(), b"250 ok\r\n") == [Heard(b"250 ok", Tone.ASTRAY)]
