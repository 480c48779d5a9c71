"""The fake network: what tests rely on."""

import asyncio

import pytest

from postane.net.memory import MemoryStream
from postane.net.stream import Peer, StreamClosed, TlsFacts


async def test_octet_by_octet() -> None:
    stream = MemoryStream(piece=1)
    stream.give(b"abc")
    stream.end()
    assert [await stream.read() for _ in range(4)] == [b"a", b"b", b"c", b""]


async def test_a_read_waits_for_what_is_given() -> None:
    stream = MemoryStream()
    reading = asyncio.create_task(stream.read())
    await asyncio.sleep(0)
    assert not reading.done()
    stream.give(b"late")
    assert await reading == b"late"


async def test_a_cut_line_loses_what_comes_after() -> None:
    stream = MemoryStream(cut_after=5)
    stream.write(b"123")
    stream.write(b"4567")
    stream.write(b"8")
    assert stream.take() == b"12345"
    with pytest.raises(StreamClosed):
        await stream.drain()
    with pytest.raises(StreamClosed):
        await stream.read()


async def test_a_stuck_peer_is_waited_for_until_the_deadline() -> None:
    stream = MemoryStream()
    stream.is_stuck = True
    stream.write(b"x")
    draining = asyncio.create_task(stream.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    stream.expire()
    with pytest.raises(TimeoutError):
        await draining


async def test_what_was_given_before_the_end_is_read_first() -> None:
    stream = MemoryStream()
    stream.give(b"last words")
    stream.end()
    assert await stream.read() == b"last words"
    assert await stream.read() == b""


async def test_who_speaks_for_another_proves_nothing_of_them() -> None:
    stream = MemoryStream(Peer("192.0.2.25"), is_encrypted=True)
    stream.tls = TlsFacts("TLSv1.3", "x", {"tls-exporter": b"y"}, client="mx")
    stream.speak_for(Peer("203.0.113.5", speaker=stream.peer))
    assert stream.peer.host == "203.0.113.5"
    assert stream.tls == TlsFacts("TLSv1.3", "x")
    assert stream.is_encrypted
