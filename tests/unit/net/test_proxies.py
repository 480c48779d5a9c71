"""Connections through proxies, which are small ones of the tests."""

import asyncio
import socket

import pytest

from postane.net.base import Target, TlsMode, TlsPolicy, Unreachable
from postane.net.dial import dial
from postane.net.proxies import split_proxy
from postane.net.stream import UNKNOWN
from support.certificates import LOCALHOST, Authority
from support.loops import on_both_loops
from support.proxies import ProxyLog, connect, socks5
from support.scripted import echo, saying, server_context, serving

CLEAR = TlsPolicy(TlsMode.NONE)
MAKERS = {"socks5": socks5, "http": connect}


def through(url: str, policy: TlsPolicy = CLEAR, host: str = "pop.hidden.test") -> Target:
    return Target(host, 110, policy, proxy=url, timeout=20)


async def refused(target: Target) -> str:
    with pytest.raises(Unreachable) as caught:
        await dial(target)
    return str(caught.value)


@pytest.mark.parametrize("scheme", MAKERS)
@on_both_loops
async def test_the_proxy_looks_the_name_up(scheme):
    log = ProxyLog()
    async with serving(echo) as port, serving(MAKERS[scheme](log, port)) as proxy:
        link = await dial(through(f"{scheme}://127.0.0.1:{proxy}"))
        assert log.places == ["pop.hidden.test:110"]
        link.write(b"one")
        assert await link.read() == b"one"
        await link.close()


@pytest.mark.parametrize("scheme", MAKERS)
@on_both_loops
async def test_what_goes_through_a_proxy_is_not_private(scheme):
    """Though the proxy itself may be on this machine."""
    async with serving(echo) as port, serving(MAKERS[scheme](ProxyLog(), port)) as proxy:
        link = await dial(through(f"{scheme}://127.0.0.1:{proxy}"))
        assert not link.is_private
        assert (link.peer.host, link.peer.speaker.port) == (UNKNOWN, proxy)
        await link.close()


@pytest.mark.parametrize("scheme", MAKERS)
@on_both_loops
async def test_tls_goes_through(scheme, tmp_path):
    authority = Authority(tmp_path)
    context = server_context(authority.issue("own", LOCALHOST))
    policy = TlsPolicy(TlsMode.IMPLICIT, authority=authority.path)
    async with serving(echo, context) as port, serving(MAKERS[scheme](ProxyLog(), port)) as proxy:
        link = await dial(through(f"{scheme}://127.0.0.1:{proxy}", policy, "localhost"))
        assert link.is_private
        link.write(b"one")
        assert await link.read() == b"one"
        await link.close()


async def test_names_and_passwords():
    log = ProxyLog()
    async with serving(echo) as port:
        async with serving(socks5(log, port, asks_name=True)) as proxy:
            await (await dial(through(f"socks5://mrose:tanstaaf@127.0.0.1:{proxy}"))).close()
            words = await refused(through(f"socks5://mrose:secret@127.0.0.1:{proxy}"))
            assert "secret" not in words
            assert "secret" not in repr(through(f"socks5://mrose:secret@127.0.0.1:{proxy}"))
            assert f"the proxy 127.0.0.1:{proxy} does not lead to" in await refused(
                through(f"socks5://127.0.0.1:{proxy}")
            )
        async with serving(connect(log, port, name="m@x:t:n")) as proxy:
            await (await dial(through(f"http://m%40x:t%3An@127.0.0.1:{proxy}"))).close()
            assert "407" in await refused(through(f"http://127.0.0.1:{proxy}"))
    assert log.names == ["mrose:tanstaaf", "mrose:secret", "m@x:t:n"]


async def test_a_proxy_that_says_no():
    log = ProxyLog()
    async with serving(socks5(log, 0, answer=5)) as proxy:
        words = await refused(through(f"socks5://127.0.0.1:{proxy}"))
        assert f"the proxy 127.0.0.1:{proxy} does not lead to pop.hidden.test:110: " in words
        assert "refused" in words
    async with serving(connect(log, 0, status="503 No")) as proxy:
        assert "503" in await refused(through(f"http://127.0.0.1:{proxy}"))


