"""POP3's verbs over memory stores, apart from what the dialogues in tests/transcripts show."""

import gc
import hashlib
from base64 import b64encode

import pytest

from postane.accounts.memory import MemoryAccounts
from postane.maildrop.base import (
    Lock,
    LockPolicy,
    MaildropSession,
    NotAllRemoved,
    OpenMessage,
    StoreDamaged,
    StoreUnavailable,
)
from postane.maildrop.drop import JoinedSession
from postane.maildrop.memory import memory_store
from postane.net.memory import FACTS, MemoryStream
from postane.net.stream import Peer
from postane.server.exchange import Exchange
from postane.server.gate import Gate
from postane.server.limits import Limits
from postane.server.office import PostOffice
from postane.server.pop3_authorization import Authorization
from postane.server.record import Ending
from postane.wire.dots import stuff
from support.pop3 import HOST, NOW, TOKEN, Pop3Session, make_office, put, sized


@pytest.fixture
async def office() -> PostOffice:
    accounts = MemoryAccounts()
    accounts.add("mrose", password="tanstaaf")
    office = make_office(memory_store(inline=1000), accounts)
    await put(office.maildrops, "mrose", sized(120), sized(200))
    return office


async def test_a_pipeline_is_answered_in_one_write(office: PostOffice) -> None:
    session = Pop3Session(office)
    greeting = await session.settle()
    assert greeting.startswith(b"+OK ")
    said = await session.say(b"USER mrose", b"PASS tanstaaf", b"STAT", b"DELE 1", b"STAT", b"QUIT")
    assert [line.split(b" ")[0] for line in said.splitlines()] == [b"+OK"] * 6
    assert b"+OK 2 320\r\n+OK message 1 deleted\r\n+OK 1 200\r\n" in said
    assert await session.task is Ending.QUIT
    assert (await office.maildrops.usage("mrose")).messages == 1
    assert (session.record.account, session.record.deleted, session.record.commands) == ("mrose", 1, 6)


async def test_octet_by_octet_is_as_good(office: PostOffice) -> None:
    session = Pop3Session(office, MemoryStream(piece=1))
    await session.settle()
    assert (await session.log_in()).endswith(b"(320 octets)\r\n")
    assert await session.say(b"RETR 1") == b"+OK 120 octets\r\n" + stuff(sized(120))


@pytest.mark.parametrize("way", ["USER", "AUTH", "APOP"])
async def test_nothing_that_a_login_was_tried_with_stays(way: str) -> None:
    """An idle client costs no gate and no exchange; CAPA, and what else stands after login, need none."""
    accounts = MemoryAccounts()
    accounts.add("mrose", password="tanstaaf")
    accounts.add_device("mrose", "phone", "device-secret")
    office = make_office(accounts=accounts, mechanisms=("PLAIN",))
    gc.collect()
    before = _provers()
    session = Pop3Session(office)
    greeting = await session.settle()
    assert _provers() > before
    if way == "USER":
        await session.log_in()
    elif way == "AUTH":
        word = b64encode(b"\0mrose\0tanstaaf")
        assert (await session.say(b"AUTH PLAIN")).startswith(b"+ ")
        assert (await session.say(word)).startswith(b"+OK mrose's")
    else:
        stamp = greeting[greeting.index(b"<") : greeting.index(b">") + 1]
        digest = hashlib.md5(stamp + b"device-secret", usedforsecurity=False).hexdigest()
        assert (await session.say(f"APOP mrose {digest}".encode())).startswith(b"+OK mrose's")
    gc.collect()
    assert _provers() == before
    assert b"\r\nUIDL\r\n" in await session.say(b"CAPA")
    assert (await session.say(b"USER mrose")).startswith(b"-ERR")
    assert await session.say(b"NOOP") == b"+OK\r\n"
    assert (await session.say(b"QUIT")).startswith(b"+OK")


def _provers() -> int:
    return sum(isinstance(each, Authorization | Gate | Exchange) for each in gc.get_objects())


@pytest.mark.parametrize("how", ["dropped", "timed out", "lost"])
async def test_without_quit_nothing_is_deleted(office: PostOffice, how: str) -> None:
    session = Pop3Session(office)
    await session.log_in()
    assert await session.say(b"DELE 1") == b"+OK message 1 deleted\r\n"
    if how == "dropped":
        session.stream.end()
    elif how == "timed out":
        session.stream.expire()
    else:
        session.stream.abort()
    ending = await session.task
    assert ending is (Ending.TIMED_OUT if how == "timed out" else Ending.DROPPED)
    assert session.stream.take() == b"", "RFC 1939 s3: no response to an autologout"
    assert (await office.maildrops.usage("mrose")).messages == 2


