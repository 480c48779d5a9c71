"""The real link: octets both ways, back-pressure, time-outs, cancelling, TLS begun later."""

import asyncio
import gc
import hashlib
import os
import socket
import ssl
import struct
from pathlib import Path

import pytest

from postane.net.base import LinkLost, Target, TlsMode, TlsPolicy, TooSlow, Untrusted
from postane.net.dial import adopt, dial
from postane.net.link import ENOUGH, READ_AHEAD
from postane.net.stream import Peer
from postane.net.tls import Certificate
from support.certificates import LOCALHOST, Authority, der
from support.loops import on_both_loops
from support.scripted import agreeing, echo, saying, server_context, serving

CLEAR = TlsPolicy(TlsMode.NONE)
BIG = bytes(range(256)) * 4096 * 8  # 8 MiB


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def own(authority: Authority) -> Certificate:
    return authority.issue("own", LOCALHOST)


def clear(port: int, timeout: float = 30) -> Target:
    return Target("127.0.0.1", port, CLEAR, timeout=timeout)


def believing(port: int, authority: Path, timeout: float = 30) -> Target:
    return Target("localhost", port, TlsPolicy(TlsMode.REQUIRED, authority=authority), timeout=timeout)


async def until(is_so) -> None:
    """Wait for what happens in the background."""
    while not is_so():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.001)


async def read_exactly(link, count: int) -> bytes:
    octets = bytearray()
    while len(octets) < count:
        piece = await link.read()
        assert piece
        octets += piece
    return bytes(octets)


@on_both_loops
async def test_octets_go_both_ways():
    async with serving(echo) as port:
        link = await dial(clear(port))
        assert (link.peer, link.tls, link.certificate) == (Peer("127.0.0.1", port), None, None)
        assert link.is_private
        assert link.read_now() is None
        link.write(b"one")
        assert await link.read() == b"one"
        await link.close()


@on_both_loops
async def test_nothing_waits_for_more():
    async with serving(echo) as port:
        link = await dial(clear(port))
        with socket.socket(fileno=os.dup(link._transport.get_extra_info("socket").fileno())) as same:
            assert same.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await link.close()


@on_both_loops
async def test_much_goes_both_ways_at_the_same_time_while_one_task_writes_and_another_one_reads():
    async with serving(echo) as port:
        link = await dial(clear(port))

        async def write() -> None:
            for start in range(0, len(BIG), 65536):
                link.write(BIG[start : start + 65536])
                await link.drain()

        writing = asyncio.create_task(write())
        assert await read_exactly(link, len(BIG)) == BIG
        await writing
        await link.close()


@on_both_loops
async def test_who_does_not_read_is_not_sent_without_end():
    """What lies unread is bounded; reading goes on where it was."""
    async with serving(saying(BIG)) as port:
        link = await dial(clear(port))
        await until(lambda: len(link._received) > READ_AHEAD)
        await asyncio.sleep(0.05)
        assert len(link._received) < 4 * READ_AHEAD
        assert await read_exactly(link, len(BIG)) == BIG
        link.abort()


@on_both_loops
async def test_a_server_that_takes_nothing_is_waited_for_and_then_given_up():
    async def deaf(reader, writer):
        writer.transport.pause_reading()
        await asyncio.sleep(60)

    async with serving(deaf) as port:
        link = await dial(clear(port, timeout=0.2))
        while link.is_writable:
            link.write(BIG)
        with pytest.raises(TooSlow, match="has not taken what is sent to it"):
            await link.drain()
        link.abort()


@on_both_loops
async def test_a_silent_server_is_too_slow():
    async with serving(saying()) as port:
        link = await dial(clear(port, timeout=0.1))
        for _ in range(2):
            with pytest.raises(TooSlow, match="has said nothing for"):
                await link.read()
        link.abort()


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)
    except OSError:
        writer.close()


@on_both_loops
async def test_a_server_that_trickles_is_too_slow():
    async with serving(trickle) as port:
        link = await dial(clear(port, timeout=0.3))
        with pytest.raises(TooSlow, match="has said nothing for"):
            await read_exactly(link, 1 << 20)
        link.abort()


@on_both_loops
async def test_short_answers_to_what_is_asked_are_no_trickle():
    async with serving(echo) as port:
        link = await dial(clear(port, timeout=0.3))
        for _ in range(20):
            await asyncio.sleep(0.02)  # nobody waits
            link.write(b"x")
            assert await link.read() == b"x"
        link.abort()


