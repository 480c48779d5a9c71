"""SMTP's STARTTLS and AUTH; the exchanges themselves are in test_exchange."""

import asyncio

import pytest

from postane.net.memory import FACTS, MemoryStream
from postane.net.stream import Peer
from postane.server.loop import Conversation, converse
from postane.server.record import Ending
from postane.server.smtp import SmtpDesk
from postane.server.smtp_settings import AuthPolicy, SmtpSettings
from postane.smtp.server import SmtpServer
from postane.smtp.states import Dialect
from support.receiving import ReceivingOffice

MAIL = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<jones@foo.com>\r\nDATA\r\nhello\r\n.\r\n"


@pytest.fixture
def here() -> ReceivingOffice:
    office = ReceivingOffice(mechanisms=("PLAIN", "CRAM-MD5"))
    office.accounts.add("jones", password="secret")
    return office


async def talk(
    here: ReceivingOffice, *turns: bytes, settings: SmtpSettings | None = None, tls: bool | None = None
) -> tuple[list[bytes], Ending]:
    """What is answered to each turn; `tls`: True: encrypted already, False: offered, None: neither."""
    stream = MemoryStream(Peer("192.0.2.7"), is_encrypted=tls is True, offers_tls=None if tls is None else FACTS)
    here.session()
    assert here.record is not None
    settings = settings or SmtpSettings()
    desk = SmtpDesk(here.office, stream, here.record, settings)
    conversation = Conversation(stream, SmtpServer(settings.dialect, settings.body), desk)
    task = asyncio.create_task(converse(conversation))
    said = []
    for turn in (b"", *turns):
        stream.give(turn)
        for _ in range(50):
            await asyncio.sleep(0)
        said.append(stream.take())
    stream.end()
    ending = await task
    await conversation.desk.close()
    return said[1:], ending


async def test_after_the_handshake_nothing_is_remembered(here: ReceivingOffice) -> None:
    """RFC 3207 s4.2."""
    said, _ = await talk(here, b"EHLO a\r\n", b"STARTTLS\r\n", b"MAIL FROM:<a@b.c>\r\n", b"EHLO a\r\n", tls=False)
    assert b"STARTTLS" in said[0]
    assert b"AUTH CRAM-MD5\r\n" in said[0], "PLAIN may not cross"
    assert said[1] == b"220 2.0.0 begin TLS\r\n"
    assert said[2].startswith(b"503 5.5.1 MAIL is not possible now: say hello first")
    assert b"STARTTLS" not in said[3]
    assert b"AUTH PLAIN CRAM-MD5\r\n" in said[3]


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_octets_before_the_handshake_are_never_obeyed(here: ReceivingOffice, dialect: Dialect) -> None:
    hello = b"LHLO a\r\n" if dialect is Dialect.LMTP else b"EHLO a\r\n"
    injected = hello + MAIL
    said, ending = await talk(here, hello, b"STARTTLS\r\n" + injected, settings=SmtpSettings(dialect), tls=False)
    assert said[1] == b"554 5.5.0 octets came before the TLS handshake\r\n"
    assert ending is not Ending.DROPPED
    assert await here.messages("jones") == []


async def test_it_is_offered_only_where_it_can_be_had(here: ReceivingOffice) -> None:
    said, _ = await talk(here, b"EHLO a\r\n", b"STARTTLS\r\n", b"STARTTLS now\r\n")
    assert b"STARTTLS" not in said[0]
    assert said[1] == b"502 5.5.1 STARTTLS is not offered here\r\n"
    assert said[2].startswith(b"501 ")
    said, _ = await talk(here, b"EHLO a\r\n", b"STARTTLS\r\n", tls=True)
    assert said[1] == b"503 5.5.1 TLS is spoken already\r\n"


async def test_a_password_in_clear_is_refused_with_what_to_do(here: ReceivingOffice) -> None:
    said, _ = await talk(here, b"EHLO a\r\n", b"AUTH PLAIN AGpvbmVzAHNlY3JldA==\r\n", b"AUTH GSSAPI\r\n")
    assert said[1].startswith(b"538 5.7.11 ")
    assert said[2].startswith(b"504 5.5.4 ")


async def test_who_must_log_in_sends_nothing_before(here: ReceivingOffice) -> None:
    settings = SmtpSettings(auth=AuthPolicy.REQUIRED)
    login = b"AUTH PLAIN AGpvbmVzAHNlY3JldA==\r\n"
    said, _ = await talk(here, b"EHLO a\r\n", b"MAIL FROM:<>\r\n", login, MAIL, settings=settings, tls=True)
    assert said[1] == b"530 5.7.0 log in first\r\n"
    assert said[2].startswith(b"235 ")
    assert b"250 2.0.0 stored" in said[3]
    (message,) = await here.messages("jones")
    assert b"with ESMTPSA id" in message, "RFC 3848 s1"


async def test_logins_can_be_turned_off(here: ReceivingOffice) -> None:
    settings = SmtpSettings(auth=AuthPolicy.OFF)
    said, _ = await talk(here, b"EHLO a\r\n", b"AUTH PLAIN AGpvbmVzAHNlY3JldA==\r\n", settings=settings, tls=True)
    assert b"AUTH" not in said[0]
    assert said[1] == b"502 5.5.1 AUTH is not offered here\r\n"


async def test_a_wrong_password(here: ReceivingOffice) -> None:
    said, _ = await talk(here, b"EHLO a\r\n", b"AUTH PLAIN AGpvbmVzAHdyb25n\r\n", b"NOOP\r\n", tls=True)
    assert said[1] == b"535 5.7.8 invalid user name or password\r\n"
    assert said[2].startswith(b"250 ")


async def test_what_mail_says_of_a_login_elsewhere_means_nothing(here: ReceivingOffice) -> None:
    """RFC 4954 s5: the parameter is taken, and trusted by nobody."""
    said, _ = await talk(here, b"EHLO a\r\nMAIL FROM:<a@b.c> AUTH=jones+40foo.com\r\nRSET\r\nMAIL FROM:<> AUTH=<>\r\n")
    assert said[0].count(b"\r\n250 2.1.0 ") == 2
