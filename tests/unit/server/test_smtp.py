"""SMTP's and LMTP's verbs, over the machine and in memory; the dialogues are under tests/transcripts."""

from collections.abc import Sequence
from typing import Any

import pytest

from postane.accounts.base import AccountsUnavailable
from postane.maildrop.base import (
    Addressee,
    Letter,
    MaildropError,
    MaildropStore,
    Quota,
    Spool,
    StoreFull,
    StoreUnavailable,
)
from postane.net.memory import MemoryStream
from postane.net.stream import Peer
from postane.server.delivery import DeliveryLimits, Outcome
from postane.server.loop import Conversation, converse
from postane.server.record import Ending
from postane.server.replies import Reports, smtp_reply
from postane.server.smtp import SmtpDesk, SmtpSettings
from postane.smtp.body import BareNewlines, BodyLimits
from postane.smtp.server import SmtpServer
from postane.smtp.states import Dialect
from postane.wire.errors import Fault, RemoteProtocolError
from support.receiving import ReceivingOffice

EHLO = b"EHLO bar.com\r\n"
MAIL = b"MAIL FROM:<smith@bar.com>\r\n"
JOE = b"RCPT TO:<joe@foo.com>\r\n"
ANN = b"RCPT TO:<ann@foo.com>\r\n"
START = EHLO + MAIL + JOE


@pytest.fixture
def here() -> ReceivingOffice:
    here = ReceivingOffice()
    for name in ("joe", "ann"):
        here.accounts.add(name)
    return here


async def _say(here: ReceivingOffice, octets: bytes, settings: SmtpSettings | None = None) -> list[bytes]:
    """The replies to all of it, the greeting left out; each with its last line alone."""
    said = await here.session(settings).say(octets)
    return [line for line in said.split(b"\r\n")[1:-1] if line[3:4] == b" "]


def _limits(**body: Any) -> SmtpSettings:
    return SmtpSettings(body=BodyLimits(**body))


async def test_the_trace_tells_how_it_came_in(here: ReceivingOffice) -> None:
    await _say(here, START + b"DATA\r\nSubject: x\r\n\r\nhello\r\n.\r\n")
    assert await here.messages("joe") == [
        b"Return-Path: <smith@bar.com>\r\n"
        b"Delivered-To: joe@foo.com\r\n"
        b"Received: from bar.com ([192.0.2.7])\r\n"
        b"\tby foo.com with ESMTP id s1.1\r\n"
        b"\tfor <joe@foo.com>;\r\n"
        b"\tSun, 9 Sep 2001 01:46:40 +0000\r\n"
        b"Subject: x\r\n\r\nhello\r\n"
    ]


@pytest.mark.parametrize(
    ("hello", "dialect", "word"),
    [
        (b"HELO x\r\nMAIL FROM:<>\r\n", Dialect.SMTP, b" with SMTP id "),
        (b"EHLO x\r\nMAIL FROM:<> SMTPUTF8\r\n", Dialect.SMTP, b" with UTF8SMTP id "),
        (b"LHLO x\r\nMAIL FROM:<>\r\n", Dialect.LMTP, b" with LMTP id "),
        (b"LHLO x\r\nMAIL FROM:<> SMTPUTF8\r\n", Dialect.LMTP, b" with UTF8LMTP id "),
    ],
)
async def test_the_word_after_with(here: ReceivingOffice, hello: bytes, dialect: Dialect, word: bytes) -> None:
    await _say(here, hello + JOE + b"DATA\r\n.\r\n", SmtpSettings(dialect))
    [message] = await here.messages("joe")
    assert word in message


async def test_a_peer_on_a_unix_socket_has_no_address(here: ReceivingOffice) -> None:
    here.peer = Peer("unix")
    await _say(here, START + b"DATA\r\n.\r\n")
    [message] = await here.messages("joe")
    assert b"Received: from bar.com\r\n" in message