@pytest.mark.parametrize("scheme", MAKERS)
async def test_a_proxy_that_is_none(scheme):
    async def leave(reader, writer):
        await reader.read(1)

    for play in (leave, saying(b"+OK ready\r\n\r\n")):
        async with serving(play) as proxy:
            assert "the proxy 127.0.0.1" in await refused(through(f"{scheme}://127.0.0.1:{proxy}"))


async def test_no_proxy_there():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    words = await refused(through(f"socks5://127.0.0.1:{port}"))
    assert f"cannot connect to the proxy 127.0.0.1:{port}" in words


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:1080", "socks4://h:1", "https://h:1", "socks5://:1", "socks5://n:secret@h:x", "http://h:0"]
)
def test_urls_that_are_none_are_told_without_their_secrets(url):
    with pytest.raises(Unreachable, match=r"it is socks5://\[NAME:PASSWORD@\]HOST:PORT") as caught:
        split_proxy(url)
    assert "secret" not in str(caught.value)


def answering(*pieces: bytes):
    """An HTTP proxy whose answer comes in these pieces."""

    async def play(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)
        while await reader.read(65536):
            pass

    return play


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 OK\r\n\r\n+OK ready\r\n",),  # the server speaks first, and proxies join what they have
        (b"HTTP/1.1 200 OK\r\nVia: x\r\n", b"\r\n", b"+OK ready\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 299 fine\n\n+OK ready\r\n",),
        tuple(bytes((octet,)) for octet in b"HTTP/1.1 200\r\n\r\n+OK ready\r\n"),
    ],
)
@on_both_loops
async def test_an_answer_ends_where_its_head_ends(pieces):
    async with serving(answering(*pieces)) as proxy:
        link = await dial(through(f"http://127.0.0.1:{proxy}"))
        said = b""
        while len(said) < len(b"+OK ready\r\n"):
            said += await link.read()
        assert said == b"+OK ready\r\n"
        link.abort()


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 10_000, "its answer has no end"),
        (b"HTTP/1.1 200" + b" " * 100_000, "its answer has no end"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n", "it answered 302 Found"),
        (b"HTTP/1.1 500 \x1b[31m\xff\r\n\r\n", "it answered 500 ?[31m"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "it is no HTTP proxy"),
        (b"ICY 200 OK\r\n\r\n", "it is no HTTP proxy"),
        (b"\r\n\r\n\r\n", "it is no HTTP proxy"),
    ],
)
async def test_answers_that_are_none(octets, words):
    async with serving(answering(octets)) as proxy:
        told = await refused(through(f"http://127.0.0.1:{proxy}"))
    assert words in told
    assert told.isprintable()


@pytest.mark.parametrize("host", ["pop example", "pop\r\nX: y", "a" * 300])
async def test_no_host_begins_another_line_of_the_question(host):
    log = ProxyLog()
    async with serving(connect(log, 0)) as proxy:
        assert "is no name of a host" in await refused(through(f"http://127.0.0.1:{proxy}", host=host))
    assert log.places == []


async def test_a_name_of_a_proxys_user_has_no_colon():
    async with serving(connect(ProxyLog(), 0)) as proxy:
        words = await refused(through(f"http://a%3Ab:secret@127.0.0.1:{proxy}"))
    assert "colon" in words
    assert "secret" not in words


@pytest.mark.parametrize("scheme", MAKERS)
async def test_no_proxy_there_in_words(scheme):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    words = await refused(through(f"{scheme}://127.0.0.1:{port}"))
    assert words == f"cannot connect to the proxy 127.0.0.1:{port}: nothing listens there (connection refused)"


@pytest.mark.parametrize("scheme", MAKERS)
async def test_no_host_of_the_proxys_name(scheme):
    words = await refused(through(f"{scheme}://proxy.invalid:1"))
    assert words.startswith("cannot connect to the proxy proxy.invalid:1: ")
    assert "Errno" not in words


async def test_a_proxy_at_an_address_of_ipv6_is_told_as_one():
    words = await refused(through("http://[::1]:1"))
    assert words.startswith("cannot connect to the proxy [::1]:1: ")
