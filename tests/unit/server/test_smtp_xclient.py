"""Mail servers that speak for others: who may, and what is known of the client afterwards."""

from dataclasses import replace

import pytest

from postane.accounts.base import AccountsUnavailable, Proof
from postane.net.networks import parse_networks
from postane.net.stream import Peer, TlsFacts
from postane.server.smtp_settings import AuthPolicy, SmtpSettings
from postane.smtp.states import Dialect
from support.receiving import ReceivingOffice
from support.transcript import Session

TRUSTING = SmtpSettings(xclient=parse_networks(["192.0.2.0/28", "127.0.0.1"]))
GREETING = b"220 foo.com ESMTP Postane\r\n"
SPEAK = b"XCLIENT NAME=client.example ADDR=203.0.113.5 PORT=4711\r\n"
LETTER = b"MAIL FROM:<>\r\nRCPT TO:<joe@foo.com>\r\nDATA\r\nSubject: x\r\n\r\n.\r\n"


@pytest.fixture
def here() -> ReceivingOffice:
    here = ReceivingOffice(mechanisms=("PLAIN", "EXTERNAL"))
    here.accounts.add("joe", password="secret")
    here.accounts.add("mx", password="secret")
    return here


async def _begin(here: ReceivingOffice, peer: str = "192.0.2.7", settings: SmtpSettings = TRUSTING) -> Session:
    here.peer = Peer(peer, 25)
    session = here.session(settings)
    assert (await session.say(b"")).startswith(b"220 ")
    return session


@pytest.mark.parametrize(
    ("peer", "settings", "is_offered", "reply"),
    [
        ("192.0.2.7", TRUSTING, True, GREETING),
        ("::ffff:192.0.2.7", TRUSTING, True, GREETING),
        ("192.0.2.16", TRUSTING, False, b"550 5.7.0 "),
        ("unix", TRUSTING, False, b"550 5.7.0 "),
        ("192.0.2.7", SmtpSettings(), False, b"502 5.5.1 "),
        ("192.0.2.7", SmtpSettings(Dialect.LMTP), False, b"502 5.5.1 "),
    ],
)
async def test_who_may(
    here: ReceivingOffice, peer: str, settings: SmtpSettings, is_offered: bool, reply: bytes
) -> None:
    session = await _begin(here, peer, settings)
    hello = b"LHLO x\r\n" if settings.dialect is Dialect.LMTP else b"EHLO x\r\n"
    assert (b"XCLIENT NAME ADDR PORT LOGIN\r\n" in await session.say(hello)) is is_offered
    assert (await session.say(SPEAK)).startswith(reply)
    assert here.record is not None
    assert (here.record.peer.host == "203.0.113.5") is is_offered


async def test_the_session_begins_anew(here: ReceivingOffice) -> None:
    session = await _begin(here)
    await session.say(b"EHLO mx.example\r\n")
    assert await session.say(SPEAK) == GREETING
    assert (await session.say(b"MAIL FROM:<>\r\n")).startswith(b"503 5.5.1 ")
    said = await session.say(b"EHLO client.example\r\n")
    assert b"XCLIENT" not in said, "the client speaks for nobody"
    assert (await session.say(b"XCLIENT ADDR=127.0.0.1\r\n")).startswith(b"550 5.7.0 ")


async def test_the_trace_names_the_client(here: ReceivingOffice) -> None:
    session = await _begin(here)
    await session.say(SPEAK + b"EHLO helo.example\r\n" + LETTER)
    (message,) = await here.messages("joe")
    assert b"Received: from helo.example (client.example [203.0.113.5])\r\n" in message
    assert here.record is not None
    assert here.record.peer == Peer("203.0.113.5", 4711, speaker=Peer("192.0.2.7", 25))


@pytest.mark.parametrize(
    ("says", "trace"),
    [
        (b"XCLIENT ADDR=IPV6:2001:db8::5\r\n", b"from x ([IPv6:2001:db8::5])\r\n"),
        (b"XCLIENT NAME=[UNAVAILABLE] ADDR=203.0.113.5\r\n", b"from x ([203.0.113.5])\r\n"),
        (b"XCLIENT ADDR=[TEMPUNAVAIL] NAME=a.example\r\n", b"from x\r\n"),
        (b"XCLIENT NAME=a.example\r\n", b"from x (a.example [192.0.2.7])\r\n"),
        (b"XCLIENT NAME=a.example\r\nXCLIENT ADDR=203.0.113.5\r\n", b"from x (a.example [203.0.113.5])\r\n"),
    ],
)
async def test_what_is_not_told_is_not_known(here: ReceivingOffice, says: bytes, trace: bytes) -> None:
    session = await _begin(here)
    await session.say(says + b"EHLO x\r\n" + LETTER)
    (message,) = await here.messages("joe")
    assert b"Received: " + trace in message


@pytest.mark.parametrize("open_transaction", [b"MAIL FROM:<>\r\n", b"MAIL FROM:<>\r\nRCPT TO:<joe@foo.com>\r\n"])
async def test_not_in_a_transaction(here: ReceivingOffice, open_transaction: bytes) -> None:
    session = await _begin(here)
    await session.say(b"EHLO x\r\n" + open_transaction)
    assert (await session.say(SPEAK)).startswith(b"503 5.5.1 ")
    await session.say(b"RSET\r\n")
    assert await session.say(SPEAK) == GREETING