async def test_the_second_session_is_told_since_when(office: PostOffice) -> None:
    first, second = Pop3Session(office), Pop3Session(office)
    await first.log_in()
    refused = (await second.log_in()).splitlines()[-1]
    assert refused.startswith(b"-ERR [IN-USE] ")
    assert b"since" in refused
    await first.say(b"QUIT")
    assert (await second.say(b"USER mrose", b"PASS tanstaaf")).splitlines()[-1].startswith(b"+OK mrose's maildrop")


async def test_the_lease_is_free_when_quit_is_answered(office: PostOffice) -> None:
    for _ in range(20):
        session = Pop3Session(office)
        assert b"-ERR" not in await session.log_in()
        assert (await session.say(b"QUIT")).startswith(b"+OK")
        assert await session.task is Ending.QUIT


async def test_large_messages_are_streamed_and_cut_by_top() -> None:
    office = make_office(memory_store(inline=1000), _accounts())
    body = b"".join(b".dotted line %d\r\n" % number for number in range(90_000))
    message = b"Subject: large\r\nX: y\r\n\r\n" + body
    await put(office.maildrops, "mrose", message)
    session = Pop3Session(office)
    await session.log_in()
    assert await session.say(b"RETR 1") == b"+OK %d octets\r\n" % len(message) + stuff(message)
    assert await session.say(b"TOP 1 2") == (
        b"+OK top of message follows\r\nSubject: large\r\nX: y\r\n\r\n..dotted line 0\r\n..dotted line 1\r\n.\r\n"
    )
    assert await session.say(b"TOP 1 0") == b"+OK top of message follows\r\nSubject: large\r\nX: y\r\n\r\n.\r\n"
    assert await session.say(b"TOP 1 90001") == b"+OK top of message follows\r\n" + stuff(message)
    assert session.record.octets == len(message)


async def test_a_body_that_breaks_is_never_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    class Breaking:
        reads = 0

        async def read(self, limit: int) -> bytes:
            self.reads += 1
            if self.reads > 2:
                raise StoreUnavailable("cannot be read now")
            return b"x" * limit

        async def close(self) -> None:
            pass

    original = JoinedSession.open_message

    async def broken(self: MaildropSession, number: int) -> OpenMessage:
        message = await original(self, number)  # type: ignore[arg-type]
        return OpenMessage(message.facts, b"", Breaking())

    monkeypatch.setattr(JoinedSession, "ready", lambda self, number: None)
    monkeypatch.setattr(JoinedSession, "open_message", broken)
    office = make_office(memory_store(), _accounts())
    await put(office.maildrops, "mrose", sized(120))
    session = Pop3Session(office)
    await session.log_in()
    said = await session.say(b"RETR 1", b"NOOP")
    assert said.startswith(b"+OK 120 octets\r\n")
    assert not said.endswith(b".\r\n")
    assert await session.task is Ending.FAILED
    assert session.stream.is_closed


async def test_what_cannot_be_opened_is_refused_before_ok(monkeypatch: pytest.MonkeyPatch, office: PostOffice) -> None:
    async def damaged(self: MaildropSession, number: int) -> OpenMessage:
        raise StoreDamaged("message is damaged")

    monkeypatch.setattr(JoinedSession, "ready", lambda self, number: None)
    monkeypatch.setattr(JoinedSession, "open_message", damaged)
    session = Pop3Session(office)
    await session.log_in()
    assert await session.say(b"RETR 1") == b"-ERR [SYS/PERM] message is damaged\r\n"
    assert await session.say(b"STAT") == b"+OK 2 320\r\n"


async def test_quit_says_so_when_not_all_could_be_removed(monkeypatch: pytest.MonkeyPatch, office: PostOffice) -> None:
    async def failing(self: MaildropSession) -> None:
        raise NotAllRemoved("some", "disk trouble")

    monkeypatch.setattr(JoinedSession, "commit", failing)
    session = Pop3Session(office)
    await session.log_in()
    await session.say(b"DELE 1")
    assert await session.say(b"QUIT") == b"-ERR [SYS/TEMP] some deleted messages not removed\r\n"
    assert await session.task is Ending.QUIT