@on_both_loops
async def test_each_wait_has_its_own_time():
    """All of them together take longer than one may."""

    async def slow(reader, writer):
        for _ in range(8):
            await asyncio.sleep(0.1)
            writer.write(b"." * ENOUGH)

    async with serving(slow) as port:
        link = await dial(clear(port, timeout=0.6))
        assert await read_exactly(link, 8 * ENOUGH) == b"." * (8 * ENOUGH)
        await link.close()


@on_both_loops
async def test_a_cancelled_read_takes_nothing():
    async with serving(echo) as port:
        link = await dial(clear(port))
        reading = asyncio.create_task(link.read())
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        reading = asyncio.create_task(link.read())
        await asyncio.sleep(0)
        link.data_received(b"kept")  # as the transport does
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await link.read() == b"kept"
        await link.close()


@on_both_loops
async def test_the_servers_end_is_an_end_and_it_can_still_be_written_to():
    async def end(reader, writer):
        writer.write(b"bye")
        writer.write_eof()
        assert await reader.readline() == b"last words\n"

    async with serving(end) as port:
        link = await dial(clear(port))
        assert await read_exactly(link, 3) == b"bye"
        assert await link.read() == b""
        assert link.read_now() == b""
        link.write(b"last words\n")
        await link.close()


@on_both_loops
async def test_a_broken_connection_is_lost_after_what_came_before():
    async def reset(reader, writer):
        writer.write(b"some")
        await reader.read(1)
        with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with serving(reset) as port:
        link = await dial(clear(port))
        await until(lambda: link._received)
        link.write(b"x")
        await until(lambda: link._is_lost)
        assert await link.read() == b"some"
        with pytest.raises(LinkLost, match="has broken the connection off"):
            await link.read()
        link.write(b"to nobody")
        await link.close()


@on_both_loops
async def test_closed_here_is_lost_too():
    async with serving(echo) as port:
        link = await dial(clear(port))
        link.abort()
        with pytest.raises(LinkLost, match="is closed"):
            await link.read()
        with pytest.raises(LinkLost):
            await link.drain()
        link.write(b"to nobody")
        link.abort()
        await link.close()


@on_both_loops
async def test_closing_sends_what_is_unsent():
    got = asyncio.get_running_loop().create_future()

    async def slow(reader, writer):
        await asyncio.sleep(0.05)
        got.set_result(hashlib.sha256(await reader.read(-1)).digest())

    async with serving(slow) as port:
        link = await dial(clear(port))
        link.write(BIG)
        await link.close()
        assert await got == hashlib.sha256(BIG).digest()


@on_both_loops
async def test_closing_ends_what_another_task_waits_for():
    async with serving(saying()) as port:
        link = await dial(clear(port))
        reading = asyncio.create_task(link.read())
        await asyncio.sleep(0)
        await asyncio.gather(link.close(), link.close())
        with pytest.raises(LinkLost, match="is closed"):
            await reading


@on_both_loops
async def test_closing_has_an_end_too():
    async def deaf(reader, writer):
        writer.transport.pause_reading()
        await asyncio.sleep(60)

    async with serving(deaf) as port:
        link = await dial(clear(port, timeout=0.1))
        while link.is_writable:
            link.write(BIG)
        await link.close()
        assert link._is_lost or link._transport.is_closing()


@on_both_loops
async def test_a_unix_socket(tmp_path):
    path = str(tmp_path / "s")
    async with serving(echo, path=path):
        link = await dial(Target("", 0, CLEAR, path=path))
        assert link.peer == Peer("unix")
        assert link.is_private
        link.write(b"one")
        assert await link.read() == b"one"
        await link.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@on_both_loops
async def test_tls_begins_later(authority, own, version):
    async with serving(agreeing(server_context(own, version), echo)) as port:
        link = await dial(believing(port, authority.path))
        link.write(b"STLS\r\n")
        assert await link.read() == b"+OK\r\n"
        await link.start_tls()
        assert link.tls.version == version.name.replace("_", ".")
        assert link.tls.cipher
        point = hashlib.sha256(der(own.chain))
        assert link.tls.bindings["tls-server-end-point"] == point.digest()
        assert ("tls-unique" in link.tls.bindings) == (version is ssl.TLSVersion.TLSv1_2)
        assert link.certificate.digest == point.hexdigest()
        assert link.certificate.names == ("localhost", "postane.test", "127.0.0.1", "::1")
        assert link.is_private
        link.write(BIG[:100_000])
        assert await read_exactly(link, 100_000) == BIG[:100_000]
        await link.close()


