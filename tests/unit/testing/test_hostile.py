"""The hostile server against the standard library's client: it does well without faults, and with one exactly that."""

import asyncio
import base64
import contextlib
import poplib
import socket
from collections.abc import Callable
from typing import Any

import pytest

from postane.testing.faults import (
    GREETING,
    BadQuit,
    BareLf,
    CloseAt,
    DropAfter,
    EarlyOctets,
    EndlessLine,
    Latency,
    Listed,
    Missing,
    NoFinalCrlf,
    NoPipelining,
    NoTerminator,
    OneAtATime,
    QuitHow,
    Refuse,
    RefuseLogin,
    SameUidl,
    Say,
    SayMore,
    Stall,
    Stamp,
    TwoLines,
    UidlSpaces,
    Unlisted,
    WrongCount,
    WrongMessage,
    WrongSizes,
)
from postane.testing.hostile import HostileServer, hostile_server
from postane.testing.pop3_login import Account
from support.certificates import LOCALHOST, Authority, client_context
from support.scripted import server_context

ONE = b"Subject: one\r\n\r\nfirst\r\n.\r\n..dotted\r\nlast\r\n"
TWO = b"Subject: two\r\n\r\nno line end"
THREE = b"Subject: three\r\n\r\n" + b"x" * 70 + b"\r\n"
MESSAGES = [ONE, TWO, THREE]


def visit(server: HostileServer, dialogue: Callable[[poplib.POP3], Any], *, logs_in: bool = True) -> Any:
    """What a dialogue of poplib's gives; nothing is committed by itself."""

    def run() -> Any:
        client = poplib.POP3("127.0.0.1", server.port, timeout=20)
        try:
            if logs_in:
                client.user(server.account.name)
                client.pass_(server.account.password)
            return dialogue(client)
        finally:
            with contextlib.suppress(OSError):
                client.close()

    return asyncio.to_thread(run)


def error(dialogue: Callable[[poplib.POP3], Any]) -> Callable[[poplib.POP3], str]:
    """What poplib has to complain about."""

    def run(client: poplib.POP3) -> str:
        with pytest.raises((poplib.error_proto, OSError)) as caught:
            dialogue(client)
        return str(caught.value)

    return run


