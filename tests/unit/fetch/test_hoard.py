"""Messages that are read before anybody asks for them."""

import pytest

from postane.fetch import hoard
from postane.fetch.errors import FetchError, Trouble
from postane.fetch.hoard import Hoard
from postane.fetch.source import Item
from postane.sinks.content import IN_MEMORY, SpoolError
from postane.sinks.pile import Pile

HEADER = b"Subject: 1\r\n\r\n"


async def stream(*chunks: bytes):
    for chunk in chunks:
        yield chunk


async def made(*messages: tuple[bytes, ...]) -> Hoard:
    hoarded = Hoard()
    for number, chunks in enumerate(messages, 1):
        await hoarded.add(number, stream(*chunks))
    return hoarded


async def test_messages_are_listed_by_number_under_keys_of_their_own():
    hoarded = Hoard()
    for number in (2, 1, 3):
        await hoarded.add(number, stream(HEADER, b"%d\r\n" % (number % 2)))
    (items,) = [piece async for piece in hoarded.listing()]
    assert items == [Item(number, len(HEADER) + 3, hoarded.keys[number]) for number in (1, 2, 3)]
    assert hoarded.keys[3] == f"{hoarded.keys[1]}#2", "copies are counted"


async def test_a_long_listing_comes_in_pieces(monkeypatch):
    monkeypatch.setattr(hoard, "PIECE", 2)
    hoarded = await made(*[(HEADER, b"%d" % number) for number in range(5)])
    assert [len(piece) async for piece in hoarded.listing()] == [2, 2, 1]


async def test_they_are_given_whole_or_by_their_header():
    hoarded = await made((HEADER, b"one\r\n"), (b"Sub", b"ject: 2\r\n\r\n", b"x" * IN_MEMORY))
    whole = {each.number: b"".join([chunk async for chunk in each.chunks()]) async for each in hoarded.give([2, 1])}
    assert whole == {2: b"Subject: 2\r\n\r\n" + b"x" * IN_MEMORY, 1: HEADER + b"one\r\n"}
    parts = [[chunk async for chunk in each.chunks()] async for each in hoarded.give([1, 2], is_header_only=True)]
    assert parts == [[HEADER], [b"Subject: 2\r\n\r\n"]]
    hoarded.discard()


async def test_what_was_let_go_of_cannot_be_read():
    hoarded = await made((HEADER, b"x" * IN_MEMORY))
    (given,) = [each async for each in hoarded.give([1])]
    hoarded.discard()
    hoarded.discard()
    with pytest.raises(FetchError, match="let go of") as raised:
        await anext(given.chunks())
    assert raised.value.trouble is Trouble.TEMPORARY
    assert [piece async for piece in hoarded.listing()] == []


async def test_no_room_for_it_may_pass(monkeypatch):
    def write(self, chunk):
        raise SpoolError("no space left")

    monkeypatch.setattr(Pile, "write", write)
    with pytest.raises(FetchError, match="no space left") as raised:
        await made((HEADER,))
    assert raised.value.trouble is Trouble.TEMPORARY


async def test_a_server_that_gives_messages_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(hoard, "MESSAGES", 3)
    with pytest.raises(FetchError, match="no end") as raised:
        await made(*[(HEADER,)] * 4)
    assert raised.value.trouble is Trouble.PROTOCOL


async def test_half_a_message_is_none():
    hoarded = Hoard()

    async def cut():
        yield HEADER
        raise FetchError("the line broke", Trouble.TEMPORARY)

    with pytest.raises(FetchError, match="the line broke"):
        await hoarded.add(1, cut())
    assert [piece async for piece in hoarded.listing()] == []
    hoarded.discard()