@on_both_loops
async def test_octets_with_the_agreement_are_not_for_anybody(authority, own):
    """RFC 2595 s4: what somebody put between the reply and the handshake."""
    play = agreeing(server_context(own), echo, early=b"+OK injected\r\n")
    async with serving(play) as port:
        link = await dial(believing(port, authority.path))
        link.write(b"STLS\r\n")
        await asyncio.sleep(0.05)
        with pytest.raises(Untrusted, match="before the TLS handshake"):
            await link.start_tls()
        with pytest.raises(LinkLost):
            await link.read()


@on_both_loops
async def test_octets_behind_the_agreement_are_no_tls(authority, own):
    """They come after the link has looked for them: the handshake fails."""

    async def play(reader, writer):
        await reader.readline()
        writer.write(b"+OK\r\n")
        await reader.read(1)
        writer.write(b"+OK injected\r\n")
        await reader.read(65536)
        await asyncio.sleep(0.2)

    async with serving(play) as port:
        link = await dial(believing(port, authority.path))
        link.write(b"STLS\r\n")
        assert await link.read() == b"+OK\r\n"
        with pytest.raises(Untrusted, match="has agreed to TLS, and goes on without it"):
            await link.start_tls()


@on_both_loops
async def test_tls_begins_once(authority, own):
    async with serving(agreeing(server_context(own), echo)) as port:
        link = await dial(believing(port, authority.path))
        link.write(b"STLS\r\n")
        await link.read()
        await link.start_tls()
        with pytest.raises(Untrusted, match="begun already"):
            await link.start_tls()
        link.abort()


@on_both_loops
async def test_a_server_that_leaves_in_the_handshake(authority):
    async def play(reader, writer):
        await reader.readline()
        writer.write(b"+OK\r\n")
        await reader.read(1)

    async with serving(play) as port:
        link = await dial(believing(port, authority.path))
        link.write(b"STLS\r\n")
        await link.read()
        with pytest.raises(LinkLost):
            await link.start_tls()


@on_both_loops
async def test_a_server_that_is_silent_in_the_handshake(authority):
    async with serving(saying(b"+OK\r\n")) as port:
        link = await dial(believing(port, authority.path, timeout=0.2))
        await link.read()
        with pytest.raises(TooSlow, match=r"TLS handshake with .* took longer than 0\.2 s"):
            await link.start_tls()


@on_both_loops
async def test_a_cancelled_handshake_closes(authority):
    async with serving(saying(b"+OK\r\n")) as port:
        link = await dial(believing(port, authority.path))
        await link.read()
        handshake = asyncio.create_task(link.start_tls())
        await asyncio.sleep(0.1)
        handshake.cancel()
        with pytest.raises(asyncio.CancelledError):
            await handshake
        with pytest.raises(LinkLost):
            await link.read()


@on_both_loops
async def test_a_given_socket():
    near, far = socket.socketpair()
    link = await adopt(near, Target("pop.example.org", 110, CLEAR))
    assert link.is_private
    link.write(b"one")
    assert await asyncio.to_thread(far.recv, 10) == b"one"
    far.sendall(b"two")
    assert await link.read() == b"two"
    await link.close()
    far.close()


@on_both_loops
async def test_given_streams_with_what_they_have_read_ahead():
    async def play(reader, writer):
        writer.write(b"+OK ready\r\nmore")
        await echo(reader, writer)

    async with serving(play) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.readline() == b"+OK ready\r\n"
        await asyncio.sleep(0.02)
        link = await adopt((reader, writer), clear(port))
        assert link.read_now() == b"more"
        link.write(b"one")
        assert await link.read() == b"one"
        await link.close()
        del reader, writer
        gc.collect()


@on_both_loops
async def test_given_streams_that_speak_tls(authority, own):
    async with serving(echo, server_context(own)) as port:
        context = ssl.create_default_context(cafile=authority.path)
        streams = await asyncio.open_connection("localhost", port, ssl=context)
        link = await adopt(streams, Target("localhost", port, TlsPolicy(TlsMode.IMPLICIT)))
        assert link.certificate.digest == hashlib.sha256(der(own.chain)).hexdigest()
        assert link.is_private
        link.write(b"one")
        assert await link.read() == b"one"
        await link.close()


@on_both_loops
async def test_given_streams_must_fit_the_pin(authority, own):
    async with serving(echo, server_context(own)) as port:
        context = ssl.create_default_context(cafile=authority.path)
        streams = await asyncio.open_connection("localhost", port, ssl=context)
        with pytest.raises(Untrusted, match="not the pinned one"):
            await adopt(streams, Target("localhost", port, TlsPolicy(TlsMode.IMPLICIT, pin="0" * 64)))
