"""Connections that a proxy introduces before their first octet, over loopback sockets and under both event loops."""

import asyncio
import contextlib
import functools
import socket
import struct
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
import uvloop

from postane.net.accept import Acceptor, ArrivingStream, Proxies
from postane.net.deadlines import Deadlines
from postane.net.networks import Networks, parse_networks
from postane.net.self_signed import self_signed
from postane.net.stream import BadIntroduction, NotSecured, Peer, StreamClosed, TlsFacts
from postane.net.tls import ServerTls, server_tls
from support.proxy_headers import LOCAL, line, proxied, ssl_tlv, tlv

TRUSTED = Proxies(parse_networks(["127.0.0.1"]))
NAMING = Proxies(parse_networks(["127.0.0.1"]), takes_names=True)


class Door:
    """A listener, and clients of it as plain sockets."""

    def __init__(self, proxies: Proxies, tls: ServerTls | None = None, *, begins_with_tls: bool = False) -> None:
        self.deadlines = Deadlines(0.01)
        self._streams: asyncio.Queue[ArrivingStream] = asyncio.Queue()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.setblocking(False)
        make = functools.partial(
            ArrivingStream,
            self.deadlines,
            self._streams.put_nowait,
            tls,
            begins_with_tls=begins_with_tls,
            proxies=proxies,
        )
        self._acceptor = Acceptor(self._listening, make)
        self._sweeping = asyncio.create_task(self.deadlines.sweep_forever())
        self._open: list[socket.socket | ArrivingStream] = []

    async def connect(self, octets: bytes = b"") -> tuple[ArrivingStream, socket.socket]:
        """A client that has said something already."""
        peer = socket.create_connection(self._listening.getsockname())
        peer.sendall(octets)
        peer.setblocking(False)
        stream = await self._streams.get()
        self._open += [stream, peer]
        return stream, peer

    async def close(self) -> None:
        """Shut it."""
        self._acceptor.close()
        self._sweeping.cancel()
        for each in self._open:
            (each.abort if isinstance(each, ArrivingStream) else each.close)()
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture(params=[None, uvloop.Loop], ids=["asyncio", "uvloop"])
def run(request) -> Callable[..., None]:
    """Runs a dialogue at a door."""

    def run(dialogue: Callable[[Door], Awaitable[None]], proxies: Proxies = TRUSTED) -> None:
        async def play() -> None:
            door = Door(proxies)
            try:
                await asyncio.wait_for(dialogue(door), 20)
            finally:
                await door.close()

        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(play())

    return run


@pytest.mark.parametrize(
    ("header", "host"),
    [
        (line("203.0.113.5", 4711), "203.0.113.5"),
        (line("2001:db8::5", 4711), "2001:db8::5"),
        (proxied("203.0.113.5", 4711), "203.0.113.5"),
        (proxied("2001:db8::5", 4711, tlv(4, bytes(9000)), has_crc=True), "2001:db8::5"),
    ],
    ids=["v1", "v1 over IPv6", "v2", "v2, long"],
)
def test_the_header_is_taken_and_not_an_octet_behind_it(run, header: bytes, host: str) -> None:
    async def dialogue(door: Door) -> None:
        stream, peer = await door.connect(header + b"CAPA\r\n")
        await stream.introduce()
        assert (stream.peer.host, stream.peer.port) == (host, 4711)
        assert stream.peer.speaker is not None
        assert stream.peer.speaker.host == "127.0.0.1"
        assert not stream.peer.is_loopback
        assert not stream.is_encrypted
        await stream.secure()
        assert await stream.read() == b"CAPA\r\n"
        stream.write(b"+OK\r\n")
        assert await asyncio.get_running_loop().sock_recv(peer, 100) == b"+OK\r\n"

    run(dialogue)


