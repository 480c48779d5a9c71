"""SASL exchanges over POP3 and SMTP: one driver, every mechanism."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import structlog

from postane.accounts.base import AccountsUnavailable, LoginRefused, Proof
from postane.accounts.memory import MemoryAccounts
from postane.net.memory import MemoryStream
from postane.net.stream import Peer, TlsFacts
from postane.sasl.base import Identity, Means
from postane.sasl.registry import CLIENT_MECHANISMS, SERVER_MECHANISMS
from postane.server.loop import Conversation, converse
from postane.server.office import PostOffice
from postane.server.record import SessionRecord
from postane.server.smtp import SmtpDesk
from postane.server.smtp_settings import SmtpSettings
from postane.smtp.server import SmtpServer
from support.pop3 import Pop3Session, make_office
from support.sasl import log_in

BINDINGS = {"tls-server-end-point": b"digest of a certificate", "tls-exporter": b"exported"}
FACTS = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", BINDINGS, client="ada")
TOKEN = "t" * 12_288


class TokenAccounts(MemoryAccounts):
    """One that takes a token too."""

    @property
    def means(self) -> frozenset[Means]:
        return super().means | {Means.TOKEN}

    async def verify_token(self, name: str | None, token: str) -> Proof:
        if token == "no-answer":
            raise AccountsUnavailable("accounts are not available now", "the server is away")
        if token != TOKEN:
            raise LoginRefused("invalid user name or password", "bad token")
        return await self.admit(name or "ada", "token")


@pytest.fixture
def office() -> PostOffice:
    accounts = TokenAccounts()
    accounts.add("ada", password="secret")
    accounts.add("bob", password="other")
    accounts.add_device("ada", "phone", "device-secret")
    return make_office(accounts=accounts, mechanisms=tuple(SERVER_MECHANISMS))


def secure_stream() -> MemoryStream:
    stream = MemoryStream(Peer("192.0.2.1"), is_encrypted=True)
    stream.tls = FACTS
    return stream


def who(mechanism: str, *, name: str = "ada", secret: str | None = None) -> Identity:
    means = SERVER_MECHANISMS[mechanism].means
    right = {Means.SECRET: "device-secret", Means.TOKEN: TOKEN}.get(means, "secret")
    is_plus_offered = mechanism.endswith("-PLUS")
    bindings = BINDINGS if is_plus_offered else {}
    return Identity(name, right if secret is None else secret, "clientnonce", bindings, is_plus_offered)


@pytest.fixture
async def pop3(office: PostOffice) -> AsyncIterator[Pop3Session]:
    session = Pop3Session(office, secure_stream())
    await session.settle()
    yield session
    await session.end()


async def begin_smtp(office: PostOffice) -> Pop3Session:
    """An SMTP session in the shape of a POP3 one."""
    session = Pop3Session.__new__(Pop3Session)
    session.stream = secure_stream()
    session.record = SessionRecord("test", "smtp", session.stream.peer, 0.0)
    settings = SmtpSettings()
    desk = SmtpDesk(office, session.stream, session.record, settings)
    session.talk = Conversation(session.stream, SmtpServer(settings.dialect, settings.body), desk)
    session.task = asyncio.create_task(converse(session.talk))
    await session.settle()
    await session.say(b"EHLO client.example")
    return session


@pytest.mark.parametrize("is_initial", [True, False])
@pytest.mark.parametrize("mechanism", SERVER_MECHANISMS)
async def test_each_lets_the_right_one_in(pop3: Pop3Session, mechanism: str, is_initial: bool) -> None:
    assert (await log_in(pop3.say, mechanism, who(mechanism), is_initial=is_initial)).startswith(b"+OK ada's maildrop")
    assert pop3.record.account == "ada"


@pytest.mark.parametrize("is_initial", [True, False])
@pytest.mark.parametrize("mechanism", SERVER_MECHANISMS)
async def test_each_does_over_smtp(office: PostOffice, mechanism: str, is_initial: bool) -> None:
    session = await begin_smtp(office)
    heard = await log_in(session.say, mechanism, who(mechanism), mark=b"334 ", is_initial=is_initial)
    assert heard == b"235 2.7.0 logged in\r\n"
    assert session.record.account == "ada"
    assert (await session.say(b"AUTH PLAIN AA==")).startswith(b"503 5.5.1"), "RFC 4954 s4: only once"
    await session.end()


@pytest.mark.parametrize("mechanism", [name for name in SERVER_MECHANISMS if name.startswith("SCRAM")])
async def test_scram_takes_a_device_password_until_it_is_revoked(
    office: PostOffice, pop3: Pop3Session, mechanism: str
) -> None:
    async def say(line: bytes) -> bytes:
        heard = await pop3.say(line)
        if line.startswith(b"AUTH"):  # the keys are with the exchange already
            office.accounts.revoke_device("ada", "phone")  # type: ignore[attr-defined]
        return heard

    identity = who(mechanism, secret="device-secret")
    assert (await log_in(say, mechanism, identity)) == b"-ERR [AUTH] invalid user name or password\r\n"
    office.accounts.add_device("ada", "phone", "device-secret")  # type: ignore[attr-defined]
    assert (await log_in(pop3.say, mechanism, identity)).startswith(b"+OK ada's maildrop")
    assert pop3.record.account == "ada"


@pytest.mark.parametrize("mechanism", [name for name in SERVER_MECHANISMS if name.startswith("SCRAM")])
async def test_scram_refuses_a_password_that_was_changed_meanwhile(
    office: PostOffice, pop3: Pop3Session, mechanism: str
) -> None:
    async def say(line: bytes) -> bytes:
        heard = await pop3.say(line)
        if line.startswith(b"AUTH"):  # the keys are with the exchange already
            office.accounts.set_password("ada", "another")  # type: ignore[attr-defined]
        return heard

    assert (await log_in(say, mechanism, who(mechanism))) == b"-ERR [AUTH] invalid user name or password\r\n"
    assert (await log_in(pop3.say, mechanism, who(mechanism, secret="another"))).startswith(b"+OK ada's maildrop")


@pytest.mark.parametrize("name", ["ada", "nobody", "bob"])
@pytest.mark.parametrize("mechanism", [name for name in SERVER_MECHANISMS if name != "EXTERNAL"])
async def test_none_lets_a_wrong_one_in(pop3: Pop3Session, mechanism: str, name: str) -> None:
    if mechanism.startswith(("OAUTH", "XOAUTH")) and name == "nobody":
        name = "ada"
    heard = await log_in(pop3.say, mechanism, who(mechanism, name=name, secret="wrong"))
    assert heard == b"-ERR [AUTH] invalid user name or password\r\n"
    assert (await pop3.say(b"STAT")).startswith(b"-ERR")
    assert (await log_in(pop3.say, "PLAIN", who("PLAIN"))).startswith(b"+OK"), "the session can still be used"


@pytest.mark.parametrize("mechanism", SERVER_MECHANISMS)
async def test_each_can_be_cancelled_and_broken(pop3: Pop3Session, mechanism: str) -> None:
    """Bad base64 once took other users' logins down (CVE-2025-59028)."""
    for line in (b"*", b"not base64", b"\xff\xfe", b"A" * 70_000, b""):
        heard = await pop3.say(b"AUTH " + mechanism.encode())
        assert heard.startswith(b"+ "), heard
        heard = await pop3.say(line)
        if heard.startswith(b"+ "):  # an empty line is an answer to some
            heard = await pop3.say(b"*")
        assert heard.startswith((b"-ERR", b"+OK")), (line, heard)
        if heard.startswith(b"+OK"):
            assert (mechanism, line) == ("EXTERNAL", b"")
            return
        if pop3.task.done():
            pytest.fail(f"{line!r} ended the session")
        await pop3.say(b"CAPA")
    assert (await log_in(pop3.say, mechanism, who(mechanism))).startswith(b"+OK")


