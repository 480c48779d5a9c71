"""A conversation over a connection: what is told of it, and what ends it."""

import asyncio

import pytest

from postane.net.base import LinkLost, Untrusted
from postane.net.stream import TlsFacts
from postane.talk.base import Answered, Mood, Remark, Said
from postane.talk.base import Heard as HeardLine
from postane.talk.pop3_speech import Pop3Speech
from postane.talk.smtp_speech import SmtpSpeech
from postane.wire.chart import Outcome
from support.by_hand import begin

GREETING = b"+OK ready <1@host>\r\n"


async def test_a_line_is_said_and_its_reply_told():
    conversation, heard, link = await begin(Pop3Speech(), GREETING, (b"USER mrose\r\n", b"+OK who?\r\n"))
    answered = await conversation.say("USER mrose", is_typed=True)
    assert answered == Answered("USER", Outcome.ACCEPTED)
    assert heard[2:] == [Said("USER mrose", True), *heard[3:]]
    assert heard.of(HeardLine)[-1].octets == b"+OK who?"
    assert link.is_done


async def test_secrets_are_never_told_not_even_by_the_server():
    conversation, heard, _ = await begin(
        Pop3Speech(),
        GREETING,
        (b"USER mrose\r\n", b"+OK\r\n"),
        (b"PASS tanstaaf\r\n", b"-ERR tanstaaf is wrong\r\n"),
    )
    await conversation.say("USER mrose")
    await conversation.say("PASS tanstaaf")
    assert heard.texts(Said)[-1] == "PASS ****"
    assert heard.of(HeardLine)[-1].octets == b"-ERR **** is wrong"
    assert "tanstaaf" not in repr(heard)


async def test_a_challenge_is_decoded():
    conversation, heard, _ = await begin(Pop3Speech(), GREETING, (b"AUTH LOGIN\r\n", b"+ VXNlcm5hbWU6\r\n"))
    await conversation.say("AUTH LOGIN")
    assert heard[-1] == Remark("decoded: Username:", Mood.DECODED)


async def test_what_is_no_reply_is_remarked():
    conversation, heard, _ = await begin(Pop3Speech(), GREETING, (b"NOOP\r\n", b"250 fine\r\n"))
    await conversation.say("NOOP")
    assert heard[-1] == Remark("POP3 has no such reply", Mood.TROUBLE)


async def test_a_quiet_conversation_leaves_bodies_out():
    conversation, heard, _ = await begin(Pop3Speech(), GREETING, (b"CAPA\r\n", b"+OK\r\nTOP\r\n.\r\n"))
    conversation.is_quiet = True
    await conversation.say("CAPA")
    assert [each.octets for each in heard.of(HeardLine)] == [GREETING[:-2], b"+OK"]
    assert conversation.speech.body == b"TOP\r\n"


async def test_a_line_of_a_message_has_no_reply():
    conversation, _, link = await begin(
        SmtpSpeech(),
        b"220 h\r\n",
        (b"EHLO me\r\n", b"250 h\r\n"),
        (b"DATA\r\n", b"354 go\r\n"),
        hangs=True,
    )
    await conversation.say("EHLO me")
    await conversation.say("DATA")
    assert await conversation.say("PASS me the salt") is None
    assert link.said[-1] == b"PASS me the salt\r\n"


async def test_a_closed_connection_is_told_as_one():
    conversation, heard, _ = await begin(Pop3Speech(), GREETING, (b"STAT\r\n", b"+OK 1"))
    with pytest.raises(LinkLost, match="closed"):
        await conversation.say("STAT")
    assert conversation.is_over
    assert heard.of(HeardLine)[-1] == HeardLine(b"+OK 1", heard.of(HeardLine)[-1].tone, is_whole=False)


async def test_what_is_said_unasked_is_heard_while_listening():
    conversation, heard, link = await begin(Pop3Speech(), GREETING, hangs=True)
    link._coming = b"-ERR idle for too long\r\n"
    await conversation.listen_for(0.01)
    assert heard.of(HeardLine)[-1].octets == b"-ERR idle for too long"


async def test_a_wait_that_is_given_up_loses_nothing():
    conversation, heard, _ = await begin(
        Pop3Speech(), GREETING, (b"STAT\r\n", b""), (b"NOOP\r\n", b"+OK 0 0\r\n+OK\r\n"), hangs=True
    )
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await conversation.say("STAT")
    assert await conversation.say("NOOP") == Answered("NOOP", Outcome.ACCEPTED)
    assert [each.verb for each in heard.of(Answered)] == ["open", "STAT", "NOOP"]


async def test_tls_begins_where_the_reply_says_so(monkeypatch):
    conversation, heard, link = await begin(Pop3Speech(), GREETING, (b"STLS\r\n", b"+OK\r\n"))

    async def shake() -> None:
        link.tls = TlsFacts("TLSv1.3", "AES")

    monkeypatch.setattr(link, "start_tls", shake)
    await conversation.say("STLS")
    assert heard[-1] == Remark("TLS stands: TLSv1.3, AES")
    assert conversation.speech.state == "authorization"


async def test_octets_from_before_tls_end_the_session():
    conversation, heard, link = await begin(Pop3Speech(), GREETING, (b"STLS\r\n", b"+OK\r\n+OK forged\r\n"))
    with pytest.raises(Untrusted, match="before the TLS handshake"):
        await conversation.say("STLS")
    assert link.is_aborted
    assert b"forged" not in repr(heard).encode()
