"""The library's front door."""

import asyncio
import gc
import hashlib
import io
import socket
import ssl
import subprocess
import sys

import pytest

import postane.client
import postane.client.blocking
from postane.client import ClearTextRefused, ConnectionFailed, LoginRefused, Maildrop, NotSecured, connect
from postane.client.opening import make_plan
from postane.client.urls import Version
from postane.credentials.base import Secret, SecretKind
from postane.net.base import TlsMode
from support.certificates import LOCALHOST, Authority, der
from support.loops import on_both_loops
from support.pop_links import CAPA, FakeServer, MemoryLink, playing
from support.scripted import server_context, serving

LETTER = b"Subject: one\r\n\r\nHello.\r\n"
GREETING = b"+OK ready\r\n"


async def test_over_a_socket_and_back():
    server = FakeServer([LETTER, LETTER])
    async with serving(playing(server)) as port, connect(f"pop3://mrose:secret@127.0.0.1:{port}") as maildrop:
        assert [message.uidl async for message in maildrop.messages()] == ["u1", "u2"]
        assert [fetched.raw async for fetched in maildrop.fetch_many([1, 2])] == [LETTER] * 2
        await maildrop.delete([1])
    assert (server.deleted, server.is_committed) == ({1}, True)


async def test_it_can_be_awaited_too():
    async with serving(playing(FakeServer([LETTER]))) as port:
        maildrop = await connect(f"pop3://127.0.0.1:{port}", user="mrose", password="secret")
        assert isinstance(maildrop, Maildrop)
        assert (await maildrop.stat()).count == 1
        await maildrop.commit()


async def test_over_what_is_connected_already():
    async with serving(playing(FakeServer([LETTER]))) as port:
        connected = socket.create_connection(("127.0.0.1", port))
        async with connect("pop3://mrose@h", password="secret", stream=connected) as maildrop:
            assert (await maildrop.stat()).count == 1
        streams = await asyncio.open_connection("127.0.0.1", port)
        async with connect("pop3://mrose@h", password="secret", stream=streams) as maildrop:
            assert (await maildrop.stat()).count == 1
    link = MemoryLink(GREETING, FakeServer([LETTER]))
    async with connect("pop3://mrose@h", password="secret", stream=link) as maildrop:
        assert (await maildrop.stat()).count == 1


async def test_stls_where_it_is_offered():
    link = MemoryLink(GREETING, FakeServer([LETTER], offers=(*CAPA, b"STLS")), is_private=False)
    async with connect("pop3://mrose@h", password="secret", stream=link) as maildrop:
        assert maildrop.pop.link.tls is not None
    assert link.lines[:3] == [b"CAPA", b"STLS", b"CAPA"]


@pytest.mark.parametrize("said", [b"-ERR what\r\n", b"-ERR [SYS/TEMP] no\r\n"])
async def test_without_tls_nothing_is_sent_where_it_must_be(said):
    for offers in (CAPA, (*CAPA, b"STLS")):
        link = MemoryLink(GREETING, FakeServer([LETTER], offers=offers, replies={b"STLS": said}))
        with pytest.raises(NotSecured, match=r"nothing was sent, neither .* \(its answer to STLS: (what|no)\)$"):
            await connect("pop3://mrose@h", password="secret", stream=link, tls="required")
        assert link.lines == [b"CAPA", b"STLS"]
        assert link.is_closed


async def test_replies_that_came_before_tls_are_thrown_away():
    server = FakeServer([LETTER], offers=(*CAPA, b"STLS"), replies={b"STLS": b"+OK\r\n+OK you are logged in\r\n"})
    link = MemoryLink(GREETING, server)
    with pytest.raises(NotSecured, match="before the TLS handshake"):
        await connect("pop3://mrose@h", password="secret", stream=link)
    assert link.is_aborted


async def test_tls_over_a_socket_with_a_pin(tmp_path):
    own = Authority(tmp_path).issue("own", LOCALHOST)
    pin = f"sha256:{hashlib.sha256(der(own.chain)).hexdigest()}"
    async with serving(playing(FakeServer([LETTER])), server_context(own)) as port:
        url = f"pop3s://mrose@localhost:{port}"
        async with connect(url, password="secret", tls_pin=pin) as maildrop:
            assert (await maildrop.stat()).count == 1
        with pytest.raises(NotSecured):
            await connect(url, password="secret")
        with pytest.raises(NotSecured):
            await connect(url, password="secret", tls_pin="sha256:" + "00" * 32)


