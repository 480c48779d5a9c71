"""POP1's verbs over memory stores, apart from what the dialogues in tests/transcripts show."""

import pytest

from postane.accounts.memory import MemoryAccounts
from postane.mail.mboxrd import MessageEnd, Piece, Postmark, Splitter
from postane.maildrop.base import (
    LeaseLost,
    Lock,
    LockPolicy,
    MaildropSession,
    NotAllRemoved,
    OpenMessage,
    StoreUnavailable,
)
from postane.maildrop.drop import JoinedSession
from postane.maildrop.memory import memory_store
from postane.net.memory import MemoryStream
from postane.net.stream import Peer
from postane.server.limits import Limits
from postane.server.office import PostOffice
from postane.server.record import Ending
from support.pop3 import NOW, Pop3Session, make_office, put, sized
from support.retrieval import LoopSession

FROM_HELL = b"From x\r\n>From y\r\n\r\n" + b"From " * 300 + b"\r\nFrom z\r\n" + b">" * 1000 + b"From w\r\n"


@pytest.fixture
async def office() -> PostOffice:
    return await _office()


async def _office(**facts: object) -> PostOffice:
    accounts = MemoryAccounts()
    accounts.add("mrose", password="tanstaaf")
    office = make_office(memory_store(inline=1000), accounts, **facts)  # type: ignore[arg-type]
    await put(office.maildrops, "mrose", sized(120), FROM_HELL)
    return office


async def count(office: PostOffice, drop: str = "mrose") -> int:
    return (await office.maildrops.usage(drop)).messages


async def enter(office: PostOffice, stream: MemoryStream | None = None) -> LoopSession:
    session = LoopSession(office, "pop1", stream)
    await session.settle()
    assert (await session.say(b"USER mrose", b"PASS tanstaaf")).count(b"+OK") == 2
    return session


def part(mailbox: bytes) -> list[object]:
    splitter = Splitter()
    return [*splitter.feed(mailbox), *splitter.finish()]


async def announced(session: LoopSession, command: bytes) -> int:
    said = await session.say(command)
    assert said.startswith(b"#"), said
    return int(said[1:])


async def test_what_is_told_is_what_is_sent_and_comes_apart(office: PostOffice) -> None:
    session = await enter(office)
    octets = await announced(session, b"RETR")
    mailbox = await session.say(b"RCEV")
    assert len(mailbox) == octets
    assert part(mailbox) == [
        Postmark("a@example.com", NOW),
        Piece(sized(120)),
        MessageEnd(),
        Postmark("a@example.com", NOW),
        Piece(FROM_HELL),
        MessageEnd(),
    ]
    assert (
        await session.say(b"RCVD", b"QUIT") == b"+OK messages kept\r\n+OK dbc.mtview.ca.us POP1 server signing off\r\n"
    )
    assert await session.task is Ending.QUIT
    record = session.record
    assert (record.account, record.messages, record.octets, record.deleted) == ("mrose", 2, octets, 0)


async def test_rdel_deletes_what_was_sent_and_nothing_that_came_since(office: PostOffice) -> None:
    session = await enter(office, MemoryStream(piece=1))
    octets = await announced(session, b"RDEL inbox")
    await put(office.maildrops, "mrose", sized(300))
    assert len(await session.say(b"RCEV")) == octets
    assert await count(office) == 3
    assert await session.say(b"RCVD") == b"+OK 2 messages deleted\r\n"
    assert await count(office) == 1
    assert session.record.deleted == 2
    assert part(await _receive(session))[1] == Piece(sized(300))


async def _receive(session: LoopSession) -> bytes:
    await announced(session, b"RETR")
    return await session.say(b"RCEV")


@pytest.mark.parametrize("how", ["dropped", "timed out", "lost", "RSET"])
async def test_without_rcvd_nothing_is_deleted(office: PostOffice, how: str) -> None:
    session = await enter(office)
    await announced(session, b"RDEL")
    await session.say(b"RCEV")
    if how == "dropped":
        session.stream.end()
    elif how == "timed out":
        session.stream.expire()
    elif how == "lost":
        session.stream.abort()
    else:
        assert await session.say(b"RSET", b"QUIT") != b""
    assert await session.task is {"timed out": Ending.TIMED_OUT, "RSET": Ending.QUIT}.get(how, Ending.DROPPED)
    assert await count(office) == 2


async def test_a_mailbox_is_locked_from_its_length_to_its_acknowledgment(office: PostOffice) -> None:
    session = await enter(office)
    other = Pop3Session(office)
    assert b"-ERR" not in await other.log_in()
    assert (await session.say(b"RETR")).startswith(b"-ERR ")
    assert await session.say(b"NOOP") == b"+OK\r\n"
    await other.say(b"QUIT")
    for ending in (b"RCVD", b"RSET"):
        await _receive(session)
        other = Pop3Session(office)
        assert b"-ERR [IN-USE]" in await other.log_in()
        assert (await session.say(ending)).startswith(b"+OK")
        assert b"-ERR" not in await other.say(b"USER mrose", b"PASS tanstaaf")
        await other.say(b"QUIT")


async def test_a_mailbox_for_reading_only_is_read_only(office: PostOffice) -> None:
    assert isinstance(office.accounts, MemoryAccounts)
    office.accounts.add("other")
    office.accounts.share("other", "mrose")
    await put(office.maildrops, "other", sized(50))
    session = await enter(office)
    assert await session.say(b"RDEL other") == b"-ERR that mailbox is for reading only\r\n"
    assert await announced(session, b"RETR other") == len(b"From a@example.com Tue Feb  4 02:35:52 1992\r\n") + 50 + 2
    assert part(await session.say(b"RCEV"))[1] == Piece(sized(50))