@pytest.mark.parametrize("header", [line("203.0.113.5"), proxied("203.0.113.5"), LOCAL, b"PROXY UNKNOWN\r\n"])
def test_octet_by_octet_it_is_the_same(run, header: bytes) -> None:
    async def dialogue(door: Door) -> None:
        stream, peer = await door.connect()
        introducing = asyncio.create_task(stream.introduce())
        for octet in header:
            assert not introducing.done()
            await asyncio.sleep(0)
            peer.send(bytes([octet]))
            await asyncio.sleep(0.001)
        await introducing
        peer.send(b"QUIT\r\n")
        await stream.secure()
        assert await stream.read() == b"QUIT\r\n"

    run(dialogue)


@pytest.mark.parametrize("header", [LOCAL, b"PROXY UNKNOWN\r\n", line("127.0.0.1"), proxied("::ffff:127.0.0.1")])
def test_where_no_address_is_told_the_connections_own_holds(run, header: bytes) -> None:
    async def dialogue(door: Door) -> None:
        stream, peer = await door.connect(header)
        await stream.introduce()
        assert stream.peer == Peer(*peer.getsockname())
        assert stream.peer.is_loopback
        assert stream.is_probe is (header != b"PROXY UNKNOWN\r\n")

    run(dialogue)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"CAPA\r\n", "no PROXY header"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9, "no PROXY header"),
        (b"PROXY TCP4 a b 1 2\r\n", "bad address"),
    ],
)
def test_from_a_trusted_proxy_a_header_must_come(run, octets: bytes, why: str) -> None:
    async def dialogue(door: Door) -> None:
        stream, _ = await door.connect(octets)
        with pytest.raises(BadIntroduction, match=why):
            await stream.introduce()

    run(dialogue)


def test_from_anybody_else_none_is_looked_for(run) -> None:
    async def dialogue(door: Door) -> None:
        stream, peer = await door.connect(line("203.0.113.5") + b"QUIT\r\n")
        await stream.introduce()
        assert stream.peer == Peer(*peer.getsockname())
        await stream.secure()
        assert await stream.read() == line("203.0.113.5") + b"QUIT\r\n"

    run(dialogue, Proxies(parse_networks(["192.0.2.0/24", "::1"])))
    run(dialogue, Proxies(Networks()))


def test_a_proxy_that_says_nothing_waits_until_the_deadline(run) -> None:
    async def dialogue(door: Door) -> None:
        for octets in (b"", b"PROXY TCP4"):
            stream, _ = await door.connect(octets)
            stream.set_deadline(0.03)
            with pytest.raises(TimeoutError):
                await stream.introduce()
            stream.abort()

    run(dialogue)


RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: close at once, by a reset."""


@pytest.mark.parametrize("how", [None, RESET], ids=["closed", "reset"])
def test_a_proxy_that_only_looks_in_says_nothing_at_all(run, how: bytes | None) -> None:
    async def dialogue(door: Door) -> None:
        stream, peer = await door.connect()
        if how is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)
        peer.close()
        with pytest.raises(StreamClosed) as caught:
            await stream.introduce()
        assert not isinstance(caught.value, BadIntroduction)
        assert stream.is_probe

    run(dialogue)


def test_a_header_that_is_cut_off_is_told(run) -> None:
    async def dialogue(door: Door) -> None:
        stream, peer = await door.connect(proxied("203.0.113.5")[:20])
        peer.close()
        with pytest.raises(BadIntroduction, match="ended"):
            await stream.introduce()

    run(dialogue)


def test_who_waits_for_a_header_can_be_sent_away(run) -> None:
    async def dialogue(door: Door) -> None:
        stream, _ = await door.connect(b"PROXY")
        introducing = asyncio.create_task(stream.introduce())
        await asyncio.sleep(0.01)
        stream.abort()
        with pytest.raises(StreamClosed):
            await introducing
        stream, _ = await door.connect(b"PROXY")
        introducing = asyncio.create_task(stream.introduce())
        await asyncio.sleep(0.01)
        introducing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await introducing
        stream.abort()
        another, _ = await door.connect(LOCAL)  # on the same number of a file, very likely
        await another.introduce()

    run(dialogue)


def test_a_loopback_address_that_is_only_told_is_far_away() -> None:
    near, far = Peer("127.0.0.1", 1), Peer("192.0.2.1", 1)
    assert Peer("127.0.0.1", 2, speaker=near).is_loopback
    assert not Peer("127.0.0.1", 2, speaker=far).is_loopback
    assert not Peer("192.0.2.1", 2, speaker=near).is_loopback
    assert not Peer("127.0.0.1", 3, speaker=Peer("127.0.0.1", 2, speaker=far)).is_loopback
    assert not Peer("unknown", speaker=near).is_loopback


FACTS = ssl_tlv(7, 0, version=b"TLSv1.3", name=b"Fred", cipher=b"TLS_AES_128_GCM_SHA256")


@pytest.mark.parametrize(
    ("tlvs", "proxies", "tls"),
    [
        (FACTS, NAMING, TlsFacts("TLSv1.3", "TLS_AES_128_GCM_SHA256", client="fred")),
        (FACTS, TRUSTED, TlsFacts("TLSv1.3", "TLS_AES_128_GCM_SHA256")),
        (ssl_tlv(7, 0, version=b"TLSv1.3", name="\u212aate".encode()), NAMING, TlsFacts("TLSv1.3", "")),
        (ssl_tlv(1, 0, version=b"TLSv1.2", name=b"fred"), NAMING, TlsFacts("TLSv1.2", "")),
        (ssl_tlv(0, 1), NAMING, None),
    ],
)
def test_tls_that_ends_at_the_proxy(run, tlvs: bytes, proxies: Proxies, tls: TlsFacts | None) -> None:
    async def dialogue(door: Door) -> None:
        stream, _ = await door.connect(proxied("203.0.113.5", tlvs=tlvs))
        await stream.introduce()
        await stream.secure()
        assert stream.tls == tls
        assert stream.is_encrypted is (tls is not None)

    run(dialogue, proxies)


@pytest.mark.parametrize("header", [LOCAL, line("203.0.113.5"), b"PROXY TCP4"])
def test_a_reset_at_any_moment_closes_and_breaks_nothing(run, header: bytes) -> None:
    async def dialogue(door: Door) -> None:
        for pause in (0, 0, 0.001, 0.005):
            stream, peer = await door.connect(header)
            introducing = asyncio.create_task(stream.introduce())
            await asyncio.sleep(pause)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            peer.close()
            with contextlib.suppress(StreamClosed):
                await introducing
                await stream.secure()
                await stream.read()
            stream.abort()

    run(dialogue)


def test_octets_that_a_reset_has_taken_away(run) -> None:
    """They were seen, and are gone when they are to be taken."""

    async def dialogue(door: Door) -> None:
        stream, _ = await door.connect(LOCAL)
        sock = stream._socket
        assert sock is not None

        class Reset:
            fileno = sock.fileno

            def recv(self, count: int, flags: int = 0) -> bytes:
                if flags:
                    return sock.recv(count, flags)
                raise ConnectionResetError

        with pytest.raises(StreamClosed):
            await stream._read_header(Reset())  # type: ignore[arg-type]
        assert stream.is_probe

    run(dialogue)


@pytest.mark.parametrize("loop", [None, uvloop.Loop], ids=["asyncio", "uvloop"])
def test_who_says_nothing_gets_no_handshake(tmp_path, loop) -> None:
    """A handshake costs memory: it begins with the client's first octet."""
    tls = server_tls([self_signed(tmp_path / "tls", "bench.test", datetime.now(UTC))])

    async def play() -> None:
        door = Door(Proxies(Networks()), tls, begins_with_tls=True)
        try:
            stream, peer = await door.connect()
            stream.set_deadline(0.03)
            with pytest.raises(TimeoutError):
                await stream.secure()
            assert stream.tls is None
            stream.abort()
            assert await asyncio.get_running_loop().sock_recv(peer, 100) == b""
            stream, peer = await door.connect()
            peer.close()
            with pytest.raises(StreamClosed) as caught:
                await stream.secure()
            assert not isinstance(caught.value, NotSecured)
            stream.abort()
            stream, _ = await door.connect(b"GET / HTTP/1.0\r\n\r\n")
            with pytest.raises(NotSecured):
                await stream.secure()
        finally:
            await door.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(play())