async def test_utf8_and_a_language_are_asked_of_who_has_them():
    replies = {b"LANG": b"+OK tr Merhaba\r\n", b"UTF8": b"+OK\r\n"}
    for offers, asked in (((*CAPA, b"UTF8", b"LANG"), [b"LANG tr", b"UTF8"]), (CAPA, [])):
        link = MemoryLink(GREETING, FakeServer([LETTER], offers=offers, replies=replies))
        async with connect("pop3://mrose@h", password="secret", stream=link, utf8=True, language="tr"):
            pass
        assert link.lines[1:-2] == asked


async def test_who_refuses_utf8_is_used_without_it():
    replies = {b"UTF8": b"-ERR not today\r\n"}
    link = MemoryLink(GREETING, FakeServer([LETTER], offers=(*CAPA, b"UTF8"), replies=replies))
    async with connect("pop3://mrose@h", password="secret", stream=link, utf8=True) as maildrop:
        assert (await maildrop.stat()).count == 1


async def test_tls_begins_on_a_link_that_has_none_yet():
    link = MemoryLink(b"", FakeServer([LETTER]), is_private=False)
    start = link.start_tls

    async def start_tls() -> None:
        await start()
        link.give(GREETING)

    link.start_tls = start_tls
    async with connect("pop3s://mrose@h", password="secret", stream=link) as maildrop:
        assert maildrop.pop.link.tls is not None
    assert b"STLS" not in link.lines


async def test_who_has_shown_a_certificate_needs_no_name():
    server = FakeServer([LETTER], offers=(b"SASL PLAIN EXTERNAL",))
    link = MemoryLink(GREETING, server)
    async with connect("pop3://h", stream=link, mechanisms=["EXTERNAL"]) as maildrop:
        assert maildrop.pop.is_logged_in
    assert link.lines[1] == b"AUTH EXTERNAL ="


async def test_without_a_name_nobody_logs_in():
    link = MemoryLink(GREETING, FakeServer([LETTER]))
    async with connect("pop3://h", stream=link) as maildrop:
        assert (await maildrop.capabilities()).has("UIDL")
        assert not maildrop.pop.is_logged_in
    assert link.lines == [b"CAPA", b"QUIT"]


async def test_no_connection_is_an_error_of_ours():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConnectionFailed) as caught:
        await connect(f"pop3://mrose:x@127.0.0.1:{port}")
    assert caught.value.may_pass


async def test_a_refused_login_says_goodbye():
    link = MemoryLink(GREETING, FakeServer([LETTER]))
    with pytest.raises(LoginRefused, match="PLAIN"):
        await connect("pop3://mrose@h", password="wrong", stream=link)
    assert link.lines[-1] == b"QUIT"
    assert link.is_closed


async def test_a_server_that_does_not_want_to_talk():
    link = MemoryLink(b"-ERR too many connections\r\n", FakeServer())
    with pytest.raises(postane.client.Unwilling, match="too many connections"):
        await connect("pop3://mrose@h", password="x", stream=link)
    assert link.is_closed


