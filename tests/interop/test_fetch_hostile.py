"""`postane fetch` and the library against a server that does wrong whatever servers have been seen to do wrong.

Each time: the words tell what happened, the exit code is right, what was delivered is recorded, nothing is deleted that
was not delivered; and when the server does well again, exactly the rest is fetched.
"""

import asyncio
import json
import re
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from postane.cli.words import Exit
from postane.client import PopError, connect
from postane.testing.faults import (
    GREETING,
    BadQuit,
    BareLf,
    CloseAt,
    DropAfter,
    EarlyOctets,
    EndlessLine,
    Fault,
    Listed,
    Missing,
    NoFinalCrlf,
    NoPipelining,
    NoTerminator,
    QuitHow,
    Refuse,
    RefuseLogin,
    SameUidl,
    Say,
    SayMore,
    Stall,
    Stamp,
    UidlSpaces,
    Unlisted,
    WrongCount,
    WrongSizes,
)
from postane.testing.hostile import HostileServer, hostile_server
from support.certificates import LOCALHOST, Authority
from support.errand import Errand
from support.nursery import Nursery, nursery

COUNT = 8
GB = 10**9
MIB = 1024 * 1024
PEAK = 150
"""MiB that a process may hold, of which Python and what it imports take some 50."""
LETTERS = [b"Subject: %d\r\n\r\n" % n + b"line %d\r\n" % n * (n * 40) for n in range(COUNT)]


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with nursery(tmp_path_factory.mktemp("ward")) as process:
        yield process


@dataclass(frozen=True, slots=True)
class Case:
    """What a server does, and what comes of it: an exit code, and words that are told. `done` is how many messages are
    delivered all the same, None: some."""

    name: str
    faults: Sequence[Fault]
    code: int = 0
    words: str = ""
    done: int | None = COUNT
    keys: tuple[tuple[str, object], ...] = ()


CASES = [
    # The connection
    *(
        Case(f"drop after {octets}", [DropAfter(octets)], Exit.TEMP_FAIL, done=None)
        for octets in (40, 200, 500, 700, 1000, 2000, 5000)
    ),
    Case("drop in the greeting", [DropAfter(5)], Exit.TEMP_FAIL, "closed", 0),
    Case("close at UIDL", [CloseAt("UIDL")], Exit.TEMP_FAIL, "closed", 0),
    Case("stall in the greeting", [Stall(GREETING)], Exit.TEMP_FAIL, "1 s", 0),
    Case("stall in the login", [Stall("PASS"), Missing("PLAIN"), Missing("APOP")], Exit.TEMP_FAIL, "1 s", 0),
    Case("stall in a listing", [Stall("UIDL", 20)], Exit.TEMP_FAIL, "1 s", 0),
    Case("stall in a message", [Stall("RETR", 100)], Exit.TEMP_FAIL, "1 s", 1),
    Case("stall at the end", [Stall("QUIT")], Exit.TEMP_FAIL, "1 s"),
    Case("no pipelining", [NoPipelining()]),
    Case("pipelining said and not had", [NoPipelining(is_said=True)], Exit.TEMP_FAIL, "1 s", None),
    # Logins
    Case("in use", [RefuseLogin(code="IN-USE")], Exit.TEMP_FAIL, "IN-USE", 0),
    Case("too early", [RefuseLogin(code="LOGIN-DELAY")], Exit.TEMP_FAIL, "LOGIN-DELAY", 0),
    Case("out of order for a while", [RefuseLogin(code="SYS/TEMP")], Exit.TEMP_FAIL, "SYS/TEMP", 0),
    Case("out of order", [RefuseLogin(code="SYS/PERM")], Exit.UNAVAILABLE, "SYS/PERM", 0),
    Case("refused", [RefuseLogin(code="AUTH")], Exit.NO_PERMISSION, "refused", 0),
    Case("APOP is refused", [Refuse("APOP", text="no"), Missing("PLAIN")]),
    Case("a stamp that is none", [Stamp("<nonsense"), Missing("PLAIN")]),
    Case("no CAPA", [Missing("CAPA")]),
    # Lists
    Case("sizes too large", [WrongSizes(1000)]),
    Case("sizes too small", [WrongSizes(-9)]),
    Case("no sizes", [WrongSizes(-(10**6))]),
    Case("one unique-id for all", [SameUidl()]),
    Case("one unique-id for two", [SameUidl(frozenset({2, 5}))]),
    Case("one for two, and no TOP", [SameUidl(frozenset({2, 5})), Missing("TOP")]),
    Case("spaces before unique-ids", [UidlSpaces(3)]),
    Case("no UIDL", [Missing("UIDL")]),
    Case(
        "no UIDL, and CAPA says so", [Missing("UIDL"), Listed("UIDL")], Exit.TEMP_FAIL, "UIDL was refused", 0
    ),  # all mail would look new
    Case("UIDL that CAPA does not tell of", [Unlisted("UIDL"), Unlisted("TOP")]),
    Case("STAT counts too many", [WrongCount("STAT", 3)]),
    Case("STAT counts too few", [WrongCount("STAT", -3)]),
    Case("LIST tells of too many", [WrongCount("LIST", 2)], None, done=None),
    Case("LIST tells of too few", [WrongCount("LIST", -2)], None, done=None),
    Case("UIDL tells of too many", [WrongCount("UIDL", 2)], None, done=None),
    Case("UIDL tells of too few", [WrongCount("UIDL", -2)], None, done=None),
    # Messages
    Case("a message is refused", [Refuse("RETR", 3)], Exit.TEMP_FAIL, "message 3", COUNT - 1),
    Case("a line without end", [EndlessLine(3, 10 * GB)], Exit.PROTOCOL, "message 3", 2),
    Case("no dot at the end", [NoTerminator(3)], Exit.TEMP_FAIL, "closed", 2),
    Case("no CR LF after the dot", [NoFinalCrlf(COUNT)], None, done=None),
    Case("bare LF", [BareLf()]),
    Case("nonsense", [Say("RETR", b"\0\xff nonsense\r\n")], Exit.PROTOCOL, done=0),
    # The end
    Case("the deletions are refused", [Refuse("DELE")], Exit.DATA, "cannot be deleted"),
    Case("QUIT is refused", [BadQuit(QuitHow.REFUSED)], Exit.TEMP_FAIL, "not removed"),
    Case("QUIT does half of it", [BadQuit(QuitHow.PARTLY)], Exit.TEMP_FAIL, "not removed"),
    Case("QUIT is not answered", [BadQuit(QuitHow.SILENT)], Exit.TEMP_FAIL),
    Case("QUIT is not answered, and done", [BadQuit(QuitHow.COMMITTED)], Exit.TEMP_FAIL),
    Case("QUIT is done, and never answered", [BadQuit(QuitHow.STALLED)], Exit.TEMP_FAIL, "1 s"),
]