async def test_who_had_logged_in_has_not_any_more(here: ReceivingOffice) -> None:
    session = await _begin(here, "127.0.0.1")
    said = await session.say(b"EHLO x\r\nAUTH PLAIN AGpvZQBzZWNyZXQ=\r\n")
    assert b"235 2.7.0 " in said
    await session.say(SPEAK + b"EHLO x\r\n" + LETTER)
    (message,) = await here.messages("joe")
    assert b" with ESMTP id " in message, "neither A nor S"
    assert here.record is not None
    assert (here.record.account, here.record.credential) == (None, None)


@pytest.mark.parametrize(
    ("server", "client", "may_cross"),
    [
        ("127.0.0.1", b"203.0.113.5", False),
        ("127.0.0.1", b"127.0.0.1", True),
        ("127.0.0.1", b"[UNAVAILABLE]", False),
        ("192.0.2.7", b"127.0.0.1", False),
        ("192.0.2.7", b"IPV6:::1", False),
    ],
)
async def test_a_password_crosses_where_client_and_server_are_here(
    here: ReceivingOffice, server: str, client: bytes, may_cross: bool
) -> None:
    session = await _begin(here, server)
    said = await session.say(b"XCLIENT ADDR=" + client + b"\r\nEHLO x\r\n")
    assert (b"AUTH PLAIN" in said) is may_cross
    answer = await session.say(b"AUTH PLAIN AGpvZQBzZWNyZXQ=\r\n")
    assert answer.startswith(b"235 " if may_cross else b"538 5.7.11 ")


async def test_the_servers_certificate_proves_nobody_else(here: ReceivingOffice) -> None:
    here.tls = TlsFacts("TLSv1.3", "x", {"tls-exporter": b"y"}, client="mx")
    session = await _begin(here)
    assert b"EXTERNAL" in await session.say(b"EHLO x\r\n")
    assert b"EXTERNAL" not in await session.say(SPEAK + b"EHLO x\r\n")
    assert (await session.say(b"AUTH EXTERNAL =\r\n")).startswith(b"504 ")


async def test_nor_after_a_handshake_that_came_later(here: ReceivingOffice) -> None:
    session = await _begin(here)
    await session.say(SPEAK)
    assert here.desk is not None
    assert here.stream is not None
    here.stream.tls = TlsFacts("TLSv1.3", "x", client="mx")
    here.desk.successor()
    assert here.stream.tls == TlsFacts("TLSv1.3", "x")
    assert here.stream.peer.host == "203.0.113.5"


async def test_without_xclient_the_certificate_stays(here: ReceivingOffice) -> None:
    here.tls = TlsFacts("TLSv1.3", "x", client="mx")
    await _begin(here)
    assert here.desk is not None
    assert here.stream is not None
    here.desk.successor()
    assert here.stream.tls == here.tls


async def test_a_client_that_the_server_has_let_in(here: ReceivingOffice) -> None:
    session = await _begin(here, settings=replace(TRUSTING, auth=AuthPolicy.REQUIRED))
    assert b"530 " in await session.say(b"EHLO x\r\nMAIL FROM:<>\r\n")
    assert await session.say(b"XCLIENT ADDR=203.0.113.5 LOGIN=joe\r\n") == GREETING
    await session.say(b"EHLO x\r\n" + LETTER)
    (message,) = await here.messages("joe")
    assert b" with ESMTPA id " in message
    assert here.record is not None
    assert (here.record.account, here.record.credential) == ("joe", "xclient")


@pytest.mark.parametrize("login", [b"nobody", b"gone"])
async def test_nobody_else_is_let_in(here: ReceivingOffice, login: bytes) -> None:
    here.accounts.add("gone", password="secret")
    here.accounts.set_enabled("gone", False)
    session = await _begin(here)
    assert (await session.say(b"XCLIENT ADDR=203.0.113.5 LOGIN=" + login + b"\r\n")).startswith(b"550 5.7.0 ")
    assert here.record is not None
    assert here.record.peer.host == "192.0.2.7", "nothing has changed"


async def test_accounts_that_cannot_be_asked(here: ReceivingOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await _begin(here)

    async def admit(name: str, credential: str) -> Proof:
        raise AccountsUnavailable(f"{credential} {name}")

    monkeypatch.setattr(here.accounts, "admit", admit)
    assert (await session.say(b"XCLIENT LOGIN=joe\r\n")).startswith(b"454 4.7.0 ")


async def test_failed_logins_count_for_the_client(here: ReceivingOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(TRUSTING, xclient=parse_networks(["127.0.0.1"]))
    session = await _begin(here, "127.0.0.1", settings)
    assert here.desk is not None
    throttle, seen = here.desk._office.throttle, []

    def failed(address: str, name: str, secret: bytes) -> float:
        del secret
        seen.append((address, name))
        return 0.0

    monkeypatch.setattr(throttle, "failed", failed)
    await session.say(b"XCLIENT ADDR=127.0.0.9\r\nEHLO x\r\nAUTH PLAIN AGpvZQB3cm9uZw==\r\n")
    assert seen == [("127.0.0.9", "joe")]