async def test_unknown_mechanisms_are_refused_and_do_no_harm(pop3: Pop3Session) -> None:
    for name in (b"GSSAPI", b"X" * 200, b"SCRAM-SHA-512", b"PLAIN-PLUS", b"../plain"):
        assert (await pop3.say(b"AUTH " + name)).startswith(b"-ERR mechanism ")
    assert (await log_in(pop3.say, "PLAIN", who("PLAIN"))).startswith(b"+OK")


async def test_a_downgrade_is_found_out(pop3: Pop3Session) -> None:
    """RFC 5802 s6: the client could bind, and was told that this server cannot; somebody in the middle said so."""
    client = replace(who("SCRAM-SHA-256"), bindings=BINDINGS, is_plus_offered=False)
    assert (await log_in(pop3.say, "SCRAM-SHA-256", client)).startswith(b"-ERR")


async def test_somebody_in_the_middle_has_another_binding(pop3: Pop3Session) -> None:
    other = {name: octets + b"!" for name, octets in BINDINGS.items()}
    heard = await log_in(pop3.say, "SCRAM-SHA-256-PLUS", replace(who("SCRAM-SHA-256-PLUS"), bindings=other))
    assert heard.startswith(b"-ERR")


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
async def test_a_refused_token_is_explained_first(pop3: Pop3Session, mechanism: str) -> None:
    """RFC 7628 s3.2.3."""
    initial = CLIENT_MECHANISMS[mechanism](who(mechanism, secret="wrong")).start()
    assert initial is not None
    heard = await pop3.say(b"AUTH " + mechanism.encode() + b" " + b64encode(initial))
    assert heard.startswith(b"+ "), heard
    assert (await pop3.say(b"AQ==")) == b"-ERR [AUTH] invalid user name or password\r\n"


async def test_a_store_that_is_away_is_no_wrong_password(office: PostOffice, pop3: Pop3Session) -> None:
    heard = await log_in(pop3.say, "OAUTHBEARER", who("OAUTHBEARER", secret="no-answer"))
    assert heard.startswith(b"-ERR [SYS/TEMP]")
    session = await begin_smtp(office)
    heard = await log_in(session.say, "OAUTHBEARER", who("OAUTHBEARER", secret="no-answer"), mark=b"334 ")
    assert heard.startswith(b"454 4.7.0")
    await session.end()


async def test_the_log_tells_by_what_somebody_came_in(pop3: Pop3Session) -> None:
    await log_in(pop3.say, "SCRAM-SHA-256", who("SCRAM-SHA-256"))
    assert pop3.record.mechanism == "SCRAM-SHA-256"


async def test_the_operator_is_told_of_a_client_that_cannot_bind(pop3: Pop3Session) -> None:
    with structlog.testing.capture_logs() as logs:
        for mechanism in (b"SCRAM-SHA-256-PLUS", b"PLAIN"):
            await pop3.say(b"AUTH " + mechanism)
            await pop3.say(b"*")
    (line,) = logs
    assert (line["event"], line["mechanism"]) == ("login given up", "SCRAM-SHA-256-PLUS")
    assert "auth.mechanisms" in line["hint"]
