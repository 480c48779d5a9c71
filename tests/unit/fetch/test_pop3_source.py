"""POP3 as a source: what is asked of a session, and in which state it is left."""

import asyncio

import pytest

from postane.client.errors import ConnectionFailed
from postane.fetch.errors import FetchError, Trouble
from postane.fetch.pop3_source import Pop3Source
from postane.fetch.source import Facts, Item
from postane.net.stream import TlsFacts
from support.pop_links import CAPA, FakeServer, MemoryLink, entered, made_messages

MESSAGES = made_messages(4)


class Desk:
    """A source of a server in memory."""

    def __init__(self, server: FakeServer | None = None, **how: object) -> None:
        self.server = server or FakeServer(list(MESSAGES))
        self._how = how
        self.link: MemoryLink | None = None
        self.source = Pop3Source(self._enter, "pop.example.org", "mrose")

    async def _enter(self):
        pop, self.link = await entered(self.server, **self._how)
        return pop

    @property
    def lines(self) -> list[bytes]:
        """What was said since the login."""
        assert self.link is not None
        return self.link.lines[self.link.lines.index(b"PASS secret") + 1 :]

    async def all(self, given) -> dict[int, bytes | str]:
        """Octets by number, or what was said instead."""
        found: dict[int, bytes | str] = {}
        async for each in given:
            if each.error is not None:
                found[each.number] = each.error
            else:
                taken = each.take()
                read = [chunk async for chunk in each.chunks()] if taken is None else [taken]
                found[each.number] = b"".join(read)
        return found


async def test_what_is_known_of_the_server():
    desk = Desk(FakeServer(offers=(*CAPA, b"LOGIN-DELAY 120")))
    assert await desk.source.open() == Facts("POP3", "pop.example.org", "192.0.2.1", "mrose", "", 120.0)


async def test_tls_and_no_delay_are_known_too():
    desk = Desk(FakeServer(offers=None))
    source = desk.source

    async def enter():
        pop, link = await entered(desk.server)
        link.tls = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384")
        return pop

    source = Pop3Source(enter, "h", "u")
    facts = await source.open()
    assert (facts.tls, facts.login_delay) == ("TLSv1.3", None)


async def test_no_session_is_told_in_the_words_of_the_run():
    async def enter():
        raise ConnectionFailed("no such host")

    source = Pop3Source(enter, "h", "u")
    with pytest.raises(FetchError, match="no such host") as raised:
        await source.open()
    assert raised.value.trouble is Trouble.UNREACHABLE
    await source.leave()


async def test_the_listing_and_every_message():
    desk = Desk()
    await desk.source.open()
    items = [item async for piece in desk.source.listing() for item in piece]
    assert items == [Item(number, len(octets), f"u{number}") for number, octets in enumerate(MESSAGES, 1)]
    assert await desk.all(desk.source.retrieve([1, 3, 4])) == {each: MESSAGES[each - 1] for each in (1, 3, 4)}


async def test_a_server_without_unique_ids_gives_none():
    desk = Desk(FakeServer(list(MESSAGES), replies={b"UIDL": b"-ERR what\r\n"}, offers=(b"TOP",)))
    await desk.source.open()
    items = [item async for piece in desk.source.listing() for item in piece]
    assert [item.unique_id for item in items] == [None] * 4


