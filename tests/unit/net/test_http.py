"""Questions to web servers, which behave badly."""

import asyncio
import socket

import pytest

from postane.net.base import HttpAnswer, LinkLost, TooSlow, Unreachable, Untrusted, is_private_url
from postane.net.http import REDIRECTS, HttpsClient
from support.certificates import LOCALHOST, Authority
from support.scripted import server_context, serving


class Web:
    """Answers each question with the next of its answers, the last one again and again; `heads` and `bodies` are what
    was asked."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.heads: list[str] = []
        self.bodies: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        self.heads.append(head)
        self.bodies.append(await reader.readexactly(int(fields.get("content-length", 0))))
        writer.write(self.answers[0])
        if len(self.answers) > 1:
            del self.answers[0]
        await writer.drain()


def answer(status: str, body: bytes = b"", *fields: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.fixture
async def asker():
    asker = HttpsClient(timeout=20, limit=1000)
    yield asker
    await asker.close()


@pytest.fixture
async def follower():
    asker = HttpsClient(timeout=20, limit=1000, follows=True)
    yield asker
    await asker.close()


async def test_an_answer_with_its_status(asker):
    async with serving(Web(answer("200 OK", b"{}"))) as port:
        assert await asker.get(f"http://127.0.0.1:{port}/") == HttpAnswer(200, b"{}")


async def test_a_form_and_an_answer_that_is_no(asker):
    """RFC 8628 s3.5: what is to be done next is in the body of a 400."""
    web = Web(answer("400 Bad Request", b'{"error": "authorization_pending"}', "Set-Cookie: a=b"))
    async with serving(web) as port:
        url = f"http://127.0.0.1:{port}/token"
        for _ in range(2):
            said = await asker.post(url, {"grant_type": "x", "code": "ä&="})
            assert said == HttpAnswer(400, b'{"error": "authorization_pending"}')
    assert web.bodies == [b"grant_type=x&code=%C3%A4%26%3D"] * 2
    assert "content-type: application/x-www-form-urlencoded" in web.heads[0].lower()
    assert "cookie" not in web.heads[1].lower()


async def test_a_form_with_a_header_that_is_in_no_text(asker):
    web = Web(answer("200 OK", b"{}"), b"+OK ready\r\n")
    async with serving(web) as port:
        url, secret = f"http://127.0.0.1:{port}/token", {"Authorization": "Basic hunter2"}
        assert await asker.post(url, {"a": "b"}, secret) == HttpAnswer(200, b"{}")
        with pytest.raises(LinkLost, match="gave no answer") as caught:
            await asker.post(url, {"a": "b"}, secret)
    assert "authorization: basic hunter2" in web.heads[0].lower()
    assert "accept-encoding: identity" in web.heads[0].lower()
    assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_nothing_of_the_environment_is_used(asker, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with serving(Web(answer("200 OK"))) as port:
        assert (await asker.get(f"http://127.0.0.1:{port}/")).status == 200


async def test_over_tls(tmp_path):
    authority = Authority(tmp_path)
    context = server_context(authority.issue("own", LOCALHOST))
    async with serving(Web(answer("200 OK", b"safe")), context) as port:
        asker = HttpsClient(authority=authority.path)
        assert (await asker.get(f"https://localhost:{port}/")).octets == b"safe"
        await asker.close()
        stranger = HttpsClient()
        with pytest.raises(Untrusted, match="is not believed: unable to get local issuer certificate"):
            await stranger.get(f"https://localhost:{port}/")
        await stranger.close()


async def test_no_certificates_in_the_file(tmp_path):
    (tmp_path / "empty").write_text("")
    asker = HttpsClient(authority=tmp_path / "empty")
    with pytest.raises(Untrusted, match="holds no certificate"):
        await asker.get("https://localhost/")


@pytest.mark.parametrize("url", ["http://example.org/?secret", "ftp://localhost/", "", "https://", "http://[::1/"])
async def test_in_clear_only_this_machine_is_asked(asker, url):
    with pytest.raises((Untrusted, Unreachable)) as caught:
        await asker.post(url, {"password": "tanstaaf"})
    assert "tanstaaf" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "is_private"),
    [
        ("https://id.example/x", True),
        ("http://localhost:8080/", True),
        ("http://127.8.9.1/", True),
        ("http://[::1]:80/", True),
        ("http://id.example/", False),
        ("http://127.0.0.1.example/", False),
        ("http://localhost@id.example/", False),
        ("http://192.0.2.1/", False),
        ("ftp://localhost/", False),
        ("https://", False),
        ("http://", False),
        ("https://[::1/", False),
        ("https://id.example:99999/", False),
        ("https://id.example:0/", False),
        ("", False),
    ],
)
def test_where_nobody_else_can_read(url, is_private):
    assert is_private_url(url) is is_private


async def test_an_answer_has_a_limit(asker):
    async with serving(Web(answer("200 OK", b"x" * 1000), answer("200 OK", b"x" * 1001))) as port:
        assert len((await asker.get(f"http://127.0.0.1:{port}/")).octets) == 1000
        with pytest.raises(LinkLost, match="answered with more than 1000 octets"):
            await asker.get(f"http://127.0.0.1:{port}/")


async def test_a_compression_that_was_not_asked_for(asker):
    async with serving(Web(answer("200 OK", b"x", "Content-Encoding: gzip"))) as port:
        with pytest.raises(LinkLost, match="compression"):
            await asker.get(f"http://127.0.0.1:{port}/")


async def test_silence_has_an_end():
    async def wait(reader, writer):
        await reader.read(-1)

    asker = HttpsClient(timeout=0.2)
    async with serving(wait) as port:
        with pytest.raises(TooSlow, match="did not answer"):
            await asker.get(f"http://127.0.0.1:{port}/?secret")
    await asker.close()


async def test_who_is_not_there(asker):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    told = f"cannot reach http://127.0.0.1:{port}/x: nothing listens there"
    with pytest.raises(Unreachable, match=told):
        await asker.get(f"http://127.0.0.1:{port}/x?secret")


async def test_what_is_no_answer(asker):
    async with serving(Web(b"+OK ready\r\n")) as port:
        with pytest.raises(LinkLost, match="gave no answer"):
            await asker.get(f"http://127.0.0.1:{port}/")


async def test_sent_elsewhere_without_following(asker):
    async with serving(Web(answer("302 Found", b"", "Location: /elsewhere"))) as port:
        assert (await asker.get(f"http://127.0.0.1:{port}/")).status == 302


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_sent_elsewhere(follower, status):
    web = Web(answer(f"{status} Moved", b"", "Location: /there"), answer("200 OK", b"found"))
    async with serving(web) as port:
        assert await follower.get(f"http://127.0.0.1:{port}/") == HttpAnswer(200, b"found")
    assert web.heads[1].startswith("GET /there ")


async def test_sent_in_circles(follower):
    web = Web(answer("302 Found", b"", "Location: /"))
    async with serving(web) as port:
        with pytest.raises(LinkLost, match="more than 3 times"):
            await follower.get(f"http://127.0.0.1:{port}/")
    assert len(web.heads) == 1 + REDIRECTS


async def test_nobody_is_sent_out_of_tls(follower):
    async with serving(Web(answer("302 Found", b"", "Location: http://example.org/"))) as port:
        with pytest.raises(Untrusted, match="is no https:// URL"):
            await follower.get(f"http://127.0.0.1:{port}/")


async def test_not_even_to_this_machine(tmp_path):
    authority = Authority(tmp_path)
    context = server_context(authority.issue("own", LOCALHOST))
    web = Web(answer("302 Found", b"", "Location: http://127.0.0.1/secrets"))
    follower = HttpsClient(authority=authority.path, follows=True)
    async with serving(web, context) as port:
        with pytest.raises(Untrusted, match="to where there is no TLS"):
            await follower.get(f"https://localhost:{port}/")
    await follower.close()


async def test_a_form_is_never_sent_elsewhere(follower):
    web = Web(answer("307 Temporary Redirect", b"", "Location: /there"))
    async with serving(web) as port:
        assert (await follower.post(f"http://127.0.0.1:{port}/", {"password": "x"})).status == 307
    assert len(web.heads) == 1


async def test_who_sends_on_to_a_port_that_is_none_is_told():
    client = HttpsClient(timeout=10, follows=True)
    async with serving(Web(answer("302 Found", b"", "Location: http://127.0.0.1:99999/"))) as port:
        with pytest.raises(Untrusted, match="is not asked"):
            await client.get(f"http://127.0.0.1:{port}/")
    await client.close()