async def test_an_unforeseen_error_names_the_session(monkeypatch: pytest.MonkeyPatch, office: PostOffice) -> None:
    async def buggy(self: MaildropSession, number: int) -> OpenMessage:
        raise KeyError("secret detail")

    monkeypatch.setattr(JoinedSession, "ready", lambda self, number: None)
    monkeypatch.setattr(JoinedSession, "open_message", buggy)
    session = Pop3Session(office)
    await session.log_in()
    said = await session.say(b"RETR 1")
    assert said == b"-ERR [SYS/TEMP] internal error, see the server's log for session test\r\n"
    assert (await session.say(b"NOOP")).startswith(b"+OK")


@pytest.mark.parametrize(
    ("host", "is_encrypted", "allowed"),
    [("127.0.0.1", False, True), ("192.0.2.1", False, False), ("192.0.2.1", True, True), ("unix", False, True)],
)
async def test_passwords_cross_only_where_they_may(
    office: PostOffice, host: str, is_encrypted: bool, allowed: bool
) -> None:
    session = Pop3Session(office, MemoryStream(Peer(host), is_encrypted=is_encrypted))
    await session.settle()
    capabilities = (await session.say(b"CAPA")).splitlines()
    assert (b"USER" in capabilities) is allowed
    reply = await session.say(b"USER mrose")
    assert reply.startswith(b"+OK" if allowed else b"-ERR [AUTH] passwords may not cross")


async def test_three_mistakes_before_login_and_twenty_after_are_forgiven(office: PostOffice) -> None:
    early = Pop3Session(office)
    await early.settle()
    said = await early.say(*[b"BAD"] * 10)
    assert said.count(b"-ERR") == 4
    assert await early.task is Ending.MISTAKES
    late = Pop3Session(office)
    await late.log_in()
    said = await late.say(*[b"BAD"] * 20, b"NOOP", *[b"BAD"] * 30)
    assert said.count(b"-ERR") == 20 + 21
    assert await late.task is Ending.MISTAKES


async def test_an_account_has_only_so_many_sessions() -> None:
    office = make_office(memory_store(), _accounts(), Limits(per_account=1))
    first, second = Pop3Session(office), Pop3Session(office)
    await first.log_in()
    assert b"-ERR [IN-USE] too many sessions" in await second.log_in()
    await first.end()
    assert b"-ERR" not in await second.say(b"USER mrose", b"PASS tanstaaf")


async def test_deadlines_before_and_after_login(office: PostOffice) -> None:
    session = Pop3Session(office)
    await session.settle()
    assert session.stream.deadline is None, "the reception's deadline for the login stands"
    await session.log_in()
    assert session.stream.deadline == 600.0


async def test_an_endless_line_is_refused_at_once_and_skipped(office: PostOffice) -> None:
    session = Pop3Session(office)
    await session.settle()
    session.stream.give(b"USER " + b"x" * (1 << 20))
    assert await session.settle() == b"-ERR line too long\r\n"
    assert await session.say(b"", b"USER mrose") == b"+OK send PASS\r\n"


async def test_nul_and_eight_bit_in_commands(office: PostOffice) -> None:
    session = Pop3Session(office)
    await session.settle()
    assert await session.say(b"USER a\0b") == b"-ERR NUL in a command\r\n"
    assert await session.say(b"USER \xff\xfe") == b"-ERR an argument is not UTF-8 text\r\n"
    assert await session.say("USER gülşen".encode()) == b"+OK send PASS\r\n"
    assert (await session.say(b"PASS \xff\xfe")).startswith(b"-ERR [AUTH] ")


def _accounts() -> MemoryAccounts:
    accounts = MemoryAccounts()
    accounts.add("mrose", password="tanstaaf")
    return accounts


async def test_a_session_that_was_taken_over_is_told_so_at_every_command(office: PostOffice) -> None:
    object.__setattr__(office, "lock", Lock(LockPolicy.TAKEOVER))
    old, new = Pop3Session(office), Pop3Session(office)
    await old.log_in()
    assert await old.say(b"DELE 1", b"RETR 2") != b""
    await new.log_in()
    refusal = b"-ERR [IN-USE] maildrop was taken over by another session, nothing was deleted by this one\r\n"
    for line in (b"STAT", b"LIST", b"UIDL 2", b"RETR 2", b"TOP 2 0", b"DELE 2", b"NOOP", b"RSET", b"CAPA"):
        assert await old.say(line) == refusal, line
    assert await old.say(b"QUIT") == refusal
    assert await old.task is Ending.QUIT
    assert (await office.maildrops.usage("mrose")).messages == 2
    assert await new.say(b"DELE 2") == b"+OK message 2 deleted\r\n"
    assert (await new.say(b"QUIT")).startswith(b"+OK ")
    assert (await office.maildrops.usage("mrose")).messages == 1


