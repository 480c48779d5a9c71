"""POP2's verbs over memory stores, apart from what the dialogues in tests/transcripts show."""

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
from postane.net.memory import MemoryStream
from postane.net.stream import Peer
from postane.server.limits import Limits
from postane.server.office import PostOffice
from postane.server.record import Ending
from support.pop3 import Pop3Session, make_office, put, sized
from support.retrieval import LoopSession

LOG_IN = b"HELO mrose tanstaaf"


@pytest.fixture
async def office() -> PostOffice:
    return await _office()


async def _office(**facts: object) -> PostOffice:
    accounts = MemoryAccounts()
    accounts.add("mrose", password="tanstaaf")
    accounts.add("other", password="tanstaaf")
    office = make_office(memory_store(inline=1000), accounts, **facts)  # type: ignore[arg-type]
    await put(office.maildrops, "mrose", sized(120), sized(200))
    return office


async def count(office: PostOffice, drop: str = "mrose") -> int:
    return (await office.maildrops.usage(drop)).messages


async def enter(office: PostOffice, stream: MemoryStream | None = None) -> LoopSession:
    session = LoopSession(office, "pop2", stream)
    await session.settle()
    assert await session.say(LOG_IN) == b"#2 messages in your mailbox\r\n"
    return session


async def test_a_pipeline_is_answered_and_recorded(office: PostOffice) -> None:
    session = LoopSession(office, "pop2")
    await session.settle()
    said = await session.say(LOG_IN, b"READ", b"RETR", b"ACKD", b"RETR", b"ACKS", b"QUIT")
    assert said == (
        b"#2 messages in your mailbox\r\n=120 characters in message 1\r\n"
        + sized(120)
        + b"=200 characters in message 2\r\n"
        + sized(200)
        + b"=0 no more messages\r\n+ OK, bye\r\n"
    )
    assert await session.task is Ending.QUIT
    assert await count(office) == 1
    record = session.record
    assert (record.account, record.messages, record.octets, record.deleted, record.commands) == ("mrose", 2, 320, 1, 7)


async def test_octet_by_octet_is_as_good(office: PostOffice) -> None:
    session = await enter(office, MemoryStream(piece=1))
    assert await session.say(b"READ 2", b"RETR") == b"=200 characters in message 2\r\n" + sized(200)


@pytest.mark.parametrize("how", ["dropped", "timed out", "lost", "garbage"])
async def test_a_session_that_is_not_ended_by_quit_deletes_nothing(office: PostOffice, how: str) -> None:
    session = await enter(office)
    said = await session.say(b"READ", b"RETR", b"ACKD")
    assert said.endswith(b"=200 characters in message 2\r\n")
    if how == "dropped":
        session.stream.end()
    elif how == "timed out":
        session.stream.expire()
    elif how == "lost":
        session.stream.abort()
    else:
        assert await session.say(b"RSET") == b"- unknown command\r\n"
    endings = {"timed out": Ending.TIMED_OUT, "garbage": Ending.BROKEN}
    assert await session.task is endings.get(how, Ending.DROPPED)
    assert session.stream.take() == (b"- too long silent\r\n" if how == "timed out" else b"")
    assert await count(office) == 2


async def test_a_client_that_leaves_with_its_quit_has_ended_its_session(office: PostOffice) -> None:
    """Popclient, of 1993, closed the connection without waiting for the last reply."""
    session = await enter(office)
    await session.say(b"READ", b"RETR", b"ACKD")
    session.stream.give(b"QUIT\r\n")
    session.stream.end()
    assert await session.task is Ending.QUIT
    assert await count(office) == 1