async def test_the_record_counts_what_came_in(here: ReceivingOffice) -> None:
    again = MAIL + JOE + ANN + b"BDAT 3 LAST\r\nx\r\n"
    await _say(here, START + b"DATA\r\nhello\r\n.\r\n" + again + b"QUIT\r\n")
    assert here.record is not None
    assert (here.record.messages, here.record.octets, here.record.commands) == (2, 10, 9)


async def test_a_message_is_stored_before_it_is_acknowledged(here: ReceivingOffice) -> None:
    said = await _say(here, START + b"DATA\r\nx\r\n.\r\n")
    assert said[-1] == b"250 2.0.0 stored as s1.1"
    assert len(await here.messages("joe")) == 1


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "settings", "reply"),
        [
            (b"a\nb\r\n", _limits(), b"550 5.6.0 "),
            (b"x" * 11 + b"\r\n", _limits(line=10), b"550 5.6.0 "),
            (b"123456789\r\n", _limits(message=10), b"552 5.3.4 "),
            (b"Received: x\r\n" * 2, SmtpSettings(delivery=DeliveryLimits(hops=1)), b"554 5.4.6 "),
        ],
        ids=["bare newline", "long line", "too big", "looping"],
    )
    @pytest.mark.parametrize("is_bdat", [False, True])
    async def test_a_bad_message_is_read_refused_and_forgotten(
        self, here: ReceivingOffice, body: bytes, settings: SmtpSettings, reply: bytes, is_bdat: bool
    ) -> None:
        message = b"BDAT %d LAST\r\n" % len(body) + body if is_bdat else b"DATA\r\n" + body + b".\r\n"
        good = MAIL + JOE + b"DATA\r\n.\r\n"
        said = await _say(here, START + message + good + b"NOOP\r\n", settings)
        refusal = said[3 if is_bdat else 4]
        assert refusal.startswith(reply)
        assert said[-2:] == [b"250 2.0.0 stored as s1.2", b"250 2.0.0 done"]
        assert len(await here.messages("joe")) == 1

    async def test_bare_newlines_are_converted_where_that_is_the_policy(self, here: ReceivingOffice) -> None:
        await _say(here, START + b"DATA\r\na\nb\r\n.\r\n", _limits(bare_newlines=BareNewlines.CONVERT))
        [message] = await here.messages("joe")
        assert message.endswith(b"\r\na\r\nb\r\n")

    async def test_a_declared_size_over_the_limit(self, here: ReceivingOffice) -> None:
        said = await _say(here, EHLO + b"MAIL FROM:<> SIZE=11\r\nMAIL FROM:<> SIZE=10\r\n", _limits(message=10))
        assert [line[:9] for line in said[1:]] == [b"552 5.3.4", b"250 2.1.0"]

    async def test_too_many_recipients(self, here: ReceivingOffice) -> None:
        settings = SmtpSettings(delivery=DeliveryLimits(recipients=1))
        said = await _say(here, START + ANN + b"DATA\r\n.\r\n", settings)
        assert said[3].startswith(b"452 4.5.3 ")
        assert len(await here.messages("joe")) == 1
        assert len(await here.messages("ann")) == 0

    async def test_a_full_mailbox_is_told_before_the_message_where_the_size_is(self, here: ReceivingOffice) -> None:
        here.accounts.set_quota("joe", Quota(octets=1000))
        said = await _say(here, EHLO + b"MAIL FROM:<> SIZE=1001\r\n" + JOE + ANN)
        assert said[2] == b"452 4.2.2 mailbox full"
        assert said[3].startswith(b"250 2.1.5 ")

    async def test_a_full_mailbox_is_told_after_the_message_where_the_size_is_not(self, here: ReceivingOffice) -> None:
        here.accounts.set_quota("joe", Quota(octets=100))
        said = await _say(here, START + b"DATA\r\n" + b"x\r\n" * 40 + b".\r\n")
        assert said[-1] == b"452 4.2.2 mailbox full"
        assert await here.messages("joe") == []