def errand(folder: Path, server: HostileServer, **keys: object) -> Errand:
    given = {"timeout": "1s", "keep": False, **keys}
    return Errand(folder, url=server.url, password=server.account.password, **given)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_process_fetches(tmp_path: Path, ward: Nursery, case: Case) -> None:
    async with hostile_server(LETTERS, case.faults) as server:
        fetching = errand(tmp_path, server, **dict(case.keys))
        end = await ward.fetch(fetching.config)
        told = json.loads(end.said)["accounts"][0]
        got = fetching.messages()
        print(end.code, told["error"], told["troubles"], len(got))
        assert set(got) <= set(LETTERS), "what is delivered is whole"
        assert len(set(got)) == len(got), "once"
        assert {message.octets for message in server.deleted} <= set(got), "nothing is deleted that is not delivered"
        assert case.code is None or end.code == case.code, server.transcript
        assert case.words in f"{told['error']} {told['troubles']}"
        assert case.done is None or len(got) == case.done
        server.behave()
        again = json.loads((await ward.fetch(fetching.config)).said)["accounts"][0]
        assert again["ok"], again
        assert sorted(fetching.messages()) == sorted(LETTERS)
        assert again["fetched"] == len(LETTERS) - len(got), "what was delivered was recorded"
        assert server.messages == ()


# What one process cannot show by itself


async def test_a_message_without_an_end_does_not_keep_the_others(tmp_path: Path, ward: Nursery) -> None:
    async with hostile_server(LETTERS, [EndlessLine(1, 10 * GB)]) as server:
        fetching = errand(tmp_path, server)
        codes = [(await ward.fetch(fetching.config)).code for _ in range(3)]
        assert codes == [Exit.PROTOCOL] * 3
        assert len(fetching.messages()) == COUNT - 1
        assert [each.octets for each in server.messages] == [LETTERS[0]], "what was delivered does not stay for it"
        server.behave()
        assert (await ward.fetch(fetching.config)).code == 0
        assert sorted(fetching.messages()) == sorted(LETTERS)


async def test_a_reply_too_many(tmp_path: Path, ward: Nursery) -> None:
    """Who sends commands ahead cannot tell it from the reply to the next one, but by what a message begins with."""
    async with hostile_server(LETTERS, [SayMore("RETR")]) as server:
        fetching = errand(tmp_path, server)
        end = await ward.fetch(fetching.config)
        assert (end.code, server.deleted) == (Exit.PROTOCOL, ())
        assert "begins with an answer of the server" in end.said
        assert set(fetching.messages()) <= set(LETTERS), "what is delivered is whole"
        server.behave()
        assert (await ward.fetch(fetching.config)).code == 0
        assert sorted(fetching.messages()) == sorted(LETTERS)