async def exchange(server: HostileServer, *said: bytes, until: bytes = b"") -> bytes:
    """What a client hears that says everything at once, until the server closes or `until` comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.writelines(said)
    try:
        return await (reader.readuntil(until) if until else reader.read(-1))
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


LOGIN = b"USER mrose\r\nPASS tanstaaf\r\n"


# Without faults


async def test_a_good_server():
    def dialogue(client):
        assert client.stat() == (3, len(ONE) + len(TWO) + 2 + len(THREE))
        assert client.list()[1] == [b"1 %d" % len(ONE), b"2 %d" % (len(TWO) + 2), b"3 %d" % len(THREE)]
        assert client.uidl()[1] == [b"1 00000001", b"2 00000002", b"3 00000003"]
        assert client.uidl(2) == b"+OK 2 00000002"
        assert b"\r\n".join(client.retr(1)[1]) + b"\r\n" == ONE
        assert b"\r\n".join(client.retr(2)[1]) == TWO
        assert client.top(1, 1)[1] == [b"Subject: one", b"", b"first"]
        client.dele(1)
        assert "no such message" in error(lambda client: client.retr(1))(client)
        assert client.stat()[0] == 2
        client.rset()
        client.dele(2)
        assert client.capa()["SASL"] == ["PLAIN"]
        assert client.quit() == b"+OK bye"

    async with hostile_server(MESSAGES) as server:
        await visit(server, dialogue)
        assert [message.octets for message in server.deleted] == [TWO]
        assert [message.octets for message in server.messages] == [ONE, THREE]
        assert server.commands[:3] == ["USER mrose", "PASS tanstaaf", "STAT"]
        assert "1 S: +OK bye" in server.transcript
        assert server.url == f"pop3://mrose@127.0.0.1:{server.port}"


async def test_who_leaves_without_quit_deletes_nothing():
    async with hostile_server(MESSAGES) as server:
        await visit(server, lambda client: client.dele(1))
        assert len(server.messages) == 3
        assert not server.deleted


async def test_a_message_that_comes_later_has_a_uidl_of_its_own():
    async with hostile_server(MESSAGES) as server:
        await visit(server, lambda client: [client.dele(3), client.quit()])
        server.put(ONE)
        assert await visit(server, lambda client: client.uidl()[1]) == [b"1 00000001", b"2 00000002", b"3 00000004"]


async def test_wrong_passwords():
    async with hostile_server(MESSAGES) as server:
        words = await visit(server, error(lambda client: [client.user("mrose"), client.pass_("x")]), logs_in=False)
        assert "[AUTH]" in words


async def test_pipelining():
    async with hostile_server(MESSAGES) as server:
        heard = await exchange(server, LOGIN, b"STAT\r\nNOOP\r\nQUIT\r\n")
        assert heard.count(b"+OK") == 6


async def test_apop():
    async with hostile_server(MESSAGES) as server:
        await visit(server, lambda client: client.apop("mrose", "tanstaaf"), logs_in=False)
        await visit(server, error(lambda client: client.apop("mrose", "x")), logs_in=False)


async def test_it_dies_and_lives_again():
    async with hostile_server(MESSAGES) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(LOGIN + b"DELE 1\r\n")
        await reader.readuntil(b"marked")
        port = server.port
        server.kill()
        with contextlib.suppress(ConnectionError):
            await reader.read(-1)
        writer.transport.abort()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        await server.restart()
        assert server.port == port
        assert await visit(server, lambda client: client.stat()[0]) == 3
        await visit(server, lambda client: [client.dele(1), client.quit()])
        server.kill()
        await server.restart()
        assert await visit(server, lambda client: client.stat()[0]) == 2
        assert server.connections == 4


async def test_stls_and_implicit_tls(tmp_path):
    authority = Authority(tmp_path)
    context, trust = server_context(authority.issue("own", LOCALHOST)), client_context(authority.path)

    def begin(client):
        assert "STLS" in client.capa()
        client.host = "localhost"
        client.stls(trust)
        assert "STLS" not in client.capa()
        client.user("mrose")
        client.pass_("tanstaaf")
        return client.stat()[0]

    async with hostile_server(MESSAGES, tls=context) as server:
        assert await visit(server, begin, logs_in=False) == 3
    async with hostile_server(MESSAGES, tls=context, is_implicit=True) as server:
        assert server.url.startswith("pop3s://")
        client = await asyncio.to_thread(poplib.POP3_SSL, "localhost", server.port, context=trust)
        assert "STLS" not in await asyncio.to_thread(client.capa)
        await asyncio.to_thread(client.quit)


# The connection


@pytest.mark.parametrize("octets", [0, 1, 30, 100, 150])
async def test_drop_after(octets):
    async with hostile_server(MESSAGES, [DropAfter(octets, times=1)]) as server:
        assert len(await exchange(server, LOGIN, b"RETR 1\r\nRETR 2\r\nRETR 3\r\nQUIT\r\n")) == octets
        assert len(await exchange(server, LOGIN, b"RETR 1\r\nRETR 2\r\nRETR 3\r\nQUIT\r\n")) > 150


async def test_close_at():
    async with hostile_server(MESSAGES, [CloseAt("UIDL")]) as server:
        assert (await exchange(server, LOGIN, b"UIDL\r\nNOOP\r\n")).endswith(b"+OK logged in\r\n")


async def test_stalls():
    async with hostile_server(MESSAGES, [Stall("STAT"), Stall("RETR", 20)]) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(LOGIN + b"RETR 1\r\nNOOP\r\n")
        await reader.readuntil(b"logged in\r\n")
        assert await reader.readexactly(20) == b"+OK 42 octets\r\nSubject: one\r\n"[:20]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)
        writer.transport.abort()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(exchange(server, LOGIN, b"STAT\r\n", until=b"+OK 3"), 0.1)


async def test_latency(monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    async with hostile_server(MESSAGES, [Latency(7.0)]) as server:
        monkeypatch.setattr("postane.testing.channel.asyncio.sleep", sleep)
        await exchange(server, b"NOOP\r\nQUIT\r\n")
    assert slept.count(7.0) == 3


async def test_what_comes_together_is_lost():
    async with hostile_server(MESSAGES, [NoPipelining()]) as server:
        heard = await exchange(server, b"USER mrose\r\nPASS tanstaaf\r\n", until=b"+OK\r\n")
        assert heard.count(b"+OK") == 2
        assert server.commands == ["USER mrose"]
        assert await visit(server, lambda client: "PIPELINING" in client.capa()) is False
    async with hostile_server(MESSAGES, [NoPipelining(is_said=True)]) as server:
        assert await visit(server, lambda client: "PIPELINING" in client.capa()) is True


async def test_one_at_a_time():
    async with hostile_server(MESSAGES, [OneAtATime()]) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(LOGIN)
        await reader.readuntil(b"logged in")
        words = await visit(server, error(lambda c: [c.user("mrose"), c.pass_("tanstaaf")]), logs_in=False)
        assert "[IN-USE]" in words
        writer.close()
        await writer.wait_closed()
        while server._shelf.sessions:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
        assert await visit(server, lambda client: client.stat()[0]) == 3


# Answers and CAPA


async def test_refusals():
    faults = [Refuse("RETR", 2), Refuse("DELE", 1, "no"), Refuse("NOOP", times=1)]
    async with hostile_server(MESSAGES, faults) as server:

        def dialogue(client):
            client.retr(1)
            assert "[SYS/TEMP] not now" in error(lambda client: client.retr(2))(client)
            assert "no" in error(lambda client: client.dele(1))(client)
            client.dele(2)
            error(lambda client: client.noop())(client)
            client.noop()

        await visit(server, dialogue)


async def test_other_answers():
    faults = [Say("STAT", b"+OK x y\r\n", times=1), SayMore("NOOP"), Say(GREETING, b"* OK IMAP\r\n", times=1)]
    async with hostile_server(MESSAGES, faults) as server:
        assert (await exchange(server, LOGIN, b"STAT\r\nSTAT\r\nNOOP\r\nQUIT\r\n")).split(b"\r\n") == [
            b"* OK IMAP",
            b"+OK",
            b"+OK logged in",
            b"+OK x y",
            b"+OK 3 %d" % (len(ONE) + len(TWO) + 2 + len(THREE)),
            b"+OK",
            b"+OK and another thing",
            b"+OK bye",
            b"",
        ]


async def test_bare_lf():
    async with hostile_server(MESSAGES, [BareLf()]) as server:
        heard = await exchange(server, LOGIN, b"RETR 1\r\nQUIT\r\n")
        assert b"\r" not in heard
        assert b"\n" + ONE.replace(b"\r\n.", b"\r\n..").replace(b"\r\n", b"\n") + b".\n+OK bye\n" in heard


@pytest.mark.parametrize(
    ("faults", "has_uidl", "lists_uidl"),
    [
        ([], True, True),
        ([Missing("UIDL")], False, False),
        ([Missing("UIDL"), Listed("UIDL")], False, True),
        ([Unlisted("UIDL")], True, False),
    ],
)
async def test_capa_tells_the_truth_or_not(faults, has_uidl, lists_uidl):
    async with hostile_server(MESSAGES, faults) as server:
        assert await visit(server, lambda client: "UIDL" in client.capa()) is lists_uidl
        assert ((await exchange(server, LOGIN, b"UIDL\r\nQUIT\r\n")).count(b"unknown command") == 0) is has_uidl


async def test_more_that_is_missing_or_listed():
    faults = [Missing("APOP"), Missing("PLAIN"), Listed("EXPIRE 30"), Missing("TOP")]
    async with hostile_server(MESSAGES, faults) as server:
        capabilities = await visit(server, lambda client: client.capa())
        assert capabilities["EXPIRE"] == ["30"]
        assert not {"SASL", "TOP"} & set(capabilities)
        assert "APOP not supported" in await visit(server, error(lambda c: c.apop("mrose", "x")), logs_in=False)
        assert b"-ERR no such mechanism" in await exchange(server, b"AUTH PLAIN\r\nQUIT\r\n")
    async with hostile_server(MESSAGES, [Missing("CAPA")]) as server:
        assert "not supported" in await visit(server, error(lambda client: client.capa()))


# Logging in


@pytest.mark.parametrize("code", ["IN-USE", "SYS/TEMP", "SYS/PERM", "AUTH", "LOGIN-DELAY"])
@pytest.mark.parametrize("how", [LOGIN, b"AUTH PLAIN AG1yb3NlAHRhbnN0YWFm\r\n"])
async def test_refused_logins(code, how):
    async with hostile_server(MESSAGES, [RefuseLogin(code, times=1)]) as server:
        assert f"-ERR [{code}] come back later\r\n".encode() in await exchange(server, how, b"QUIT\r\n")
        assert b"+OK logged in\r\n" in await exchange(server, how, b"QUIT\r\n")


async def test_apop_refused_and_then_user_and_pass():
    async with hostile_server(MESSAGES, [Refuse("APOP", text="use something else")]) as server:

        def dialogue(client):
            assert "use something else" in error(lambda client: client.apop("mrose", "tanstaaf"))(client)
            client.user("mrose")
            client.pass_("tanstaaf")

        await visit(server, dialogue, logs_in=False)


async def test_stamps():
    async with hostile_server(MESSAGES, [Stamp("<nonsense")]) as server:
        assert (await exchange(server, b"QUIT\r\n")).startswith(b"+OK hostile server ready <nonsense\r\n")
    async with hostile_server(MESSAGES, [Stamp("<a=b@c>")]) as server:
        await visit(server, lambda client: client.apop("mrose", "tanstaaf"), logs_in=False)


TOKEN = Account(token="secret")
XOAUTH2 = base64.b64encode(b"user=mrose\1auth=Bearer secret\1\1")
OAUTHBEARER = base64.b64encode(b"n,a=mrose,\1host=x\1port=1\1auth=Bearer secret\1\1")


@pytest.mark.parametrize("said", [b"XOAUTH2 " + XOAUTH2, b"XOAUTH2\r\n" + XOAUTH2, b"OAUTHBEARER " + OAUTHBEARER])
async def test_tokens(said):
    async with hostile_server(MESSAGES, account=TOKEN) as server:
        assert b"logged in" in await exchange(server, b"AUTH " + said + b"\r\nQUIT\r\n")


async def test_wrong_tokens_are_told_of():
    async with hostile_server(MESSAGES, account=TOKEN) as server:
        heard = await exchange(server, b"AUTH XOAUTH2 eA==\r\n\r\nAUTH PLAIN\r\n*\r\nAUTH PLAIN ?\r\nQUIT\r\n")
        assert heard.split(b"\r\n")[1:-1] == [
            b"+ " + base64.b64encode(b'{"status":"401"}'),
            b"-ERR [AUTH] that is not right",
            b"+ ",
            b"-ERR as you wish",
            b"-ERR that is no base64",
            b"+OK bye",
        ]


async def test_two_lines_only_and_not_in_capa():
    async with hostile_server(MESSAGES, [TwoLines(), Unlisted("XOAUTH2")], account=TOKEN) as server:
        heard = await exchange(server, b"AUTH XOAUTH2 " + XOAUTH2 + b"\r\nAUTH XOAUTH2\r\n" + XOAUTH2 + b"\r\nQUIT\r\n")
        assert [line[:4] for line in heard.split(b"\r\n")[1:]] == [b"-ERR", b"+ ", b"+OK ", b"+OK ", b""]
        assert (await visit(server, lambda client: client.capa()))["SASL"] == ["PLAIN", "OAUTHBEARER"]


async def test_octets_before_tls(tmp_path):
    context = server_context(Authority(tmp_path).issue("own", LOCALHOST))
    async with hostile_server(MESSAGES, [EarlyOctets()], tls=context) as server:
        heard = await exchange(server, b"STLS\r\n", until=b"there\r\n")
        assert heard.endswith(b"+OK begin\r\n+OK who is there\r\n")


# Lists


async def test_wrong_sizes():
    async with hostile_server(MESSAGES, [WrongSizes(100, frozenset({"LIST", "RETR"})), WrongSizes(-1)]) as server:

        def dialogue(client):
            assert client.stat()[1] == len(ONE) + len(TWO) + 2 + len(THREE) - 3
            assert client.list(1) == b"+OK 1 %d" % (len(ONE) + 99)
            assert client.retr(1)[0] == b"+OK %d octets" % (len(ONE) + 99)

        await visit(server, dialogue)


@pytest.mark.parametrize("by", [-4, -1, 0, 2])
async def test_wrong_counts(by):
    async with hostile_server(MESSAGES, [WrongCount("UIDL", by), WrongCount("STAT", -by)]) as server:

        def dialogue(client):
            assert len(client.uidl()[1]) == max(0, 3 + by)
            assert len(set(client.uidl()[1])) == max(0, 3 + by)
            assert client.stat()[0] == max(0, 3 - by)
            assert len(client.list()[1]) == 3
            assert "no such message" in error(lambda client: client.retr(4))(client)

        await visit(server, dialogue)


async def test_the_same_uidl_again():
    async with hostile_server(MESSAGES, [SameUidl(frozenset({1, 3}))]) as server:
        assert await visit(server, lambda client: client.uidl()[1]) == [b"1 same", b"2 00000002", b"3 same"]
    async with hostile_server(MESSAGES, [SameUidl(), UidlSpaces()]) as server:
        assert await visit(server, lambda client: client.uidl()[1]) == [b"1   same", b"2   same", b"3   same"]


async def test_very_many_messages():
    async with hostile_server([ONE] * 20_000) as server:
        assert len(await visit(server, lambda client: client.uidl()[1])) == 20_000


# Messages


async def test_a_line_without_end():
    async with hostile_server(MESSAGES, [EndlessLine(2, 10_000_000)]) as server:
        heard = await exchange(server, LOGIN, b"RETR 2\r\nQUIT\r\n")
        assert heard.count(b"x") == 10_000_000
        assert heard.endswith(b"x\r\n.\r\n+OK bye\r\n")
        assert sum(len(said.octets) for said in server.log) < 5000
        assert "line too long" in await visit(server, error(lambda client: client.retr(2)))


@pytest.mark.parametrize(
    ("fault", "end"), [(NoTerminator(1, times=1), b"last\r\n"), (NoFinalCrlf(times=1), b"last\r\n.")]
)
async def test_ends_that_are_none(fault, end):
    async with hostile_server(MESSAGES, [fault]) as server:
        assert (await exchange(server, LOGIN, b"RETR 1\r\nQUIT\r\n")).endswith(end)
        assert (await exchange(server, LOGIN, b"RETR 1\r\nQUIT\r\n")).endswith(b"last\r\n.\r\n+OK bye\r\n")


async def test_the_wrong_message():
    async with hostile_server(MESSAGES, [WrongMessage(1, 3)]) as server:
        assert b"\r\n".join((await visit(server, lambda client: client.retr(1)))[1]) + b"\r\n" == THREE


# The end


@pytest.mark.parametrize(
    ("how", "said", "gone"),
    [
        (QuitHow.REFUSED, b"-ERR", []),
        (QuitHow.PARTLY, b"-ERR", [ONE, THREE]),
        (QuitHow.SILENT, b"", []),
        (QuitHow.COMMITTED, b"", [ONE, TWO, THREE]),
    ],
)
async def test_bad_ends(how, said, gone):
    async with hostile_server(MESSAGES, [BadQuit(how, times=1)]) as server:
        heard = await exchange(server, LOGIN, b"DELE 1\r\nDELE 2\r\nDELE 3\r\nQUIT\r\n")
        assert heard.rpartition(b"+OK marked\r\n")[2].startswith(said)
        assert bool(heard.rpartition(b"+OK marked\r\n")[2]) is bool(said)
        assert [message.octets for message in server.deleted] == gone


async def test_an_end_that_is_not_answered():
    async with hostile_server(MESSAGES, [BadQuit(QuitHow.STALLED)]) as server:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(exchange(server, LOGIN, b"DELE 1\r\nQUIT\r\n"), 0.3)
        assert [message.octets for message in server.deleted] == [ONE]


async def test_faults_can_be_others_later():
    async with hostile_server(MESSAGES, [Missing("UIDL")]) as server:
        server.behave()
        assert len(await visit(server, lambda client: client.uidl()[1])) == 3
        server.behave([Missing("UIDL")])
        await visit(server, error(lambda client: client.uidl()))


async def test_it_is_gone_at_the_end():
    async with hostile_server(MESSAGES) as server:
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)
    await server.close()