class _Failing:
    """A store whose deposits, or spools, fail; the rest is the other store's."""

    def __init__(self, store: MaildropStore, error: Exception, *, drops: Sequence[str] = (), in_spool: bool = False):
        self._store = store
        self._error = error
        self._drops = drops
        self._in_spool = in_spool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def spool(self) -> Spool:
        return _FailingSpool(self._store.spool(), self._error) if self._in_spool else self._store.spool()

    async def deposit(self, spool: Spool, letter: Letter, addressees: Sequence[Addressee]) -> list[Outcome]:
        if not isinstance(self._error, MaildropError):
            raise self._error
        inner = spool.inner if isinstance(spool, _FailingSpool) else spool
        kept = [addressee for addressee in addressees if addressee.drop not in self._drops]
        stored = dict(zip((one.drop for one in kept), await self._store.deposit(inner, letter, kept), strict=True))
        return [stored.get(addressee.drop, self._error) for addressee in addressees]


class _FailingSpool:
    def __init__(self, spool: Spool, error: Exception) -> None:
        self.inner = spool
        self._error = error

    async def write(self, octets: bytes, *, is_undotted: bool = False) -> None:
        if b"bad" in octets:
            raise self._error
        await self.inner.write(octets, is_undotted=is_undotted)

    def write_now(self, octets: bytes, *, is_undotted: bool = False) -> bool:
        return b"bad" not in octets and self.inner.write_now(octets, is_undotted=is_undotted)

    async def discard(self) -> None:
        await self.inner.discard()

    def discard_now(self) -> bool:
        return self.inner.discard_now()


class TestFailures:
    async def test_stored_for_some_asks_for_it_again(self, here: ReceivingOffice) -> None:
        here.maildrops = _Failing(here.maildrops, StoreUnavailable("down"), drops=["ann"])  # type: ignore[assignment]
        said = await _say(here, START + ANN + b"DATA\r\n.\r\n")
        assert said[-1] == b"451 4.3.0 not stored for all recipients, send again"
        assert len(await here.messages("joe")) == 1

    async def test_lmtp_tells_of_each(self, here: ReceivingOffice) -> None:
        here.maildrops = _Failing(here.maildrops, StoreUnavailable("down"), drops=["joe"])  # type: ignore[assignment]
        lhlo = START.replace(b"EHLO", b"LHLO")
        said = await _say(here, lhlo + ANN + JOE + b"DATA\r\n.\r\n", SmtpSettings(Dialect.LMTP))
        assert [line[:9] for line in said[-3:]] == [b"451 4.3.0", b"250 2.0.0", b"451 4.3.0"]

    @pytest.mark.parametrize("dialect", list(Dialect))
    async def test_a_bug_is_a_temporary_failure_for_all(self, here: ReceivingOffice, dialect: Dialect) -> None:
        here.maildrops = _Failing(here.maildrops, ZeroDivisionError())  # type: ignore[assignment]
        hello = START.replace(b"EHLO", b"LHLO") if dialect is Dialect.LMTP else START
        said = await _say(here, hello + ANN + b"DATA\r\n.\r\nNOOP\r\n", SmtpSettings(dialect))
        told = [line for line in said if line.startswith(b"451 4.3.0 internal error")]
        assert len(told) == (2 if dialect is Dialect.LMTP else 1)
        assert b"session s1" in told[0]
        assert said[-1] == b"250 2.0.0 done"

    async def test_a_full_disk_is_told_when_the_message_is_over(self, here: ReceivingOffice) -> None:
        here.maildrops = _Failing(here.maildrops, StoreFull("full"), in_spool=True)  # type: ignore[assignment]
        said = await _say(here, START + b"DATA\r\nbad\r\nQUIT\r\n.\r\nNOOP\r\n")
        assert said[-2:] == [b"452 4.3.1 no space left, try again later", b"250 2.0.0 done"]
        assert await here.messages("joe") == []

    async def test_a_full_disk_is_told_at_once_after_a_chunk(self, here: ReceivingOffice) -> None:
        here.maildrops = _Failing(here.maildrops, StoreFull("full"), in_spool=True)  # type: ignore[assignment]
        chunks = b"BDAT 2\r\nokBDAT 3\r\nbadBDAT 4 LAST\r\nQUITRSET\r\n"
        said = await _say(here, START + chunks + MAIL + JOE + b"BDAT 2 LAST\r\nok")
        assert [line[:9] for line in said[3:7]] == [b"250 2.0.0", b"452 4.3.1", b"503 5.5.1", b"250 2.0.0"]
        assert said[-1].startswith(b"250 2.0.0 stored ")
        assert len(await here.messages("joe")) == 1

    async def test_accounts_that_cannot_be_asked(self, here: ReceivingOffice, monkeypatch: pytest.MonkeyPatch) -> None:
        async def fail(domain: str) -> bool:
            raise AccountsUnavailable("accounts cannot be read")

        monkeypatch.setattr(here.accounts, "is_local", fail)
        said = await _say(here, START)
        assert said[-1].startswith(b"451 4.3.0 ")

    async def test_a_chunk_that_is_refused_ends_the_transaction(self, here: ReceivingOffice) -> None:
        session = here.session()
        assert here.desk is not None
        await session.say(START + b"BDAT 2\r\nok")
        assert not here.desk.may_be_ended
        await session.say(b"BDAT 2\r\na\n")
        assert here.desk.may_be_ended


