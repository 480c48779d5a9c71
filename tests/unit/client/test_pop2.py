"""POP2 for programs: which words are said for what, what is deleted, and what is never taken for a whole message."""

import asyncio

import pytest

from postane.client.errors import (
    ClearTextRefused,
    ConnectionLost,
    LoginRefused,
    Misbehaved,
    PopError,
    Refused,
    Unwilling,
)
from postane.client.login import LoginPolicy, Plaintext
from postane.client.pop2 import Pop2
from support.dialogue import DialogueLink
from support.pop_links import MemoryLink

GREETING = b"+ POP2 pop.example.org ready\r\n"
HELO = (b"HELO ayse gizli\r\n", b"#2 messages\r\n")
FIRST, SECOND = b"Subject: 1\r\n\r\none\r\n", b"Subject: 2\r\n\r\n.\r\n"
READ = (b"READ 1\r\n", b"=%d octets\r\n" % len(FIRST))
RETR_FIRST, RETR_SECOND = (b"RETR\r\n", FIRST), (b"RETR\r\n", SECOND)
NEXT, NO_MORE = b"=%d octets\r\n" % len(SECOND), b"=0 no more\r\n"
QUIT = (b"QUIT\r\n", b"+ bye\r\n")


async def opened(*turns, **how):
    link = DialogueLink(GREETING, HELO, *turns, **how)
    pop = Pop2(link)
    await pop.greet()
    assert await pop.log_in("ayse", "gizli") == 2
    return pop, link


@pytest.mark.parametrize("piece", [1, 7, 65536])
async def test_every_message_is_read_and_deleted(piece):
    acks = (b"ACKD\r\n", NEXT), RETR_SECOND, (b"ACKD\r\n", NO_MORE)
    pop, link = await opened(READ, RETR_FIRST, *acks, QUIT, piece=piece)
    got = []
    async with pop:
        assert (pop.host, pop.count) == ("pop.example.org", 2)
        async for message in pop.messages():
            got.append((message.number, message.octets, await message.raw()))
            await message.delete()
    assert got == [(1, len(FIRST), FIRST), (2, len(SECOND), SECOND)]
    assert link.is_done
    assert link.is_closed


async def test_what_nothing_is_said_of_is_kept():
    pop, link = await opened(READ, RETR_FIRST, (b"ACKS\r\n", NEXT), RETR_SECOND, (b"ACKS\r\n", NO_MORE), QUIT)
    async with pop:
        subjects = [(await message.fetch())["Subject"] async for message in pop.messages()]
    assert subjects == ["1", "2"]
    assert link.is_done


async def test_a_message_that_is_not_read_costs_one_word():
    pop, link = await opened(READ, (b"READ 2\r\n", NEXT), RETR_SECOND, (b"ACKS\r\n", NO_MORE), QUIT)
    async with pop:
        async for message in pop.messages():
            if message.number == 2:
                assert await message.raw() == SECOND
                await message.keep()
    assert link.is_done


async def test_what_is_deleted_unread_is_read_first():
    pop, link = await opened(READ, RETR_FIRST, (b"ACKD\r\n", NO_MORE), QUIT)
    async with pop:
        async for message in pop.messages():
            await message.delete()  # and the second one is gone already
    assert link.is_done


async def test_a_message_is_read_twice():
    pop, link = await opened(READ, RETR_FIRST, (b"NACK\r\n", READ[1]), RETR_FIRST, (b"ACKD\r\n", NEXT), QUIT)
    async with pop:
        async for message in pop.messages():
            assert await message.raw() == await message.raw() == FIRST
            await message.delete()
            break
    assert link.is_done


async def test_the_rest_of_a_message_is_thrown_away_and_never_missed_silently():
    pop, link = await opened(READ, RETR_FIRST, (b"ACKS\r\n", NEXT), QUIT, piece=5)
    async with pop:
        messages = pop.messages()
        stream = (await anext(messages)).stream()
        assert await anext(stream) == FIRST[:5]
        assert (await anext(messages)).number == 2
        with pytest.raises(PopError, match="thrown away"):
            await anext(stream)
    assert link.is_done


async def test_another_mailbox_is_selected_and_its_messages_are_others():
    pop, link = await opened(READ, (b"FOLD lists\r\n", b"#0\r\n"), QUIT)
    async with pop:
        message = await anext(pop.messages())
        assert await pop.folder("lists") == 0
        assert [each async for each in pop.messages()] == []
        with pytest.raises(PopError, match="was left"):
            await message.raw()
    assert link.is_done


async def test_an_exception_deletes_nothing():
    pop, link = await opened(READ, RETR_FIRST, (b"ACKD\r\n", NEXT))

    async def fail():
        async with pop:
            async for message in pop.messages():
                await message.delete()
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert b"QUIT\r\n" not in link.said
    assert link.is_aborted


