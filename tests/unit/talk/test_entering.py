"""Logging in by hand, by whatever means."""

import base64
import hashlib
import hmac

import pytest

from postane.smtp.states import Dialect
from postane.talk.base import LoginFailed, Said, Spoilt, Unsuitable
from postane.talk.counted_speech import Pop1Speech, Pop2Speech
from postane.talk.entering import ask_abilities, choose_means, is_token, log_in
from postane.talk.pop3_speech import Pop3Speech
from postane.talk.smtp_speech import SmtpSpeech
from support.by_hand import begin

STAMP = "<1896.697170952@dbc.mtview.ca.us>"
GREETING = f"+OK POP3 server ready {STAMP}\r\n".encode()
DIGEST = b"c4c9334bac560ecc979e58001b3e22fb"


def capa(*lines: str) -> tuple[bytes, bytes]:
    return b"CAPA\r\n", b"+OK\r\n" + b"".join(line.encode() + b"\r\n" for line in lines) + b".\r\n"


async def test_the_founding_documents_login():
    conversation, heard, link = await begin(
        Pop3Speech(), GREETING, capa("USER"), (b"APOP mrose " + DIGEST + b"\r\n", b"+OK\r\n")
    )
    means = await choose_means(conversation, "me")
    assert means == ["APOP", "USER"]
    assert await log_in(conversation, "mrose", "tanstaaf", means) == "APOP"
    assert heard.texts(Said) == ["CAPA", "APOP mrose ****"]
    assert link.is_done


async def test_apop_refused_then_user_and_pass():
    conversation, heard, _ = await begin(
        Pop3Speech(),
        GREETING,
        (b"CAPA\r\n", b"-ERR\r\n"),
        (b"APOP mrose " + DIGEST + b"\r\n", b"-ERR\r\n"),
        (b"USER mrose\r\n", b"+OK\r\n"),
        (b"PASS tanstaaf\r\n", b"+OK\r\n"),
    )
    means = await choose_means(conversation, "me")
    assert await log_in(conversation, "mrose", "tanstaaf", means) == "USER"
    assert "tanstaaf" not in repr(heard)


async def test_where_others_listen_no_password_crosses():
    conversation, _, _ = await begin(Pop3Speech(), b"+OK\r\n", capa("USER", "SASL PLAIN"), private=False)
    with pytest.raises(Unsuitable, match=r"clear text.*\.login NAME PLAIN"):
        await choose_means(conversation, "me")
    conversation, _, _ = await begin(Pop3Speech(), b"+OK\r\n", capa("USER", "SASL PLAIN CRAM-MD5"), private=False)
    assert await choose_means(conversation, "me") == ["CRAM-MD5"]


async def test_cram_md5_and_its_refusal():
    challenge = b"<1896.697170952@postoffice.example>"
    digest = hmac.digest(b"tanstaaf", challenge, hashlib.md5).hex()
    response = base64.b64encode(f"mrose {digest}".encode())
    conversation, _, _ = await begin(
        Pop3Speech(),
        b"+OK\r\n",
        (b"AUTH CRAM-MD5\r\n", b"+ " + base64.b64encode(challenge) + b"\r\n"),
        (response + b"\r\n", b"-ERR no\r\n"),
    )
    with pytest.raises(LoginFailed):
        await log_in(conversation, "mrose", "tanstaaf", ["CRAM-MD5"])


async def test_an_initial_response_is_sent_where_it_fits():
    conversation, heard, _ = await begin(Pop3Speech(), b"+OK\r\n", (b"AUTH PLAIN AG1yb3NlAHRhbnN0YWFm\r\n", b"+OK\r\n"))
    assert await log_in(conversation, "mrose", "tanstaaf", ["PLAIN"]) == "PLAIN"
    assert heard.texts(Said) == ["AUTH PLAIN ****"]


async def test_a_long_one_waits_for_the_challenge():
    token = "t" * 400
    response = base64.b64encode(f"user=mrose\1auth=Bearer {token}\1\1".encode())
    conversation, heard, _ = await begin(
        Pop3Speech(), b"+OK\r\n", (b"AUTH XOAUTH2\r\n", b"+ \r\n"), (response + b"\r\n", b"+OK\r\n")
    )
    assert await log_in(conversation, "mrose", token, ["XOAUTH2"]) == "XOAUTH2"
    assert token not in repr(heard)


