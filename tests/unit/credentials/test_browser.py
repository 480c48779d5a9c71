"""Somebody lets this program in on a page, and the browser comes back to a port of this machine."""

import asyncio
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from postane.credentials.base import NoSecret
from postane.credentials.browser import Page, authorize_in_browser
from postane.credentials.tokens import Tokens


class Somebody:
    """Who is shown a page."""

    def __init__(self):
        self.shown = asyncio.get_running_loop().create_future()

    def __call__(self, url):
        self.shown.set_result(url)

    async def asked(self):
        return {name: values[0] for name, values in parse_qs(urlsplit(await self.shown).query).items()}


@pytest.fixture
async def somebody():
    return Somebody()


async def visit(url, head=""):
    """What a browser sees there."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"{head or 'GET'} {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n")[0].decode()


@pytest.fixture
def let_in(http, provider, somebody, clock):
    def begin(**more):
        known = more.pop("provider", provider)
        return asyncio.ensure_future(authorize_in_browser(http, known, Page(somebody, clock, **more)))

    return begin


async def test_somebody_says_yes(server, somebody, let_in, clock):
    letting = let_in()
    asked = await somebody.asked()
    assert asked["scope"] == "mail offline"
    assert asked["redirect_uri"].startswith("http://127.0.0.1:")
    assert await visit(server.let_in(await somebody.shown)) == "HTTP/1.1 200 OK"
    assert await letting == Tokens("access-1", "refresh-1", clock.time + 3600)
    with pytest.raises(OSError, match=r".*"):
        await visit(asked["redirect_uri"])


async def test_each_question_has_secrets_of_its_own(server, http, provider, clock):
    asked = []
    for _ in range(2):
        somebody = Somebody()
        letting = asyncio.ensure_future(authorize_in_browser(http, provider, Page(somebody, clock)))
        asked.append(await somebody.asked())
        letting.cancel()
        await asyncio.gather(letting, return_exceptions=True)
    for name in ("state", "code_challenge"):
        assert asked[0][name] != asked[1][name]
        assert len(asked[0][name]) >= 43


async def test_what_bears_no_state_is_not_believed(server, somebody, let_in):
    letting = let_in()
    back = (await somebody.asked())["redirect_uri"]
    answer = server.let_in(await somebody.shown)
    for url in (
        back + "favicon.ico",
        back + "?code=evil",
        back + "?code=evil&state=",
        back + "?code=evil&state=ü",
        back + "?error=access_denied&state=wrong",
        back + "?" + "a=b&" * 100,
        answer.partition("?")[0] + "?" + urlsplit(answer).query.replace("code=", "cod="),
    ):
        assert await visit(url) == "HTTP/1.1 404 Not Found"
    assert await visit(back, "GET //[x") == ""
    assert await visit(answer, "POST") == "HTTP/1.1 404 Not Found"
    assert not letting.done()
    assert await visit(answer) == "HTTP/1.1 200 OK"
    assert (await letting).access == "access-1"


async def test_who_says_too_much_is_not_listened_to(server, somebody, let_in):
    letting = let_in()
    back = (await somebody.asked())["redirect_uri"]
    parts = urlsplit(back)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"GET /" + b"x" * 100_000)
    assert await reader.read(100) == b""
    writer.close()
    await visit(server.let_in(await somebody.shown))
    assert (await letting).access == "access-1"


async def test_somebody_says_no(somebody, let_in):
    letting = let_in()
    asked = await somebody.asked()
    await visit(f"{asked['redirect_uri']}?error=access_denied&state={asked['state']}")
    with pytest.raises(NoSecret, match="somebody has said no at ours"):
        await letting


async def test_the_last_url_can_be_pasted(server, somebody, let_in):
    pasted = ["\n", "https://nonsense/?state=x\n", "http://[nonsense\n", None]

    async def paste():
        typed = pasted.pop(0)
        return f"  {server.let_in(await somebody.shown)}\n" if typed is None else typed

    assert (await let_in(paste=paste)).access == "access-1"


async def test_nobody_is_asked_again_who_is_gone(server, somebody, let_in):
    asked = []

    async def paste():
        asked.append(None)
        return ""

    letting = let_in(paste=paste)
    await visit(server.let_in(await somebody.shown))
    assert (await letting).access == "access-1"
    assert len(asked) == 1


async def test_nobody_does_anything(let_in):
    with pytest.raises(NoSecret, match="nobody has let this program in at ours in time"):
        await let_in(patience=0.1)


async def test_nobody_who_pastes_is_left_waiting(let_in):
    left = asyncio.Event()

    async def paste():
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    with pytest.raises(NoSecret):
        await let_in(patience=0.1, paste=paste)
    assert left.is_set()


async def test_a_code_that_is_not_good(server, somebody, let_in):
    letting = let_in()
    answer = server.let_in(await somebody.shown)
    server.codes.clear()
    await visit(answer)
    with pytest.raises(NoSecret, match=r"ours has refused \(invalid_grant\): log in again"):
        await letting


async def test_no_answer_to_the_code(server, somebody, let_in):
    letting = let_in()
    server.answers = [None]
    await visit(server.let_in(await somebody.shown))
    with pytest.raises(NoSecret, match="ours cannot be asked") as caught:
        await letting
    assert caught.value.may_pass


async def test_a_port_that_is_taken(let_in):
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NoSecret, match=f"port {port} cannot be listened to"):
            await let_in(port=port)


async def test_no_page(let_in, provider):
    with pytest.raises(NoSecret, match="ours has no page for browsers"):
        await let_in(provider=replace(provider, browser_endpoint=None))
    with pytest.raises(NoSecret, match="https alone"):
        await let_in(provider=replace(provider, browser_endpoint="http://example.org/"))