async def test_the_dialogue_is_logged_without_secrets():
    lines: list[str] = []
    file = io.StringIO()
    for log in (lines.append, file):
        link = MemoryLink(GREETING, FakeServer([LETTER]))
        async with connect("pop3://mrose@h", password="secret", stream=link, log=log) as maildrop:
            await anext(maildrop.messages())
            async for _ in maildrop.fetch_many([1, 2]):
                pass
    assert lines == file.getvalue().splitlines()
    assert lines[0] == "S: +OK ready"
    assert "C: AUTH PLAIN ****" in lines
    assert f"S: ({len(LETTER)} octets)" in lines
    assert lines[-2:] == ["C: QUIT", "S: +OK bye"]
    assert not any("secret" in line or "Hello" in line for line in lines)


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("imap://h", {}, "begins with pop3s://"),
        ("pop.example.org", {"password": "x"}, "begins with pop3s://"),
        ("pop2://a@h", {"password": "x"}, "begin with pop3, not pop2: take connect_pop2"),
        ("pop1://a@h:1", {"password": "x"}, "begin with pop3, not pop1: take connect_pop1"),
        ("pop3://a@h:99999", {"password": "x"}, "a port from 1 to 65535"),
        ("pop3://a@h:pop3", {"password": "x"}, "a port from 1 to 65535"),
        ("pop3s://a@h", {"password": "x", "tls": "none"}, "contradicts: leave one of them out"),
        ("pop3s://a@h", {"password": "x", "tls_pin": "abc"}, "a pin is sha256: and 64 hexadecimal digits"),
        ("pop3s://a@h", {"password": "x", "tls_minimum": "1.1"}, 'tls_minimum is "1.2" or "1.3"'),
        ("pop3s://a@h", {"password": "x", "proxy": "ftp://p"}, "it is socks5://"),
        ("pop3s://a@h", {"password": "x", "timeout": 0}, "seconds above 0, not 0"),
        ("pop3s://a@h", {"password": "x", "timeout": "5"}, "seconds above 0, not '5'"),
        ("pop3://a@h", {"password": "x", "tls": "maybe"}, "tls is"),
        ("pop3://a@h", {"password": "x", "plaintext": "yes"}, "plaintext is"),
        ("pop3://a@h", {"password": "x", "window": 0}, "from 1 to 100"),
        ("pop3://a@h", {"password": "x", "mechanisms": "PLAIN"}, "give a list"),
        ("pop3://a@h", {"password": "x", "mechanisms": ["MD7"]}, "MD7 is no mechanism"),
        ("pop3://a;AUTH=MD7@h", {"password": "x"}, "MD7 is no mechanism"),
        ("pop3://a@h", {}, "neither a password nor a token: give password= or token="),
        ("pop3://a@h", {"password": None}, "neither a password nor a token: give password= or token="),
        ("pop3://a@h", {"passwort": "x"}, "no option passwort: there are .*, password, "),
        ("pop3s://h:1", {"password": "x"}, "no name to go with it: write pop3s://NAME@h:1, or give user="),
        ("pop3://:x@h", {}, "no name to go with it: write pop3://NAME@h, or give user="),
    ],
)
def test_what_cannot_be_read_is_told_at_once(url, options, words):
    with pytest.raises(ValueError, match=words) as caught:
        connect(url, **options)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        (b"pop3://a@h", {"password": "x"}, "the URL is text, not bytes"),
        ("pop3://a@h", {"password": b"x"}, "password is text, not bytes"),
        ("pop3://h", {"user": b"a", "password": "x"}, "user is text, not bytes"),
        ("pop3://a@h", {"password": "x", "log": 3}, "log is called with each line, or is a text file: not int"),
        ("pop3://a@h", {"password": "x", "stream": 3}, "stream is a socket, or asyncio's reader and writer: not int"),
    ],
)
def test_what_is_of_another_kind_is_told_at_once(url, options, words):
    with pytest.raises(TypeError, match=words):
        connect(url, **options)


async def test_who_looks_at_it_sees_where_it_is_and_no_secret():
    connecting = connect("pop3s://mrose:secret@h", stream=MemoryLink(GREETING, FakeServer([LETTER])))
    assert repr(connecting) == "<session to be with pop3s://mrose@h, not connected yet>"
    link = MemoryLink(GREETING, FakeServer([LETTER]))
    async with connect("pop3://mrose:secret@h", stream=link) as maildrop:
        assert repr(maildrop) == f"<Maildrop at {link.peer}, in clear, open>"
        assert repr(await anext(maildrop.messages())) == f"<Message 1, {len(LETTER)} octets, uidl='u1'>"
    assert repr(maildrop) == f"<Maildrop at {link.peer}, in clear, closed>"


def test_a_url_says_most_of_it():
    plan = make_plan("pop://rg;AUTH=+APOP@h", {"password": "x", "timeout": 5.0}, Version.POP3)
    assert plan.entrance.policy.mechanisms == ("APOP",)
    assert (plan.target.tls.mode, plan.target.timeout, plan.target.port) == (TlsMode.OFFERED, 5.0, 110)
    plan = make_plan("pop3s://me@h", {"token": "t", "mechanisms": ["xoauth2"]}, Version.POP3)
    assert plan.entrance.secret == Secret(SecretKind.TOKEN, "t")
    assert (plan.entrance.policy.mechanisms, plan.target.tls.mode) == (("XOAUTH2",), TlsMode.IMPLICIT)
    assert "secret" not in repr(make_plan("pop3s://me:secret@h", {}, Version.POP3))


def test_importing_it_is_cheap():
    """`import postane.client.compat` is for programs without a loop; they need not pay for one."""
    code = "import sys, postane.client; sys.exit('asyncio' in sys.modules or 'email' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_all_that_is_named_is_there():
    assert set(postane.client.__all__) <= {name for name in dir(postane.client) if getattr(postane.client, name)}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = postane.client.nothing


async def test_what_is_no_address_and_no_unix_socket_may_be_overheard():
    """A stream of somebody's own may lead anywhere."""

    class Elsewhere(asyncio.Transport):
        def set_write_buffer_limits(self, high=None, low=None):
            pass

        def set_protocol(self, protocol):
            self.protocol = protocol

        def write(self, octets):
            said.append(octets)
            self.protocol.data_received(FakeServer(offers=(b"USER",))(octets.rstrip()))

        def abort(self):
            self.protocol.connection_lost(None)

        def close(self):
            pass

        def is_closing(self):
            return True

    said: list[bytes] = []
    reader = asyncio.StreamReader()
    reader.feed_data(GREETING)
    loop = asyncio.get_running_loop()
    streams = (reader, asyncio.StreamWriter(Elsewhere(), asyncio.StreamReaderProtocol(reader), reader, loop))
    with pytest.raises(ClearTextRefused):
        await connect("pop3://mrose@h", password="secret", stream=streams)
    assert said == [b"CAPA\r\n"]


