"""Who goes through a dictionary of addresses is sent away."""

from collections.abc import Mapping

import pytest
import structlog

from postane.accounts.base import Account, AccountsUnavailable
from postane.maildrop.base import Quota
from postane.net.memory import MemoryStream
from postane.server.delivery import DeliveryLimits
from postane.server.limits import Limits
from postane.server.loop import Conversation, converse
from postane.server.record import Ending, SessionRecord
from postane.server.smtp import SmtpDesk
from postane.server.smtp_settings import SmtpSettings
from postane.smtp.server import SmtpServer
from postane.smtp.states import Dialect
from support.receiving import NOW, ReceivingOffice

ALLOWED = Limits().strangers
BEGIN = b"EHLO x\r\nMAIL FROM:<>\r\n"
LETTER = b"RCPT TO:<joe@foo.com>\r\nDATA\r\n.\r\n"


@pytest.fixture
def here() -> ReceivingOffice:
    here = ReceivingOffice()
    here.accounts.add("joe")
    here.accounts.add("full", quota=Quota(octets=0))
    return here


def _guesses(count: int, domain: str = "foo.com") -> bytes:
    return b"".join(b"RCPT TO:<guess%d@%s>\r\n" % (number, domain.encode()) for number in range(count))


async def _talk(
    here: ReceivingOffice, says: bytes, settings: SmtpSettings | None = None
) -> tuple[Ending, list[bytes], Mapping[bytes, int]]:
    """How it ends, the replies, and how many there are of each code."""
    settings, stream = settings or SmtpSettings(), MemoryStream(here.peer)
    record = SessionRecord("s1", "smtp", here.peer, NOW)
    stream.give(says)
    stream.end()
    machine = SmtpServer(settings.dialect, settings.body)
    ending = await converse(Conversation(stream, machine, SmtpDesk(here.office, stream, record, settings)))
    lines = [line for line in stream.take().split(b"\r\n")[1:-1] if line[3:4] == b" "]
    codes = [line[:3] for line in lines]
    return ending, lines, {code: codes.count(code) for code in codes}


@pytest.mark.parametrize("domain", ["foo.com", "elsewhere.example"])
async def test_after_so_many_the_session_ends(here: ReceivingOffice, domain: str) -> None:
    ending, lines, counts = await _talk(here, BEGIN + _guesses(ALLOWED + 50, domain) + b"QUIT\r\n")
    assert ending is Ending.MISTAKES
    assert counts == {b"250": 2, b"550": ALLOWED, b"421": 1}
    assert lines[-1] == b"421 4.7.0 too many mistakes"


async def test_as_many_are_answered_each(here: ReceivingOffice) -> None:
    ending, _, counts = await _talk(here, BEGIN + _guesses(ALLOWED) + LETTER + b"QUIT\r\n")
    assert ending is Ending.QUIT
    assert counts[b"550"] == ALLOWED
    assert len(await here.messages("joe")) == 1


async def test_a_new_transaction_makes_nobody_a_new_client(here: ReceivingOffice) -> None:
    says = BEGIN + _guesses(ALLOWED) + b"RSET\r\nEHLO x\r\nMAIL FROM:<a@b.example>\r\n" + _guesses(1)
    ending, _, counts = await _talk(here, says)
    assert (ending, counts[b"550"]) == (Ending.MISTAKES, ALLOWED)


async def test_who_sends_mail_that_is_wanted_begins_anew(here: ReceivingOffice) -> None:
    says = BEGIN + _guesses(ALLOWED) + LETTER + b"MAIL FROM:<>\r\n" + _guesses(ALLOWED) + b"QUIT\r\n"
    ending, _, counts = await _talk(here, says)
    assert (ending, counts[b"550"]) == (Ending.QUIT, 2 * ALLOWED)


async def test_what_may_be_otherwise_next_time_is_not_counted(here: ReceivingOffice) -> None:
    settings = SmtpSettings(delivery=DeliveryLimits(recipients=1))
    many = b"RCPT TO:<full@foo.com>\r\n" * ALLOWED + b"RCPT TO:<joe@foo.com>\r\n" * (ALLOWED + 2)
    ending, _, counts = await _talk(here, BEGIN + many + b"QUIT\r\n", settings)
    assert ending is Ending.QUIT
    assert counts[b"452"] > ALLOWED


async def test_but_the_log_is_not_filled_with_it(here: ReceivingOffice) -> None:
    with structlog.testing.capture_logs() as logs:
        _, _, counts = await _talk(here, BEGIN + b"RCPT TO:<full@foo.com>\r\n" * (ALLOWED + 50) + b"QUIT\r\n")
    assert counts[b"452"] == ALLOWED + 50
    assert [line["event"] for line in logs].count("recipient refused") == ALLOWED


@pytest.mark.parametrize(("dialect", "told"), [(Dialect.SMTP, ALLOWED), (Dialect.LMTP, ALLOWED + 50)])
async def test_nor_with_a_store_that_is_down(
    here: ReceivingOffice, monkeypatch: pytest.MonkeyPatch, dialect: Dialect, told: int
) -> None:
    async def resolve(local_part: str, domain: str | None) -> Account | None:
        raise AccountsUnavailable("not now", f"{local_part}@{domain}: the disk is gone")

    monkeypatch.setattr(here.accounts, "resolve", resolve)
    begin = BEGIN.replace(b"EHLO", b"LHLO" if dialect is Dialect.LMTP else b"EHLO")
    with structlog.testing.capture_logs() as logs:
        says = begin + b"RCPT TO:<joe@foo.com>\r\n" * (ALLOWED + 50) + b"QUIT\r\n"
        _, _, counts = await _talk(here, says, SmtpSettings(dialect))
    assert counts[b"451"] == ALLOWED + 50
    assert [line["event"] for line in logs].count("store failure") == told


async def test_by_lmtp_only_mail_servers_come(here: ReceivingOffice) -> None:
    says = BEGIN.replace(b"EHLO", b"LHLO") + _guesses(ALLOWED + 5) + b"QUIT\r\n"
    ending, _, counts = await _talk(here, says, SmtpSettings(Dialect.LMTP))
    assert (ending, counts[b"550"]) == (Ending.QUIT, ALLOWED + 5)
