"""The real stream, over loopback sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from postane.net.deadlines import Deadlines
from postane.net.stream import StreamClosed
from postane.net.tcp import READ_AHEAD, WRITE_HIGH, SocketStream


class Pair:
    """A stream, and the plain socket at its other end."""

    def __init__(self) -> None:
        self.streams: asyncio.Queue[SocketStream] = asyncio.Queue()
        self.deadlines = Deadlines(0.01)

    async def open(self) -> tuple[SocketStream, socket.socket]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SocketStream(self.deadlines, self.streams.put_nowait), "127.0.0.1", 0)
        peer = socket.socket()
        peer.setblocking(False)
        await loop.sock_connect(peer, server.sockets[0].getsockname())
        stream = await self.streams.get()
        server.close()
        return stream, peer


@pytest.fixture
async def pair() -> AsyncIterator[tuple[SocketStream, socket.socket]]:
    made = Pair()
    sweeping = asyncio.create_task(made.deadlines.sweep_forever())
    stream, peer = await made.open()
    yield stream, peer
    stream.abort()
    peer.close()
    sweeping.cancel()
    await asyncio.sleep(0)


async def test_octets_both_ways(pair: tuple[SocketStream, socket.socket]) -> None:
    stream, peer = pair
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(peer, b"hello")
    assert await stream.read() == b"hello"
    stream.write(b"world")
    await stream.drain()
    assert await loop.sock_recv(peer, 100) == b"world"
    assert stream.peer.host == "127.0.0.1"
    assert stream.peer.is_loopback
    assert not stream.is_encrypted


async def test_a_half_closed_peer_still_hears(pair: tuple[SocketStream, socket.socket]) -> None:
    stream, peer = pair
    peer.shutdown(socket.SHUT_WR)
    assert await stream.read() == b""
    assert await stream.read() == b""
    stream.write(b"still here")
    await stream.close()
    assert await asyncio.get_running_loop().sock_recv(peer, 100) == b"still here"


async def test_waits_end_at_the_deadline(pair: tuple[SocketStream, socket.socket]) -> None:
    stream, peer = pair
    stream.set_deadline(0.02)
    with pytest.raises(TimeoutError):
        await stream.read()
    stream.set_deadline(None)
    await asyncio.get_running_loop().sock_sendall(peer, b"late")
    assert await stream.read() == b"late"


async def test_a_fast_sender_is_not_read_without_bound(pair: tuple[SocketStream, socket.socket]) -> None:
    stream, peer = pair
    loop = asyncio.get_running_loop()
    sending = asyncio.create_task(loop.sock_sendall(peer, b"x" * (64 << 20)))
    await asyncio.sleep(0.1)
    assert not sending.done()
    assert len(stream._received) < READ_AHEAD + (1 << 20)
    total = 0
    while total < 64 << 20:
        total += len(await stream.read())
    await sending


async def test_a_slow_reader_is_not_written_to_without_bound(pair: tuple[SocketStream, socket.socket]) -> None:
    stream, peer = pair
    stream.set_deadline(0.05)

    async def write_much() -> None:
        for _ in range(10_000):
            stream.write(b"x" * WRITE_HIGH)
            await stream.drain()

    with pytest.raises(TimeoutError):
        await write_much()
    assert stream._transport is not None
    assert stream._transport.get_write_buffer_size() <= 4 * WRITE_HIGH
    peer.close()


async def test_a_lost_connection_is_told(pair: tuple[SocketStream, socket.socket]) -> None:
    stream, _ = pair
    waiting = asyncio.create_task(stream.read())
    await asyncio.sleep(0)
    stream.abort()
    with pytest.raises(StreamClosed):
        await waiting
    stream.write(b"into the void")
    with pytest.raises(StreamClosed):
        await stream.drain()
    await stream.close()


async def test_the_last_word_reaches_a_peer_that_is_still_sending(pair: tuple[SocketStream, socket.socket]) -> None:
    stream, peer = pair
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(peer, b"y" * 100_000)
    stream.write(b"enough")
    closing = asyncio.create_task(stream.close(is_peer_sending=True))
    await loop.sock_sendall(peer, b"y" * 100_000)
    assert await loop.sock_recv(peer, 100) == b"enough"
    assert await loop.sock_recv(peer, 100) == b""
    peer.close()
    await closing
