"""What a handshake that fails leaves behind: nothing, under both event loops."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from postane.net.accept import Acceptor, ArrivingStream, Proxies
from postane.net.deadlines import Deadlines
from postane.net.networks import Networks
from postane.net.stream import NotSecured
from postane.net.tcp import SocketStream
from postane.net.tls import ServerTls, server_tls
from support.certificates import Authority, Wish


class Watched(Deadlines):
    """Deadlines that show whom they watch."""

    def __len__(self) -> int:
        return len(self._streams)


@pytest.fixture(params=[None, uvloop.Loop], ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner


@pytest.fixture
def tls(tmp_path: Path) -> ServerTls:
    return server_tls([Authority(tmp_path).issue("server", Wish(dns=["localhost"]))])


def refuse_octets(port: int, greeting: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as peer:
        if greeting:
            assert peer.recv(100) == greeting
        peer.sendall(b"this is no handshake\r\n")
        while peer.recv(1000):
            pass


def test_a_service_that_begins_with_tls(runner: asyncio.Runner, tls: ServerTls) -> None:
    async def play() -> None:
        deadlines, arrived = Watched(10.0), asyncio.Queue[SocketStream]()
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)

        def make() -> ArrivingStream:
            return ArrivingStream(deadlines, arrived.put_nowait, tls, begins_with_tls=True, proxies=Proxies(Networks()))

        acceptor = Acceptor(listening, make)
        client = asyncio.create_task(asyncio.to_thread(refuse_octets, listening.getsockname()[1], b""))
        stream = await arrived.get()
        assert len(deadlines) == 1
        with pytest.raises(NotSecured):
            await stream.secure()
        stream.abort()
        await client
        assert len(deadlines) == 0, "nobody watches over what is gone"
        acceptor.close()

    runner.run(asyncio.wait_for(play(), 20))


def test_a_handshake_that_comes_later(runner: asyncio.Runner, tls: ServerTls) -> None:
    async def play() -> None:
        deadlines, arrived = Watched(10.0), asyncio.Queue[SocketStream]()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SocketStream(deadlines, arrived.put_nowait, tls), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = asyncio.create_task(asyncio.to_thread(refuse_octets, port, b"+OK\r\n"))
        stream = await arrived.get()
        with pytest.raises(NotSecured):
            await stream.start_tls(b"+OK\r\n")
        await stream.close()  # and it does not wait for anybody
        await client
        assert len(deadlines) == 0
        server.close()

    runner.run(asyncio.wait_for(play(), 20))