HEADERS = {number: octets.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" for number, octets in enumerate(MESSAGES, 1)}


async def test_header_parts_are_asked_for_by_top():
    desk = Desk()
    await desk.source.open()
    assert await desk.all(desk.source.headers([1, 2, 3, 4])) == HEADERS
    assert not any(line.startswith(b"RETR") for line in desk.lines)


async def test_where_top_is_not_there_the_header_is_read_of_the_whole():
    desk = Desk(FakeServer(list(MESSAGES), replies={b"TOP": b"-ERR what\r\n"}, offers=(b"UIDL", b"PIPELINING")))
    await desk.source.open()
    assert await desk.all(desk.source.headers([1, 2, 3, 4])) == HEADERS
    assert await desk.all(desk.source.headers([2])) == {2: HEADERS[2]}


@pytest.mark.parametrize("cut", [1, 7, 60, 200])
async def test_the_header_is_the_same_however_the_octets_come(cut):
    desk = Desk(FakeServer(list(MESSAGES), replies={b"TOP": b"-ERR what\r\n"}, offers=(b"UIDL",)), cuts=[cut])
    await desk.source.open()
    assert await desk.all(desk.source.headers([1, 2, 3, 4])) == HEADERS


async def test_a_server_that_gives_the_whole_message_for_top_is_cut_short():
    whole = b"+OK\r\n" + MESSAGES[0].replace(b"\r\n.", b"\r\n..") + b".\r\n"
    desk = Desk(FakeServer(list(MESSAGES), replies={b"TOP": whole}), cuts=[50])
    await desk.source.open()
    assert await desk.all(desk.source.headers([1])) == {1: HEADERS[1]}
    assert await desk.all(desk.source.retrieve([2])) == {2: MESSAGES[1]}


async def test_a_message_that_is_refused_is_told_and_the_others_come():
    desk = Desk(FakeServer(list(MESSAGES), refused=frozenset({2})))
    await desk.source.open()
    found = await desk.all(desk.source.retrieve([1, 2, 3]))
    assert isinstance(found[2], str)
    assert "no such message" in found[2]
    assert (found[1], found[3]) == (MESSAGES[0], MESSAGES[2])


async def test_what_is_not_read_of_a_message_does_not_spoil_the_next():
    desk = Desk(cuts=[7])
    await desk.source.open()
    numbers = []
    async for given in desk.source.retrieve([1, 2, 3, 4]):
        numbers.append(given.number)
        if given.number == 4:
            assert b"".join([chunk async for chunk in given.chunks()]) == MESSAGES[3]
    assert numbers == [1, 2, 3, 4]


async def test_what_is_deleted_is_gone_with_quit():
    desk = Desk(FakeServer(list(MESSAGES), refused=frozenset({2})))
    await desk.source.open()
    refused = await desk.source.delete([1, 2, 3])
    assert list(refused) == [2]
    assert "no such message" in refused[2]
    assert desk.server.deleted == {1, 3}
    assert not desk.server.is_committed
    await desk.source.commit()
    assert desk.server.is_committed
    await desk.source.leave()
    assert desk.link.is_closed


async def test_quit_that_is_refused_is_told():
    desk = Desk(FakeServer(list(MESSAGES), replies={b"QUIT": b"-ERR [SYS/TEMP] not all removed\r\n"}))
    await desk.source.open()
    await desk.source.delete([1])
    with pytest.raises(FetchError, match="not all removed") as raised:
        await desk.source.commit()
    assert raised.value.trouble is Trouble.TEMPORARY
    await desk.source.leave()
    assert desk.link.is_closed


async def test_leaving_takes_deletions_back():
    desk = Desk()
    await desk.source.open()
    await desk.source.delete([1])
    await desk.source.leave()
    assert desk.lines[-2:] == [b"RSET", b"QUIT"]
    assert (desk.server.deleted, desk.server.is_committed, desk.link.is_closed) == (set(), True, True)
    await desk.source.leave()
    assert desk.lines.count(b"QUIT") == 1


async def test_where_they_cannot_be_taken_back_there_is_no_quit():
    desk = Desk(FakeServer(list(MESSAGES), replies={b"RSET": b"-ERR no\r\n"}))
    await desk.source.open()
    await desk.source.delete([1])
    await desk.source.leave()
    assert not desk.server.is_committed
    assert desk.link.is_closed


async def test_a_line_that_breaks_is_told_and_nothing_more_is_said():
    desk = Desk(FakeServer(list(MESSAGES), replies={b"RETR": b"+OK\r\nSubject: x\r\n"}))
    await desk.source.open()
    given = await anext(desk.source.retrieve([1]))
    desk.link.end()
    with pytest.raises(FetchError) as raised:
        [chunk async for chunk in given.chunks()]
    assert raised.value.trouble is Trouble.TEMPORARY
    await desk.source.leave()
    assert b"QUIT" not in desk.lines
    assert desk.link.is_closed


async def test_cancelled_in_a_message_it_leaves_without_a_word():
    desk = Desk(FakeServer(list(MESSAGES), replies={b"RETR": b"+OK\r\nSubject: x\r\n"}))
    await desk.source.open()
    await desk.source.delete([2])

    async def read() -> None:
        await desk.all(desk.source.retrieve([1]))

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await desk.source.leave()
    assert not desk.server.is_committed, "the mark is never committed"
    assert desk.link.is_aborted