async def test_fold_deletes_and_takes_a_new_look(office: PostOffice) -> None:
    session = await enter(office)
    await put(office.maildrops, "mrose", sized(300))
    await session.say(b"READ", b"RETR", b"ACKD")
    assert await count(office) == 3
    assert await session.say(b"FOLD mrose") == b"#2 messages in that mailbox\r\n"
    assert await count(office) == 2
    assert await session.say(b"READ") == b"=200 characters in message 1\r\n", "renumbered, and from the first one on"
    assert await session.end() is Ending.DROPPED
    assert await count(office) == 2, "what was deleted by FOLD is gone for good"
    assert session.record.deleted == 1


async def test_the_lease_is_free_while_no_mailbox_is_selected(office: PostOffice) -> None:
    session = await enter(office)
    other = Pop3Session(office)
    assert b"-ERR [IN-USE]" in await other.log_in()
    assert (await session.say(b"FOLD nowhere")).startswith(b"#0 ")
    assert b"-ERR" not in await other.say(b"USER mrose", b"PASS tanstaaf")
    assert (await session.say(b"FOLD inbox")).startswith(b"- ")
    assert await session.task is Ending.QUIT
    await other.end()


async def test_a_mailbox_for_reading_only_keeps_its_messages(office: PostOffice) -> None:
    """RFC 937, ACKD: the response is the same whether or not the message was deleted."""
    assert isinstance(office.accounts, MemoryAccounts)
    office.accounts.share("other", "mrose")
    await put(office.maildrops, "other", sized(50), sized(60))
    session = await enter(office)
    assert await session.say(b"FOLD other") == b"#2 messages in that mailbox\r\n"
    await session.say(b"READ", b"RETR")
    assert await session.say(b"ACKD") == b"=60 characters in message 2\r\n"
    assert await session.say(b"READ 1", b"QUIT") == b"=50 characters in message 1\r\n+ OK, bye\r\n"
    assert await count(office, "other") == 2


async def test_large_messages_are_streamed_exactly() -> None:
    office = await _office()
    message = b"Subject: large\r\n\r\n" + b"".join(b".line %d\r\n" % number for number in range(90_000))
    await put(office.maildrops, "mrose", message)
    session = await enter_with(office, b"#3 messages")
    assert await session.say(b"READ 3", b"RETR") == b"=%d characters in message 3\r\n" % len(message) + message
    assert (await session.say(b"ACKS")).startswith(b"=0 ")


async def enter_with(office: PostOffice, greeting: bytes) -> LoopSession:
    session = LoopSession(office, "pop2")
    await session.settle()
    assert (await session.say(LOG_IN)).startswith(greeting)
    return session


@pytest.mark.parametrize("reads", [0, 2])
async def test_a_message_that_breaks_ends_the_connection_and_no_word_is_mistaken_for_it(
    monkeypatch: pytest.MonkeyPatch, office: PostOffice, reads: int
) -> None:
    class Breaking:
        done = 0

        async def read(self, limit: int) -> bytes:
            self.done += 1
            if self.done > reads:
                raise StoreUnavailable("cannot be read now")
            return b"x" * 10

        async def close(self) -> None:
            pass

    original = JoinedSession.open_message

    async def broken(self: MaildropSession, number: int) -> OpenMessage:
        message = await original(self, number)  # type: ignore[arg-type]
        return OpenMessage(message.facts, b"", Breaking())

    monkeypatch.setattr(JoinedSession, "open_message", broken)
    session = await enter(office)
    assert await session.say(b"READ") == b"=120 characters in message 1\r\n"
    said = await session.say(b"RETR")
    assert said.strip(b"x") == b""
    assert await session.task is Ending.FAILED
    assert session.stream.is_closed


async def test_a_message_that_cannot_be_opened_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch, office: PostOffice
) -> None:
    async def damaged(self: MaildropSession, number: int) -> OpenMessage:
        raise StoreDamaged("message is damaged")

    monkeypatch.setattr(JoinedSession, "open_message", damaged)
    session = await enter(office)
    await session.say(b"READ")
    assert await session.say(b"RETR") == b""
    assert await session.task is Ending.FAILED


