"""What is offered while somebody types."""

import pytest

from postane.talk.completion import entry_for, offers
from postane.talk.counted_speech import Pop2Speech
from postane.talk.pop3_speech import Pop3Speech
from postane.talk.smtp_speech import SmtpSpeech
from postane.talk.speech import Speech
from support.by_hand import hear


def words(speech: Speech, before: str) -> list[str]:
    return [offer.word for offer in offers(speech, before)]


def pop3(*turns: tuple[str, bytes], stamp: bytes = b"") -> Pop3Speech:
    speech = Pop3Speech()
    hear(speech, b"+OK ready" + stamp + b"\r\n")
    for line, reply in turns:
        speech.say(line)
        hear(speech, reply)
    return speech


LOGIN = (("USER mrose", b"+OK\r\n"), ("PASS x", b"+OK\r\n"))


def test_only_what_is_allowed_is_offered():
    assert words(pop3(), "") == ["AUTH", "CAPA", "LANG", "QUIT", "STLS", "USER", "UTF8"]
    assert "PASS" in words(pop3(LOGIN[0]), "")
    assert words(pop3(*LOGIN), "r") == ["RETR", "RSET"]


def test_apop_is_offered_where_there_is_a_stamp():
    assert words(pop3(stamp=b" <1@host>"), "AP") == ["APOP"]


def test_an_offer_says_what_it_is():
    (offer,) = offers(pop3(*LOGIN), "ret")
    assert (offer.word, offer.replaced, offer.meaning) == ("RETR", 3, "send message n (RFC 1939 s5)")


def test_an_offer_says_whether_more_comes_behind_it():
    speech = pop3(*LOGIN)
    for line, is_all in (("ret", False), ("sta", True), ("lis", True), (".sho", False), (".tl", True)):
        (offer,) = offers(speech, line)
        assert offer.is_all is is_all, line


@pytest.mark.parametrize("verb", ["RETR", "dele", "LIST", "TOP", "UIDL", ".show", "/raw"])
def test_numbers_are_offered_once_they_are_known(verb):
    assert words(pop3(*LOGIN), f"{verb} ") == []
    counted = pop3(*LOGIN, ("STAT", b"+OK 12 500\r\n"))
    assert words(counted, f"{verb} 1") == ["1", "10", "11", "12"]


@pytest.mark.parametrize("line", ["STAT ", "QUIT ", "USER ", ".lines ", ".save "])
def test_no_numbers_are_offered_where_none_is_meant(line):
    assert words(pop3(*LOGIN, ("STAT", b"+OK 12 500\r\n")), line) == []


def test_mechanisms_are_offered_as_the_server_does():
    speech = pop3(("CAPA", b"+OK\r\nSASL PLAIN CRAM-MD5\r\n.\r\n"), stamp=b" <1@host>")
    assert words(speech, "AUTH ") == ["PLAIN", "CRAM-MD5"]
    assert words(speech, ".login mrose ") == ["PLAIN", "CRAM-MD5", "APOP", "USER"]
    assert words(speech, "/login mrose ") == ["PLAIN", "CRAM-MD5", "APOP", "USER"]


def test_orders_are_offered_after_a_dot_or_slash():
    assert words(pop3(), ".s") == [".starttls", ".show", ".save", ".send", ".say"]
    assert words(pop3(), "/q") == ["/quit"]


def test_smtp_offers_what_follows():
    speech = SmtpSpeech()
    hear(speech, b"220 h\r\n")
    speech.say("EHLO me")
    hear(speech, b"250 h\r\n")
    assert words(speech, "MAIL ") == ["FROM:<"]
    assert words(speech, "MAIL FROM:<> ") == []
    for line, reply in (("MAIL FROM:<>", b"250\r\n"), ("RCPT TO:<a@b>", b"250\r\n"), ("DATA", b"354 go\r\n")):
        speech.say(line)
        hear(speech, reply)
    assert words(speech, "") == [], "a message is nobody's to complete"


def test_pop2_offers_its_own():
    speech = Pop2Speech()
    hear(speech, b"+ POP2 h\r\n")
    assert words(speech, "") == ["HELO", "QUIT"]


@pytest.mark.parametrize(
    ("line", "usage"),
    [("retr 1", "RETR n"), (".login", ".login [NAME [MECHANISM]]"), ("/LOGIN x", ".login [NAME [MECHANISM]]")],
)
def test_the_help_on_what_is_typed(line, usage):
    entry = entry_for(pop3(), line)
    assert entry is not None
    assert entry.usage == usage


def test_no_help_on_nothing():
    assert entry_for(pop3(), "") is None
    assert entry_for(pop3(), "what") is None