async def test_large_mailboxes_are_streamed_exactly() -> None:
    office = await _office()
    message = b"Subject: large\r\n\r\n" + b"".join(b"From line %d\r\n" % number for number in range(90_000))
    await put(office.maildrops, "mrose", message)
    session = await enter(office)
    octets = await announced(session, b"RETR")
    mailbox = await session.say(b"RCEV")
    assert len(mailbox) == octets
    assert [each.octets for each in part(mailbox) if isinstance(each, Piece)] == [sized(120), FROM_HELL, message]


@pytest.mark.parametrize("error", [NotAllRemoved("some", "disk"), LeaseLost("maildrop was taken over")])
async def test_what_could_not_be_deleted_is_told_and_the_mailbox_is_closed(
    monkeypatch: pytest.MonkeyPatch, office: PostOffice, error: Exception
) -> None:
    """RFC 918, RCVD: it is possible that the mail is not deleted; this is indicated by an error reply."""

    async def failing(self: MaildropSession) -> None:
        raise error

    monkeypatch.setattr(JoinedSession, "commit", failing)
    session = await enter(office)
    await announced(session, b"RDEL")
    await session.say(b"RCEV")
    assert (await session.say(b"RCVD")).startswith(b"-ERR ")
    assert session.record.deleted == 0
    assert (await session.say(b"RETR")).startswith(b"#"), "the lease was given back"


async def test_a_mailbox_that_breaks_ends_the_connection_and_no_word_is_mistaken_for_it(
    monkeypatch: pytest.MonkeyPatch, office: PostOffice
) -> None:
    session = await enter(office)
    octets = await announced(session, b"RDEL")

    async def unavailable(self: MaildropSession, number: int) -> OpenMessage:
        raise StoreUnavailable("cannot be read now")

    monkeypatch.setattr(JoinedSession, "open_message", unavailable)
    said = await session.say(b"RCEV", b"RCVD")
    assert len(said) < octets
    assert b"-ERR" not in said
    assert await session.task is Ending.FAILED
    assert await count(office) == 2


async def test_a_mailbox_that_cannot_be_counted_is_refused_and_closed(
    monkeypatch: pytest.MonkeyPatch, office: PostOffice
) -> None:
    async def unavailable(self: MaildropSession, number: int) -> OpenMessage:
        raise StoreUnavailable("cannot be read now")

    session = await enter(office)
    with monkeypatch.context() as patch:
        patch.setattr(JoinedSession, "open_message", unavailable)
        assert await session.say(b"RETR") == b"-ERR cannot be read now\r\n"
    assert (await session.say(b"RETR")).startswith(b"#"), "the lease was given back"


@pytest.mark.parametrize(
    ("host", "is_encrypted", "allowed"),
    [("127.0.0.1", False, True), ("192.0.2.1", False, False), ("192.0.2.1", True, True), ("unix", False, True)],
)
async def test_passwords_cross_only_where_they_may(
    office: PostOffice, host: str, is_encrypted: bool, allowed: bool
) -> None:
    session = LoopSession(office, "pop1", MemoryStream(Peer(host), is_encrypted=is_encrypted))
    await session.settle()
    assert (await session.say(b"USER mrose")).startswith(b"+OK" if allowed else b"-ERR passwords may not cross")


async def test_three_mistakes_before_login_and_twenty_after_are_forgiven(office: PostOffice) -> None:
    early = LoopSession(office, "pop1")
    await early.settle()
    assert (await early.say(*[b"BAD"] * 10)).count(b"-ERR") == 4
    assert await early.task is Ending.MISTAKES
    late = await enter(office)
    assert (await late.say(*[b"BAD"] * 30)).count(b"-ERR") == 21
    assert await late.task is Ending.MISTAKES


async def test_an_account_has_only_so_many_sessions() -> None:
    office = await _office(limits=Limits(per_account=1))
    first, second = await enter(office), LoopSession(office, "pop1")
    await second.settle()
    assert b"-ERR too many sessions" in await second.say(b"USER mrose", b"PASS tanstaaf")
    await first.say(b"QUIT")
    assert b"-ERR" not in await second.say(b"USER mrose", b"PASS tanstaaf")


async def test_deadlines_and_last_words(office: PostOffice) -> None:
    session = LoopSession(office, "pop1")
    await session.settle()
    assert session.stream.deadline is None, "the reception's deadline for the login stands"
    await session.say(b"USER mrose", b"PASS tanstaaf")
    assert session.stream.deadline == 600.0
    assert session.desk.may_be_ended, "no mailbox is open"
    await announced(session, b"RETR")
    assert not session.desk.may_be_ended
    assert session.desk.farewell(Ending.REFUSED) == b"-ERR too many connections, try again later\r\n"
    assert session.desk.farewell(Ending.TIMED_OUT) == b""


async def test_who_was_taken_over_is_told_and_deletes_nothing(office: PostOffice) -> None:
    object.__setattr__(office, "lock", Lock(LockPolicy.TAKEOVER))
    old, new = await enter(office), await enter(office)
    await announced(old, b"RDEL")
    await old.say(b"RCEV")
    await announced(new, b"RETR")
    told = await old.say(b"RCVD")
    assert told == b"-ERR maildrop was taken over by another session, nothing was deleted by this one\r\n"
    assert await count(office) == 2