@pytest.mark.parametrize("mode", ["required", "if-offered"])
async def test_replies_before_tls(tmp_path: Path, ward: Nursery, mode: str) -> None:
    """Somebody in the middle puts replies between STLS and the handshake: they are told of, and nothing is sent."""
    authority = Authority(tmp_path)
    context = server_context(authority)
    async with hostile_server(LETTERS, [EarlyOctets(times=1)], tls=context) as server:
        fetching = errand(tmp_path, server, tls=mode, tls_ca=str(authority.path))
        end = await ward.fetch(fetching.config)
        assert end.code == Exit.PROTOCOL, end.said
        assert "octets before the TLS handshake" in end.said
        assert not any(server.account.name in line for line in server.commands)
        assert (await ward.fetch(fetching.config)).code == 0
        assert sorted(fetching.messages()) == sorted(LETTERS)


def server_context(authority: Authority) -> ssl.SSLContext:
    pair = authority.issue("server", LOCALHOST)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.chain, pair.key)
    return context


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_library_fetches(case: Case) -> None:
    """All messages, or an error in words; nothing is deleted where the session did not end well."""
    async with hostile_server(LETTERS, case.faults) as server:
        got: dict[int, bytes] = {}
        try:
            async with connect(server.url, password=server.account.password, timeout=1.0, tls="none") as maildrop:
                messages = [message async for message in maildrop.messages()]
                async for fetched in maildrop.fetch_many(messages):
                    if fetched.error is None:
                        got[fetched.number] = fetched.raw
                await maildrop.delete(got)
        except PopError as error:
            print(type(error).__name__, error)
            assert error.text
        assert set(got.values()) <= set(LETTERS), "what is given is whole"
        assert {message.octets for message in server.deleted} <= set(got.values())


# Memory

on_linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells of memory")


@dataclass(frozen=True, slots=True)
class Measured:
    """How a process ended; `peak` is in MiB."""

    code: int
    said: str
    peak: float
    seconds: float


def high_water(pid: int) -> float:
    """The most that a process has held in memory until now."""
    found = re.search(r"VmHWM:\s+([0-9]+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


async def measured(fetching: Errand, *arguments: str) -> Measured:
    """Run `postane fetch` in a process of its own."""

    def work() -> Measured:
        began = time.monotonic()
        with (fetching.folder / "said").open("w+b") as said:
            process = subprocess.Popen(fetching.command(*arguments), stdout=said, stderr=said)
            peak = 0.0
            while process.poll() is None:  # what wait4 tells includes the memory of the one who forked
                peak = max(peak, high_water(process.pid))
                time.sleep(0.02)
        text = (fetching.folder / "said").read_text()
        return Measured(process.returncode, text, peak, time.monotonic() - began)

    return await asyncio.to_thread(work)


@on_linux
async def test_memory_with_a_line_without_end(tmp_path: Path) -> None:
    async with hostile_server(LETTERS, [EndlessLine(3, 10 * GB)]) as server:
        done = await measured(errand(tmp_path, server), "--json")
        print(f"a line of 10 GB: peak {done.peak:.0f} MiB, given up after {done.seconds:.1f} s")
        assert (done.code, done.peak < PEAK) == (Exit.PROTOCOL, True)


@on_linux
async def test_memory_with_a_large_message(tmp_path: Path) -> None:
    large = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 4 * 64 + b"\r\n"
    large += (b"x" * 998 + b"\r\n") * (100 * MIB // 1000)
    async with hostile_server([large, LETTERS[1]]) as server:
        fetching = errand(tmp_path, server, timeout="20s")
        done = await measured(fetching, "--json")
        print(f"a message of 100 MiB: peak {done.peak:.0f} MiB, {done.seconds:.1f} s")
        assert done.code == 0, done.said
        assert done.peak < PEAK
        assert fetching.messages() == [large, LETTERS[1]]


@pytest.mark.timeout(600)
@on_linux
async def test_memory_with_a_million_unique_ids(tmp_path: Path) -> None:
    async with hostile_server(LETTERS[1:2] * 1_000_000) as server:
        fetching = errand(tmp_path, server, timeout="60s", keep=True, limit=10)
        for what in ("the first time", "again"):
            done = await measured(fetching, "--json")
            print(f"a drop of 1,000,000, {what}: peak {done.peak:.0f} MiB, {done.seconds:.1f} s")
            told = json.loads(done.said)["accounts"][0]
            assert (done.code, told["listed"], told["delivered"]) == (0, 1_000_000, 10), done.said
            assert done.peak < PEAK
        assert len(fetching.messages()) == 20