@on_both_loops
async def test_a_unix_socket_leaves_no_machine(tmp_path):
    async with serving(playing(FakeServer([LETTER], offers=(b"USER",))), path=str(tmp_path / "s")):
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(str(tmp_path / "s"))
        streams = await asyncio.open_unix_connection(str(tmp_path / "s"))
        for stream in (connected, streams):
            async with connect("pop3://mrose@h", password="secret", stream=stream) as maildrop:
                assert maildrop.pop.link.is_private


@on_both_loops
async def test_streams_that_nobody_else_holds_stay_open():
    """asyncio's writer closes the connection where it is forgotten."""
    async with serving(playing(FakeServer([LETTER]))) as port:
        maildrop = await connect(
            "pop3://mrose@h", password="secret", stream=await asyncio.open_connection("127.0.0.1", port)
        )
        gc.collect()
        await asyncio.sleep(0.01)
        assert (await maildrop.stat()).count == 1
        await maildrop.commit()


@on_both_loops
async def test_streams_with_tls_end_without_a_word_of_the_event_loop(tmp_path, caplog):
    authority = Authority(tmp_path)
    context = server_context(authority.issue("own", LOCALHOST))
    trusting = ssl.create_default_context(cafile=authority.path)
    async with serving(playing(FakeServer([LETTER])), context) as port:
        streams = await asyncio.open_connection("localhost", port, ssl=trusting)
        async with connect("pop3s://mrose@localhost", password="secret", stream=streams) as maildrop:
            assert (await maildrop.stat()).count == 1
    assert not caplog.records


async def test_what_was_left_may_be_entered_anew_and_not_twice_at_once():
    async with serving(playing(FakeServer([LETTER]))) as port:
        session = connect(f"pop3://mrose:secret@127.0.0.1:{port}")
        for _ in range(2):
            async with session as maildrop:
                with pytest.raises(RuntimeError, match="entered already"):
                    await session.__aenter__()
                assert (await maildrop.stat()).count == 1
        with pytest.raises(LoginRefused):
            await connect(f"pop3://mrose:wrong@127.0.0.1:{port}").__aenter__()


async def test_what_could_not_be_entered_may_be_tried_again():
    server = FakeServer([LETTER], password=b"other")
    async with serving(playing(server)) as port:
        session = connect(f"pop3://mrose:secret@127.0.0.1:{port}")
        with pytest.raises(LoginRefused):
            await session.__aenter__()
        server.password = b"secret"
        async with session as maildrop:
            assert (await maildrop.stat()).count == 1


@pytest.mark.parametrize("options", [{}, {"tls": "if-offered"}])
async def test_who_has_pinned_a_certificate_gets_tls_or_nothing(options):
    """Else whoever leaves STLS out of what the server offers could take its place."""
    link = MemoryLink(GREETING, FakeServer([LETTER], replies={b"STLS": b"-ERR what\r\n"}))
    with pytest.raises(NotSecured, match="offers no TLS"):
        await connect("pop3://mrose@h", password="secret", stream=link, tls_pin="sha256:" + "0" * 64, **options)
    assert link.lines == [b"CAPA", b"STLS"]


@pytest.mark.parametrize(("door", "url"), [("connect", "pop3://a@h"), ("connect_pop2", "pop2://a@h")])
def test_a_pin_without_tls_is_no_call_that_can_be_meant(door, url):
    with pytest.raises(ValueError, match="tls_pin is for TLS"):
        getattr(postane.client, door)(url, password="secret", tls="none", tls_pin="sha256:" + "0" * 64)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pipelining": "no"}, "pipelining is True or False, not 'no'"),
        ({"utf8": 1}, "utf8 is True or False, not 1"),
        ({"tls_check": "False"}, "tls_check is True or False, not 'False'"),
        ({"tls_pin": 3}, "tls_pin is text, not int"),
        ({"window": "5"}, "window is a number of commands, not '5'"),
    ],
)
def test_options_of_another_kind_are_refused(options, words):
    with pytest.raises(TypeError, match=words):
        connect("pop3s://a@h", password="secret", **options)


async def test_who_takes_the_wrong_door_is_told_of_the_other():
    with pytest.raises(TypeError, match=r"take connect of postane\.client\.blocking"), connect("pop3://a:b@h"):
        pass
    with pytest.raises(TypeError, match=r"take connect of postane\.client$"):
        async with postane.client.blocking.connect("pop3://a:b@h"):
            pass
