"""POP3 by hand: where replies end, and where they lead."""

import pytest

from postane.pop3.states import State
from postane.talk.base import OPEN, Answered, Heard, Tone
from postane.talk.pop3_speech import Pop3Speech
from postane.wire.chart import Outcome
from support.by_hand import hear

GREETING = b"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n"


def greeted() -> Pop3Speech:
    speech = Pop3Speech()
    hear(speech, GREETING)
    return speech


def logged_in() -> Pop3Speech:
    speech = greeted()
    speech.say("USER mrose")
    speech.say("PASS tanstaaf")
    hear(speech, b"+OK\r\n+OK\r\n")
    return speech


def test_the_greeting_leads_to_authorization():
    speech = Pop3Speech()
    assert hear(speech, GREETING) == [Heard(GREETING[:-2], Tone.YES), Answered(OPEN, Outcome.ACCEPTED)]
    assert (speech.state, speech.stamp) == (State.AUTHORIZATION, "<1896.697170952@dbc.mtview.ca.us>")
    assert speech.verbs == {"APOP", "AUTH", "CAPA", "LANG", "QUIT", "STLS", "USER", "UTF8"}


def test_a_greeting_may_be_a_refusal_or_nonsense():
    speech = Pop3Speech()
    assert hear(speech, b"-ERR too busy\r\n")[-1] == Answered(OPEN, Outcome.REFUSED)
    assert speech.is_over
    assert hear(Pop3Speech(), b"220 smtp.example.org\r\n")[-1] == Answered(OPEN, None)


def test_the_login_leads_to_the_transaction():
    speech = logged_in()
    assert (speech.state, speech.is_logged_in) == (State.TRANSACTION, True)
    assert "RETR" in speech.verbs
    assert "PASS" not in speech.verbs


def test_what_is_wrong_is_said_and_leads_nowhere():
    speech = greeted()
    assert speech.say("nonsense  x") == b"nonsense  x\r\n"
    assert hear(speech, b"-ERR unknown\r\n")[-1] == Answered("NONSENSE", Outcome.REFUSED)
    assert speech.state is State.AUTHORIZATION


@pytest.mark.parametrize(
    ("line", "has_body"),
    [("LIST", True), ("list", True), ("LIST 1", False), ("UIDL", True), ("UIDL 2", False), ("RETR 1", True),
     ("TOP 1 0", True), ("CAPA", True), ("STAT", False), ("LANG", True), ("LANG en", False), ("NOOP", False)],
)  # fmt: skip
def test_a_reply_ends_where_the_rfc_says(line, has_body):
    speech = logged_in()
    speech.say(line)
    told = hear(speech, b"+OK\r\n")
    assert isinstance(told[-1], Answered) is not has_body
    if has_body:
        told = hear(speech, b"..x\r\n.\r\n")
        assert [each.octets for each in told[:-1]] == [b"..x", b"."]
        assert told[-1].outcome is Outcome.ACCEPTED
        assert speech.body == b".x\r\n"


def test_a_refusal_has_no_body():
    speech = logged_in()
    speech.say("RETR 9")
    assert hear(speech, b"-ERR no such message\r\n")[-1] == Answered("RETR", Outcome.REFUSED)


def test_a_message_cannot_end_itself():
    speech = logged_in()
    speech.say("RETR 1")
    told = hear(speech, b"+OK\r\na\n.\n+OK forged\r\n")
    assert not any(isinstance(each, Answered) for each in told)
    assert isinstance(hear(speech, b".\r\n")[-1], Answered)


def test_the_numbers_are_learnt_and_forgotten():
    speech = logged_in()
    speech.say("STAT")
    hear(speech, b"+OK 3 300\r\n")
    assert speech.numbers == [1, 2, 3]
    speech.say("DELE 2")
    hear(speech, b"+OK\r\n")
    assert speech.numbers == [1, 3]
    speech.say("LIST")
    hear(speech, b"+OK\r\n1 100\r\n3 100\r\nlies\r\n.\r\n")
    assert speech.numbers == [1, 3]


def test_capabilities_are_learnt_and_discarded_by_tls():
    speech = greeted()
    speech.say("CAPA")
    hear(speech, b"+OK\r\nSTLS\r\nSASL PLAIN CRAM-MD5\r\n.\r\n")
    assert speech.mechanisms == ("PLAIN", "CRAM-MD5")
    speech.say("STLS")
    hear(speech, b"+OK\r\n-ERR early\r\n")
    assert speech.is_shaking
    assert speech.trailing
    assert speech.next_event() is None, "what came before the handshake is not read"
    speech.secure()
    assert (speech.state, speech.capabilities, speech.mechanisms) == (State.AUTHORIZATION, None, ())
    assert "STLS" not in speech.verbs


def test_a_sasl_exchange():
    speech = greeted()
    speech.say("AUTH CRAM-MD5")
    told = hear(speech, b"+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2U+\r\n")
    assert told == [
        Heard(b"+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2U+", Tone.GO_ON), Answered("AUTH", Outcome.CONTINUED)
    ]  # fmt: skip
    assert speech.wants_response
    assert (speech.mechanism, speech.challenge) == ("CRAM-MD5", b"PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2U+")
    speech.say("dGlt")
    hear(speech, b"+OK\r\n")
    assert (speech.state, speech.is_logged_in) == (State.TRANSACTION, True)


def test_what_nobody_asked_for_is_told_as_such():
    assert hear(logged_in(), b"-ERR you were idle\r\n") == [Heard(b"-ERR you were idle", Tone.ASTRAY)]


def test_what_is_no_reply_ends_the_wait():
    speech = logged_in()
    speech.say("STAT")
    assert hear(speech, b"hello\r\n") == [Heard(b"hello", Tone.ASTRAY), Answered("STAT", None)]


def test_a_challenge_to_nothing_makes_no_sense():
    speech = logged_in()
    speech.say("STAT")
    assert hear(speech, b"+ \r\n")[-1] == Answered("STAT", None)


def test_quit_ends_it_whatever_comes_of_it():
    for reply in (b"+OK\r\n", b"-ERR some deleted messages not removed\r\n"):
        speech = logged_in()
        speech.say("QUIT")
        hear(speech, reply)
        assert speech.is_over


def test_what_is_too_large_is_not_kept(monkeypatch):
    monkeypatch.setattr("postane.talk.speech.GATHERED", 10)
    speech = logged_in()
    speech.say("RETR 1")
    hear(speech, b"+OK\r\n0123456789\r\n.\r\n")
    assert speech.body is None
    speech.say("RETR 2")
    hear(speech, b"+OK\r\nx\r\n.\r\n")
    assert speech.body == b"x\r\n"
