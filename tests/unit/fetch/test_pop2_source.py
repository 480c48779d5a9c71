"""POP2 as a source: all is read, and what goes is read again before it goes."""

import asyncio

import pytest

from postane.client.errors import ConnectionFailed
from postane.client.pop2 import Pop2
from postane.fetch.errors import FetchError, Trouble
from postane.fetch.pop2_source import Pop2Source
from postane.fetch.source import Facts
from support.dialogue import DialogueLink

GREETING = b"+ POP2 pop.example.org ready\r\n"
HELO = (b"HELO ayse gizli\r\n", b"#2 messages\r\n")
FIRST, SECOND, OTHER = b"Subject: 1\r\n\r\none\r\n", b"Subject: 2\r\n\r\n.\r\n", b"Subject: 3\r\n\r\none\r\n"
READ, READ_OTHER = (b"READ 1\r\n", b"=%d\r\n" % len(FIRST)), (b"READ 1\r\n", b"=%d\r\n" % len(OTHER))
NEXT, NO_MORE = b"=%d\r\n" % len(SECOND), b"=0 no more\r\n"
RETR_FIRST, RETR_SECOND, RETR_OTHER = (b"RETR\r\n", FIRST), (b"RETR\r\n", SECOND), (b"RETR\r\n", OTHER)
KEEP_FIRST, KEEP_SECOND = (b"ACKS\r\n", NEXT), (b"ACKS\r\n", NO_MORE)
LISTED = (READ, RETR_FIRST, KEEP_FIRST, RETR_SECOND, KEEP_SECOND)
QUIT = (b"QUIT\r\n", b"+ bye\r\n")


class Desk:
    """A source that holds a dialogue."""

    def __init__(self, *turns: tuple[bytes, bytes], **how: object) -> None:
        self.link = DialogueLink(GREETING, HELO, *turns, **how)  # type: ignore[arg-type]
        self.source = Pop2Source(self._enter, "pop.example.org", "ayse")

    async def _enter(self) -> Pop2:
        pop = Pop2(self.link)
        await pop.greet()
        await pop.log_in("ayse", "gizli")
        return pop

    async def listed(self) -> list[int]:
        await self.source.open()
        return [item.number async for items in self.source.listing() for item in items]


async def test_all_is_read_once_and_given_as_often_as_it_is_wanted():
    desk = Desk(*LISTED, QUIT)
    assert await desk.source.open() == Facts("POP2", "pop.example.org", "192.0.2.1", "ayse")
    items = [item async for piece in desk.source.listing() for item in piece]
    assert [(item.number, item.octets) for item in items] == [(1, len(FIRST)), (2, len(SECOND))]
    assert len({item.unique_id for item in items}) == 2
    for _ in range(2):
        got = [[chunk async for chunk in each.chunks()] async for each in desk.source.retrieve([1, 2])]
        assert got == [[FIRST], [SECOND]]
    assert [[chunk async for chunk in each.chunks()] async for each in desk.source.headers([1])] == [
        [b"Subject: 1\r\n\r\n"]
    ]
    await desk.source.commit()
    assert desk.link.is_done
    await desk.source.leave()


async def test_what_goes_is_read_again_and_what_stays_is_kept():
    desk = Desk(*LISTED, READ, RETR_FIRST, (b"ACKD\r\n", NEXT), RETR_SECOND, KEEP_SECOND, QUIT)
    assert await desk.listed() == [1, 2]
    assert await desk.source.delete([1]) == {}
    await desk.source.commit()
    assert desk.link.is_done


async def test_another_message_under_its_number_is_not_deleted():
    desk = Desk(*LISTED, READ_OTHER, RETR_OTHER, KEEP_FIRST, RETR_SECOND, (b"ACKD\r\n", NO_MORE), QUIT)
    await desk.listed()
    assert await desk.source.delete([1, 2]) == {1: "it is another message now"}
    await desk.source.commit()
    assert desk.link.is_done


async def test_what_is_not_there_any_more_is_told():
    desk = Desk(*LISTED, READ, RETR_FIRST, (b"ACKD\r\n", NO_MORE), QUIT)
    await desk.listed()
    assert await desk.source.delete([1, 2]) == {2: "it is not there any more"}


async def test_leaving_says_no_quit_for_that_would_delete():
    desk = Desk(*LISTED, READ, RETR_FIRST, (b"ACKD\r\n", NEXT), RETR_SECOND, KEEP_SECOND)
    await desk.listed()
    await desk.source.delete([1])
    await desk.source.leave()
    assert desk.link.is_aborted
    assert QUIT[0] not in desk.link.said


async def test_a_line_that_breaks_while_all_is_read_is_told():
    desk = Desk(READ, (b"RETR\r\n", FIRST[:5]))
    await desk.source.open()
    with pytest.raises(FetchError) as raised:
        [items async for items in desk.source.listing()]
    assert raised.value.trouble is Trouble.TEMPORARY
    await desk.source.leave()
    assert desk.link.is_aborted


async def test_a_quit_without_an_answer_may_have_deleted_or_not():
    desk = Desk(*LISTED)
    await desk.listed()
    with pytest.raises(FetchError):
        await desk.source.commit()
    await desk.source.leave()
    assert desk.link.is_aborted


async def test_cancelled_while_it_deletes_nothing_is_committed():
    desk = Desk(*LISTED, READ, (b"RETR\r\n", FIRST[:5]), hangs=True)
    await desk.listed()
    deleting = asyncio.create_task(desk.source.delete([1]))
    await asyncio.sleep(0.01)
    deleting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deleting
    await desk.source.leave()
    assert desk.link.is_aborted
    assert not {b"ACKD\r\n", QUIT[0]} & set(desk.link.said)


async def test_no_session_is_told_in_the_words_of_the_run():
    async def enter() -> Pop2:
        raise ConnectionFailed("no such host")

    source = Pop2Source(enter, "h", "u")
    with pytest.raises(FetchError) as raised:
        await source.open()
    assert raised.value.trouble is Trouble.UNREACHABLE
    await source.leave()