@pytest.mark.parametrize("verb", [b"QUIT", b"FOLD inbox"])
async def test_what_could_not_be_deleted_is_told(
    monkeypatch: pytest.MonkeyPatch, office: PostOffice, verb: bytes
) -> None:
    async def failing(self: MaildropSession) -> None:
        raise NotAllRemoved("some", "disk trouble")

    monkeypatch.setattr(JoinedSession, "commit", failing)
    session = await enter(office)
    await session.say(b"READ", b"RETR", b"ACKD")
    assert await session.say(verb) == b"- some deleted messages not removed\r\n"
    assert await session.task is Ending.QUIT
    assert session.record.deleted == 0


@pytest.mark.parametrize(
    ("host", "is_encrypted", "allowed"),
    [("127.0.0.1", False, True), ("192.0.2.1", False, False), ("192.0.2.1", True, True), ("unix", False, True)],
)
async def test_passwords_cross_only_where_they_may(
    office: PostOffice, host: str, is_encrypted: bool, allowed: bool
) -> None:
    session = LoopSession(office, "pop2", MemoryStream(Peer(host), is_encrypted=is_encrypted))
    await session.settle()
    assert (await session.say(LOG_IN)).startswith(b"#2 " if allowed else b"- passwords may not cross")
    assert session.task.done() is not allowed


async def test_an_unforeseen_error_names_the_session(monkeypatch: pytest.MonkeyPatch, office: PostOffice) -> None:
    async def buggy(self: MaildropSession) -> None:
        raise KeyError("secret detail")

    monkeypatch.setattr(JoinedSession, "load", buggy)
    session = await enter(office)
    assert await session.say(b"READ") == b"- internal error, see the server's log for session test\r\n"
    assert session.task.done()


async def test_the_lease_and_the_count_are_free_when_quit_is_answered() -> None:
    office = await _office(limits=Limits(per_account=1))
    for _ in range(5):
        session = await enter(office)
        second = LoopSession(office, "pop2")
        await second.settle()
        assert (await second.say(LOG_IN)).startswith(b"- too many sessions")
        assert await session.say(b"QUIT") == b"+ OK, bye\r\n"
        assert await session.task is Ending.QUIT


async def test_deadlines_before_and_after_login(office: PostOffice) -> None:
    session = LoopSession(office, "pop2")
    await session.settle()
    assert session.stream.deadline is None, "the reception's deadline for the login stands"
    assert session.desk.may_be_ended
    await session.say(LOG_IN)
    assert session.stream.deadline == 600.0
    assert not session.desk.may_be_ended


async def test_last_words(office: PostOffice) -> None:
    desk = LoopSession(office, "pop2").desk
    assert desk.farewell(Ending.REFUSED) == b"- too many connections, try again later\r\n"
    assert desk.farewell(Ending.SHUT_DOWN) == b"- shutting down\r\n"
    assert desk.farewell(Ending.QUIT) == desk.farewell(Ending.DROPPED) == b""


async def test_no_last_word_is_put_into_a_message() -> None:
    office = await _office()
    await put(office.maildrops, "mrose", sized(500_000))
    session = await enter_with(office, b"#3 ")
    assert (await session.say(b"READ 3")).startswith(b"=500000 ")
    session.stream.is_stuck = True
    sent = await session.say(b"RETR")
    assert sent
    session.stream.expire()
    assert await session.task is Ending.TIMED_OUT
    assert session.stream.take() == b""


async def test_who_was_taken_over_is_told_and_deletes_nothing(office: PostOffice) -> None:
    object.__setattr__(office, "lock", Lock(LockPolicy.TAKEOVER))
    old = await enter(office)
    await old.say(b"READ", b"RETR", b"ACKD")
    await enter(office)
    told = await old.say(b"QUIT")
    assert told == b"- maildrop was taken over by another session, nothing was deleted by this one\r\n"
    await old.task
    assert await count(office) == 2
