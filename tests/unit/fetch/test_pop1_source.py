"""POP1 as a source: a mailbox comes whole, and goes whole or not at all."""

import asyncio

import pytest

from postane.client.errors import ConnectionFailed
from postane.client.pop1 import Pop1
from postane.fetch.errors import FetchError, Trouble
from postane.fetch.pop1_source import Pop1Source
from postane.fetch.source import Facts
from support.dialogue import DialogueLink

GREETING = b"+OK POP1 ready\r\n"
LOGIN = (b"USER ayse\r\n", b"+OK\r\n"), (b"PASS gizli\r\n", b"+OK in\r\n")
FROM = b"From ali@example.org Sat Jan  3 01:05:34 1996\r\n"
MESSAGES = [b"Subject: 1\r\n\r\none\r\n", b"Subject: 2\r\n\r\ntwo\r\n"]
MAILBOX = b"".join(FROM + each + b"\r\n" for each in MESSAGES)
MORE = MAILBOX + FROM + b"Subject: 3\r\n\r\nnew\r\n\r\n"
OTHER = MAILBOX.replace(b"two", b"TWO")


def reading(mailbox: bytes, *, verb: bytes = b"RETR") -> tuple[tuple[bytes, bytes], ...]:
    return (verb + b"\r\n", b"#%d\r\n" % len(mailbox)), (b"RCEV\r\n", mailbox)


RSET, RCVD, QUIT = (b"RSET\r\n", b"+OK\r\n"), (b"RCVD\r\n", b"+OK\r\n"), (b"QUIT\r\n", b"+OK\r\n")
LISTED = (*reading(MAILBOX), RSET)


class Desk:
    """A source that holds a dialogue."""

    def __init__(self, *turns: tuple[bytes, bytes], **how: object) -> None:
        self.link = DialogueLink(GREETING, *LOGIN, *turns, **how)  # type: ignore[arg-type]
        self.source = Pop1Source(self._enter, "pop.example.org", "ayse")

    async def _enter(self) -> Pop1:
        pop = Pop1(self.link)
        await pop.greet()
        await pop.log_in("ayse", "gizli")
        return pop

    async def listed(self) -> list[int]:
        await self.source.open()
        return [item.number async for items in self.source.listing() for item in items]


async def test_the_mailbox_is_read_once_and_stays():
    desk = Desk(*LISTED, QUIT)
    assert await desk.source.open() == Facts("POP1", "pop.example.org", "192.0.2.1", "ayse")
    items = [item async for piece in desk.source.listing() for item in piece]
    assert [(item.number, item.octets) for item in items] == [(1, len(MESSAGES[0])), (2, len(MESSAGES[1]))]
    got = [b"".join([chunk async for chunk in each.chunks()]) async for each in desk.source.retrieve([1, 2])]
    assert got == MESSAGES
    heads = [b"".join([chunk async for chunk in each.chunks()]) async for each in desk.source.headers([2])]
    assert heads == [b"Subject: 2\r\n\r\n"]
    await desk.source.commit()
    assert desk.link.is_done
    await desk.source.leave()


async def test_all_of_it_may_go():
    desk = Desk(*LISTED, *reading(MAILBOX, verb=b"RDEL"), RCVD, QUIT)
    assert await desk.listed() == [1, 2]
    assert await desk.source.delete([1, 2]) == {}
    await desk.source.commit()
    assert desk.link.is_done


async def test_a_part_of_it_stays():
    desk = Desk(*LISTED, QUIT)
    await desk.listed()
    refused = await desk.source.delete([1, 1])
    assert list(refused) == [1]
    assert "some of it is to stay" in refused[1]
    await desk.source.commit()
    assert desk.link.is_done, "it is not even asked for"


@pytest.mark.parametrize("mailbox", [MORE, OTHER, FROM + MESSAGES[0] + b"\r\n"], ids=["more", "other", "less"])
async def test_what_has_changed_meanwhile_stays(mailbox):
    desk = Desk(*LISTED, *reading(mailbox, verb=b"RDEL"), RSET, QUIT)
    await desk.listed()
    assert list(await desk.source.delete([1, 2])) == [1, 2]
    await desk.source.commit()
    assert desk.link.is_done


async def test_an_empty_mailbox_is_listed():
    desk = Desk(*reading(b""), RSET, QUIT, hangs=True)
    assert await desk.listed() == []
    await desk.source.commit()
    assert desk.link.is_done


async def test_a_line_that_breaks_is_told_and_nothing_is_accepted():
    desk = Desk(*LISTED, (b"RDEL\r\n", b"#%d\r\n" % len(MAILBOX)), (b"RCEV\r\n", MAILBOX[:-9]))
    await desk.listed()
    with pytest.raises(FetchError) as raised:
        await desk.source.delete([1, 2])
    assert raised.value.trouble is Trouble.TEMPORARY
    await desk.source.leave()
    assert desk.link.is_aborted
    assert RCVD[0] not in desk.link.said


async def test_cancelled_while_it_deletes_nothing_is_accepted():
    turns = (b"RDEL\r\n", b"#%d\r\n" % len(MAILBOX)), (b"RCEV\r\n", MAILBOX[:-9])
    desk = Desk(*LISTED, *turns, hangs=True)
    await desk.listed()
    deleting = asyncio.create_task(desk.source.delete([1, 2]))
    await asyncio.sleep(0.01)
    deleting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deleting
    await desk.source.leave()
    assert desk.link.is_aborted
    assert not {RCVD[0], QUIT[0]} & set(desk.link.said)


async def test_no_session_is_told_in_the_words_of_the_run():
    async def enter() -> Pop1:
        raise ConnectionFailed("no such host")

    source = Pop1Source(enter, "h", "u")
    with pytest.raises(FetchError) as raised:
        await source.open()
    assert raised.value.trouble is Trouble.UNREACHABLE
    await source.leave()
