"""A listener whose process has no descriptor left: who comes is sent away at once, and later it goes on."""

import asyncio
import contextlib
import os
import resource
import socket
from collections.abc import Iterator
from typing import Any

import uvloop

from postane.net.deadlines import Deadlines
from postane.net.tcp import SocketStream

LEFT = 2
CROWD = 6


def is_open(descriptor: int) -> bool:
    """Whether that is the number of an open file."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def few_descriptors(left: int) -> Iterator[None]:
    """So many more files may be opened, and not one beside them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = 0
    while left or is_open(limit):
        left -= not is_open(limit)
        limit += 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def connected(port: int, peer: socket.socket) -> bool:
    """Whether a connection is kept; False: it was ended, by a reset or not."""
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_connect(peer, ("127.0.0.1", port))
        return await asyncio.wait_for(loop.sock_recv(peer, 10), 20) == b"+OK\r\n"
    except ConnectionResetError:
        return False


def test_who_comes_is_sent_away_and_later_it_goes_on() -> None:
    troubles: list[dict[str, Any]] = []
    streams: list[SocketStream] = []

    def greet(stream: SocketStream) -> None:
        streams.append(stream)
        stream.write(b"+OK\r\n")

    async def play() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: troubles.append(context))
        server = await loop.create_server(lambda: SocketStream(Deadlines(1.0), greet), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with contextlib.ExitStack() as crowd:
            peers = [crowd.enter_context(socket.socket()) for _ in range(CROWD + 1)]
            for peer in peers:
                peer.setblocking(False)
            with few_descriptors(LEFT):
                kept = [await connected(port, peer) for peer in peers[:CROWD]]
            assert kept == [True] * LEFT + [False] * (CROWD - LEFT)
            assert await connected(port, peers[-1]), "the listener has outlived it"
        for stream in streams:
            stream.abort()
        server.close()
        await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=uvloop.Loop) as runner:
        runner.run(play())
    assert not troubles