async def test_a_wait_that_is_cancelled_ends_the_session():
    pop, link = await opened(READ, (b"RETR\r\n", FIRST[:5]), hangs=True)

    async def read_all():
        async with asyncio.timeout(0.01), pop:
            return [await message.raw() async for message in pop.messages()]

    with pytest.raises(TimeoutError):
        await read_all()
    assert link.is_aborted
    with pytest.raises(ConnectionLost):
        await pop.folder("lists")


async def test_a_message_that_breaks_off_is_never_given():
    pop, _ = await opened(READ, (b"RETR\r\n", FIRST[:-1]))
    message = await anext(pop.messages())
    with pytest.raises(ConnectionLost, match="inside a message"):
        await message.raw()


async def test_a_refused_login_is_told():
    link = DialogueLink(GREETING, (b"HELO ayse wrong\r\n", b"- no such user\r\n"))
    pop = Pop2(link)
    await pop.greet()
    with pytest.raises(LoginRefused, match="no such user"):
        await pop.log_in("ayse", "wrong")
    with pytest.raises(Refused, match="no such user"):  # it is the last thing that the server says
        await pop.folder("lists")


async def test_a_password_does_not_cross_a_network_in_clear_text():
    link = DialogueLink(GREETING, HELO, private=False)
    pop = Pop2(link)
    await pop.greet()
    with pytest.raises(ClearTextRefused):
        await pop.log_in("ayse", "gizli")
    assert link.said == []
    assert await pop.log_in("ayse", "gizli", LoginPolicy(Plaintext.ALWAYS)) == 2


@pytest.mark.parametrize(
    ("greeting", "kind"), [(b"- too busy\r\n", Unwilling), (b"+OK POP3\r\n", Misbehaved), (b"", ConnectionLost)]
)
async def test_a_server_that_does_not_begin_is_told(greeting, kind):
    with pytest.raises(kind):
        await Pop2(DialogueLink(greeting)).greet()


async def test_deletions_that_fail_are_told():
    pop, link = await opened((b"QUIT\r\n", b"- could not delete all\r\n"))
    with pytest.raises(Refused, match="could not delete all"):
        async with pop:
            pass
    assert link.is_aborted


async def test_the_log_hides_the_password():
    lines = []
    pop = Pop2(DialogueLink(GREETING, HELO, READ, RETR_FIRST, (b"ACKS\r\n", NO_MORE), QUIT), lines.append)
    await pop.greet()
    async with pop:
        await pop.log_in("ayse", "gizli")
        async for message in pop.messages():
            await message.raw()
    assert lines == [
        *("S: + POP2 pop.example.org ready", "C: HELO ayse ****", "S: #2 messages", "C: READ 1", "S: =19 octets"),
        *("C: RETR", "S: (19 octets)", "C: ACKS", "S: =0 no more", "C: QUIT", "S: + bye"),
    ]


async def test_a_server_that_repeats_the_password_tells_it_to_nobody():
    lines: list[str] = []
    pop = Pop2(DialogueLink(GREETING, (b"HELO ayse gizli\r\n", b"- what is HELO ayse gizli\r\n")), lines.append)
    await pop.greet()
    with pytest.raises(LoginRefused, match=r"what is HELO ayse \*\*\*\*$"):
        await pop.log_in("ayse", "gizli")
    assert not any("gizli" in line for line in lines)


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_deletions_that_were_not_done_are_told_where_the_connection_was_lost(is_deleted):
    """Though somebody has caught that; who breaks off himself knows."""
    word = b"ACKD\r\n" if is_deleted else b"ACKS\r\n"

    async def work(end):
        pop, link = await opened(READ, (b"RETR\r\n", FIRST), (word, b"=0\r\n"))
        async with pop:
            message = await anext(pop.messages())
            await message.raw()
            await (message.delete() if is_deleted else message.keep())
            end(pop, link)

    await work(lambda pop, _: pop.abort())
    if is_deleted:
        with pytest.raises(ConnectionLost):
            await work(lambda pop, _: pop._talk.give_up(ConnectionLost("it is gone")))
    else:
        await work(lambda pop, _: pop._talk.give_up(ConnectionLost("it is gone")))


@pytest.mark.parametrize("is_late", [False, True])
async def test_a_reply_to_nothing_is_no_answer_to_what_is_asked_next(is_late):
    """Else every answer after it would be that to the question before, and a length the beginning of a message."""
    extra = b"=%d octets\r\n" % len(FIRST)
    link = MemoryLink(GREETING, lambda line: HELO[1] + (b"" if is_late else extra))
    pop = Pop2(link)
    await pop.greet()
    await pop.log_in("ayse", "gizli")
    if is_late:
        link.give(extra)
    with pytest.raises(Misbehaved, match="a reply to nothing"):
        await anext(pop.messages())
    assert link.is_aborted
    assert link.lines == [b"HELO ayse gizli"]