async def test_a_spoilt_challenge_is_not_answered():
    conversation, _, link = await begin(
        Pop3Speech(), b"+OK\r\n", (b"AUTH CRAM-MD5\r\n", b"+ \r\n"), (b"*\r\n", b"-ERR cancelled\r\n")
    )
    with pytest.raises(LoginFailed, match="must not be answered"):
        await log_in(conversation, "mrose", "tanstaaf", ["CRAM-MD5"])
    assert link.is_done


async def test_a_server_that_proves_nothing_is_not_believed(monkeypatch):
    monkeypatch.setattr("postane.talk.entering.token_urlsafe", lambda _: "nonce")
    first = base64.b64encode(b"n,,n=mrose,r=nonce")
    conversation, _, _ = await begin(
        Pop3Speech(), b"+OK\r\n", (b"AUTH SCRAM-SHA-256 " + first + b"\r\n", b"+OK come in\r\n")
    )
    with pytest.raises(Spoilt, match="not proven"):
        await log_in(conversation, "mrose", "tanstaaf", ["SCRAM-SHA-256"])


async def test_a_server_that_asks_and_asks_is_left(monkeypatch):
    monkeypatch.setattr("postane.talk.entering.CHALLENGES", 2)
    again = b"334 UGFzc3dvcmQ6\r\n"
    conversation, _, _ = await begin(
        SmtpSpeech(),
        b"220 h\r\n",
        (b"AUTH XOAUTH2 dXNlcj1tcm9zZQFhdXRoPUJlYXJlciB0b2tlbgEB\r\n", again),
        (b"\r\n", again),
        (b"\r\n", again),
    )
    with pytest.raises(Spoilt, match="asks and asks"):
        await log_in(conversation, "mrose", "token", ["XOAUTH2"])


async def test_smtp_says_hello_first():
    conversation, _, link = await begin(
        SmtpSpeech(Dialect.LMTP),
        b"220 h\r\n",
        (b"LHLO me\r\n", b"250-h\r\n250 AUTH PLAIN LOGIN\r\n"),
        (b"AUTH PLAIN AG1yb3NlAHRhbnN0YWFm\r\n", b"235 ok\r\n"),
    )
    means = await choose_means(conversation, "me")
    assert await log_in(conversation, "mrose", "tanstaaf", means) == "PLAIN"
    assert link.is_done


async def test_pop2_and_pop1():
    conversation, heard, _ = await begin(Pop2Speech(), b"+ POP2 h\r\n", (b"HELO mrose tan\\ staaf\r\n", b"#0\r\n"))
    await log_in(conversation, "mrose", "tan staaf", await choose_means(conversation, "me"))
    assert heard.texts(Said) == ["HELO mrose ****"]
    conversation, heard, _ = await begin(
        Pop1Speech(), b"+OK\r\n", (b"USER mrose\r\n", b"+OK\r\n"), (b"PASS tanstaaf\r\n", b"-ERR\r\n")
    )
    with pytest.raises(LoginFailed):
        await log_in(conversation, "mrose", "tanstaaf", await choose_means(conversation, "me"))


@pytest.mark.parametrize(
    ("means", "name", "secret", "words"),
    [
        ("FOO", "mrose", "x", "no mechanism"),
        ("APOP", "mrose", "x", "no stamp"),
        ("USER", "mrose", "a\r\nDELE 1", "no line"),
        ("XOAUTH2", "mrose", "a b", "token"),
    ],
)
async def test_what_cannot_be_said_is_not(means, name, secret, words):
    conversation, _, link = await begin(Pop3Speech(), b"+OK\r\n", hangs=True)
    with pytest.raises(Unsuitable, match=words):
        await log_in(conversation, name, secret, [means])
    assert link.said == []


async def test_pop1_has_no_word_for_its_abilities():
    conversation, _, _ = await begin(Pop1Speech(), b"+OK\r\n")
    with pytest.raises(Unsuitable, match="no word"):
        await ask_abilities(conversation, "me")


async def test_a_server_may_offer_nothing():
    conversation, _, _ = await begin(SmtpSpeech(), b"220 h\r\n", (b"EHLO me\r\n", b"250 h\r\n"))
    with pytest.raises(Unsuitable, match="no way"):
        await choose_means(conversation, "me")


def test_tokens_are_asked_for_as_such():
    assert is_token("OAUTHBEARER")
    assert not is_token("PLAIN")
