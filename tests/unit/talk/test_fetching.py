"""One message, in the steps of each protocol."""

import pytest

from postane.talk.base import Heard, Unsuitable
from postane.talk.counted_speech import Pop1Speech, Pop2Speech
from postane.talk.fetching import fetch_message
from postane.talk.pop3_speech import Pop3Speech
from postane.talk.smtp_speech import SmtpSpeech
from support.by_hand import begin


async def test_pop3():
    conversation, heard, _ = await begin(Pop3Speech(), b"+OK\r\n", (b"RETR 2\r\n", b"+OK\r\n..a\r\nb\r\n.\r\n"))
    assert await fetch_message(conversation, 2) == b".a\r\nb\r\n"
    assert [each.octets for each in heard.of(Heard)] == [b"+OK", b"+OK"], "its lines are not told"
    assert not conversation.is_quiet


async def test_a_refusal():
    conversation, _, _ = await begin(Pop3Speech(), b"+OK\r\n", (b"RETR 2\r\n", b"-ERR\r\n"))
    with pytest.raises(Unsuitable, match="not given"):
        await fetch_message(conversation, 2)
    assert not conversation.is_quiet


async def test_pop2():
    conversation, _, link = await begin(
        Pop2Speech(),
        b"+ POP2 h\r\n",
        (b"HELO a b\r\n", b"#2\r\n"),
        (b"READ 2\r\n", b"=3\r\n"),
        (b"RETR\r\n", b"x\r\n"),
        (b"ACKS\r\n", b"=0\r\n"),
        (b"READ 3\r\n", b"=0\r\n"),
    )
    await conversation.say("HELO a b")
    assert await fetch_message(conversation, 2) == b"x\r\n"
    with pytest.raises(Unsuitable, match="no such message"):
        await fetch_message(conversation, 3)
    assert link.is_done


MAILBOX = b"From a Mon Nov 23 10:00:00 2026\r\none\r\n\r\nFrom b Mon Nov 23 10:00:00 2026\r\ntwo\r\n>From x\r\n\r\n"


@pytest.mark.parametrize(("number", "message"), [(1, b"one\r\n"), (2, b"two\r\nFrom x\r\n"), (3, None)])
async def test_pop1(number, message):
    turns = (
        (b"USER a\r\n", b"+OK\r\n"),
        (b"PASS b\r\n", b"+OK\r\n"),
        (b"RETR\r\n", b"#%d\r\n" % len(MAILBOX)),
        (b"RCEV\r\n", MAILBOX),
        (b"RCVD\r\n", b"+OK\r\n"),
    )
    conversation, _, link = await begin(Pop1Speech(), b"+OK\r\n", *turns)
    await conversation.say("USER a")
    await conversation.say("PASS b")
    if message is None:
        with pytest.raises(Unsuitable, match="there are 2"):
            await fetch_message(conversation, number)
    else:
        assert await fetch_message(conversation, number) == message
    assert link.is_done


async def test_smtp_has_none():
    conversation, _, _ = await begin(SmtpSpeech(), b"220 h\r\n")
    with pytest.raises(Unsuitable, match="no messages"):
        await fetch_message(conversation, 1)


async def test_what_was_too_large_is_not_shown_in_part(monkeypatch):
    monkeypatch.setattr("postane.talk.speech.GATHERED", 2)
    conversation, _, _ = await begin(Pop3Speech(), b"+OK\r\n", (b"RETR 1\r\n", b"+OK\r\nabc\r\n.\r\n"))
    with pytest.raises(Unsuitable, match="too large"):
        await fetch_message(conversation, 1)