class TestEndings:
    @pytest.mark.parametrize(
        ("ending", "reply"),
        [
            (Ending.TIMED_OUT, b"421 4.4.2 "),
            (Ending.SHUT_DOWN, b"421 4.3.2 "),
            (Ending.MISTAKES, b"421 4.7.0 "),
            (Ending.REFUSED, b"421 4.7.0 "),
            (Ending.QUIT, b""),
            (Ending.DROPPED, b""),
        ],
    )
    async def test_the_last_word(self, here: ReceivingOffice, ending: Ending, reply: bytes) -> None:
        here.session()
        assert here.desk is not None
        assert here.desk.farewell(ending)[:10] == reply

    async def test_a_session_in_a_message_is_not_to_be_ended(self, here: ReceivingOffice) -> None:
        session = here.session()
        assert here.desk is not None
        assert here.desk.may_be_ended
        await session.say(START)
        assert not here.desk.may_be_ended
        await session.say(b"DATA\r\n.\r\n")
        assert here.desk.may_be_ended

    @pytest.mark.parametrize("is_bdat", [False, True])
    async def test_a_message_that_breaks_off_is_forgotten(self, here: ReceivingOffice, is_bdat: bool) -> None:
        """Under the real loop: the client goes away in the middle."""
        stream = MemoryStream(here.peer)
        here.session()
        assert here.record is not None
        settings = SmtpSettings()
        desk = SmtpDesk(here.office, stream, here.record, settings)
        stream.give(START + (b"BDAT 9 LAST\r\nhalf" if is_bdat else b"DATA\r\nhalf a message\r\n."))
        stream.end()
        assert await converse(Conversation(stream, SmtpServer(settings.dialect, settings.body), desk)) is Ending.DROPPED
        await desk.close()
        assert desk.may_be_ended
        assert await here.messages("joe") == []


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Fault.SYNTAX, 500), (Fault.TOO_LONG, 500), (Fault.WRONG_STATE, 503), (Fault.BAD_ARGUMENT, 501)],
)
def test_a_mistake_without_a_reply_of_its_own(fault: Fault, code: int) -> None:
    reply = smtp_reply(RemoteProtocolError("words", fault), Reports("s1", 1))
    assert (reply.code, reply.lines) == (code, ("words",))