async def test_sessions_that_share_see_what_is_gone(office: PostOffice) -> None:
    object.__setattr__(office, "lock", Lock(LockPolicy.SHARE))
    first, second = Pop3Session(office), Pop3Session(office)
    await first.log_in()
    await second.log_in()
    await first.say(b"DELE 1", b"QUIT")
    assert await second.say(b"STAT") == b"+OK 2 320\r\n"
    for line in (b"RETR 1", b"TOP 1 0"):
        assert await second.say(line) == b"-ERR message 1 was deleted by another session\r\n"
    assert await second.say(b"RETR 2") == b"+OK 200 octets\r\n" + stuff(sized(200))
    assert await second.say(b"DELE 1", b"DELE 2") == b"+OK message 1 deleted\r\n+OK message 2 deleted\r\n"
    assert (await second.say(b"QUIT")).startswith(b"+OK ")
    assert (await office.maildrops.usage("mrose")).messages == 0


class TestStls:
    """RFC 2595 s4."""

    @staticmethod
    async def connect(office: PostOffice) -> Pop3Session:
        session = Pop3Session(office, MemoryStream(Peer("192.0.2.1"), offers_tls=FACTS))
        await session.settle()
        return session

    async def test_what_is_offered_differs_before_and_after(self) -> None:
        office = make_office(accounts=_accounts(), mechanisms=("PLAIN", "LOGIN"))
        session = await self.connect(office)
        before = (await session.say(b"CAPA")).splitlines()
        assert b"STLS" in before
        assert b"USER" not in before
        assert not any(line.startswith(b"SASL") for line in before)
        assert await session.say(b"STLS") == b"+OK begin TLS\r\n", "and no second greeting"
        after = (await session.say(b"CAPA")).splitlines()
        assert {b"USER", b"SASL PLAIN LOGIN"} <= set(after)
        assert b"STLS" not in after
        assert await session.say(b"STLS") == b"-ERR TLS is spoken already\r\n"

    async def test_nothing_said_before_is_remembered(self) -> None:
        office = make_office(accounts=_accounts(), plaintext_elsewhere=True)
        session = await self.connect(office)
        assert (await session.say(b"USER mrose", b"UTF8")).count(b"+OK") == 2
        await session.say(b"STLS")
        assert (await session.say(b"PASS tanstaaf")).startswith(b"-ERR PASS is not possible now")
        assert (await session.say(b"USER mrose", b"PASS tanstaaf")).endswith(b"(0 octets)\r\n")

    async def test_the_stamp_of_the_greeting_still_holds(self, office: PostOffice) -> None:
        office.accounts.add_device("mrose", "phone", "tanstaaf")  # type: ignore[attr-defined]
        session = await self.connect(office)
        await session.say(b"STLS")
        stamp = f"<{TOKEN}.{int(NOW)}@{HOST}>"
        digest = hashlib.md5(f"{stamp}tanstaaf".encode()).hexdigest()
        assert (await session.say(f"APOP mrose {digest}".encode())).startswith(b"+OK")

    @pytest.mark.parametrize("injected", [b"USER mrose\r\n", b"CAPA", b"\r\n", b"\n", b"\x16", b"QUIT\r\n" * 1000])
    async def test_octets_before_the_handshake_are_never_obeyed(self, office: PostOffice, injected: bytes) -> None:
        session = await self.connect(office)
        session.stream.give(b"STLS\r\n" + injected)
        assert await session.settle() == b"-ERR octets before the TLS handshake\r\n"
        assert await session.task is Ending.BROKEN
        assert session.stream.is_closed

    async def test_octets_that_came_in_another_segment_are_not_either(self, office: PostOffice) -> None:
        """They lie in the stream, unread by the machine, when the handshake is to begin."""
        stream = MemoryStream(Peer("192.0.2.1"), piece=len(b"STLS\r\n"), offers_tls=FACTS)
        session = Pop3Session(office, stream)
        await session.settle()
        stream.give(b"STLS\r\nUSER mrose\r\nPASS tanstaaf\r\n")
        assert await session.settle() == b"+OK begin TLS\r\n"
        assert await session.task is Ending.NOT_SECURED
        assert session.record.commands == 1

    async def test_without_a_certificate_there_is_none(self, office: PostOffice) -> None:
        session = Pop3Session(office)
        await session.settle()
        assert b"STLS" not in await session.say(b"CAPA")
        assert await session.say(b"STLS") == b"-ERR STLS is not offered here\r\n"
