"""Who else may answer where a POP server was expected: an error of the library's own that names him, once."""

import asyncio
import re
import socket

import pytest

from postane.client import (
    ConnectionFailed,
    ConnectionLost,
    Misbehaved,
    NotSecured,
    PopError,
    TimedOut,
    connect,
    connect_pop1,
    connect_pop2,
)
from postane.client.strangers import SHOWN, explain
from postane.wire.errors import NoGreeting
from support.certificates import LOCALHOST, Authority
from support.pop_links import FakeServer, playing
from support.scripted import server_context, serving

SMTP = b"220 mail.example.org ESMTP Postfix\r\n"


def saying(octets):
    """A server that says this, and listens until nobody speaks any more."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(octets)
        await writer.drain()
        await reader.read(-1)

    return play


async def hanging_up(reader, writer):
    """A server that wants to speak to nobody."""


async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    return server_context(Authority(tmp_path_factory.mktemp("tls")).issue("own", LOCALHOST))


async def told(door, url, **options) -> PopError:
    """What is raised, where it must be one of the library's own errors, and one sentence."""
    with pytest.raises(PopError) as caught:
        async with asyncio.timeout(20), door(url, password="secret", **options):
            pass
    error = caught.value
    assert "secret" not in f"{error!r}"
    assert str(error) == error.text
    return error


@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        (SMTP, r"^this is an SMTP server, not POP3 \(it said: 220 mail.example.org ESMTP Postfix\)$"),
        (b"220 mail LMTP ready\r\n", "^this is an LMTP server, not POP3"),
        (b"220 files.example.org FTP server ready\r\n", "^this is an FTP server, not POP3"),
        (b"554 go away\r\n", "^this is an SMTP server, or one of its like, not POP3"),
        (b"200 news.example.org ready\r\n", "^this is a news server"),
        (b"* OK [CAPABILITY IMAP4rev1] ready\r\n", "^this is an IMAP server, not POP3"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "^this is an SSH server"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "^this is a web server"),
        (b"+ POP2 there\r\n", "^this is a POP2 server, not POP3"),
        (b"hello\x1b[31m\r\n", r"^this is some other server, not POP3 \(it said: hello\?\[31m\)$"),
        (b"\r\n", r"\(it said: an empty line\)$"),
        (b"\x15\x03\x01\x00\x02\x02\x46\n", "^this server begins with TLS: it is pop3s:// on this port$"),
    ],
)
async def test_a_stranger_is_named(greeting, words):
    async with serving(saying(greeting)) as port:
        error = await told(connect, f"pop3://a@127.0.0.1:{port}")
    assert isinstance(error, Misbehaved)
    assert re.search(words, error.text)
    assert not error.may_pass


@pytest.mark.parametrize(
    ("door", "scheme", "greeting", "words"),
    [
        (connect_pop2, "pop2", SMTP, "an SMTP server, not POP2"),
        (connect_pop2, "pop2", b"+OK ready\r\n", "a POP3 server, not POP2"),
        (connect_pop1, "pop1", SMTP, "an SMTP server, not POP1"),
    ],
)
async def test_the_old_protocols_tell_it_as_well(door, scheme, greeting, words):
    async with serving(saying(greeting)) as port:
        assert words in (await told(door, f"{scheme}://a@127.0.0.1:{port}")).text


async def test_a_stranger_behind_tls_is_named_too(secured):
    async with serving(saying(SMTP), secured) as port:
        error = await told(connect, f"pop3s://a@127.0.0.1:{port}", tls_check=False)
    assert error.text.startswith("this is an SMTP server, not POP3")


@pytest.mark.parametrize(("door", "scheme"), [(connect, "pop3"), (connect_pop2, "pop2"), (connect_pop1, "pop1")])
async def test_in_clear_to_a_port_where_tls_comes_first(secured, door, scheme):
    """Both sides wait for the other one's first word."""
    async with serving(playing(FakeServer()), secured) as port:
        connected = socket.create_connection(("127.0.0.1", port))  # so that it is no wait for a connection that ends
        error = await told(door, f"{scheme}://a@127.0.0.1:{port}", timeout=0.2, stream=connected)
    assert isinstance(error, TimedOut)
    assert error.text.endswith(f"has said nothing for 0.2 s; on a port where TLS comes first it is {scheme}s://")


async def test_who_is_silent_behind_tls_is_told_nothing_of_tls(secured):
    async with serving(web, secured) as port:
        error = await told(connect, f"pop3s://a@127.0.0.1:{port}", tls_check=False, timeout=0.5)
    assert isinstance(error, TimedOut)
    assert "TLS comes first" not in error.text


@pytest.mark.parametrize("play", [playing(FakeServer()), saying(SMTP), web], ids=["pop3", "smtp", "http"])
async def test_tls_to_a_port_in_clear(play):
    async with serving(play) as port:
        error = await told(connect, f"pop3s://a@127.0.0.1:{port}")
    assert isinstance(error, NotSecured)
    assert error.text.endswith(
        'does not speak TLS on this port; try STLS or STARTTLS, which is a URL without the s, and tls = "required"'
    )
    assert error.text.count("TLS on this port") == 1


async def test_who_is_not_there_or_hangs_up(unused_tcp_port):
    error = await told(connect, f"pop3://a@127.0.0.1:{unused_tcp_port}")
    assert isinstance(error, ConnectionFailed)
    assert "nothing listens there" in error.text
    async with serving(hanging_up) as port:
        assert isinstance(await told(connect, f"pop3://a@127.0.0.1:{port}"), ConnectionLost)


def test_no_more_is_repeated_than_can_be_read():
    error = Misbehaved("?")
    error.__cause__ = NoGreeting("?", b"x" * 5000)
    explained = explain(error, "POP3", is_secured=False)
    assert explained is not None
    assert explained.text.count("x") == SHOWN


def test_what_is_nothing_of_this_is_left_as_it_is():
    assert explain(Misbehaved("another"), "POP3", is_secured=False) is None
