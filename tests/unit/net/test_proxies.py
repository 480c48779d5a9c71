"""Connections through proxies, which are small ones of the tests."""

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
