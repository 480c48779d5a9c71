"""Where connections come in: limits, the log line, the end."""

import asyncio
import gc
import warnings
from typing import Any

import pytest
import structlog

from postane.accounts.memory import MemoryAccounts
from postane.maildrop.base import DropInUse, Holder, Lock
from postane.net.memory import MemoryStream
from postane.net.stream import BadIntroduction, Peer, Stream
from postane.pop3.server import Pop3Server
from postane.server.guest import Room
from postane.server.limits import Limits, private_tally
from postane.server.office import PostOffice
from postane.server.pop3 import Pop3Desk
from postane.server.reception import Reception
from postane.server.record import SessionRecord
from support.guests import busy_reception
from support.pop3 import make_office, put, sized


def make_desk(office: PostOffice, stream: Stream, record: SessionRecord) -> tuple[Pop3Server, Pop3Desk]:
    return Pop3Server(), Pop3Desk(office, stream, record)


async def settle() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


@pytest.fixture
def reception() -> Reception:
    accounts = MemoryAccounts()
    accounts.add("mrose", password="tanstaaf")
    office = make_office(accounts=accounts, limits=Limits(connections=4, per_address=2, login=7.0))
    return Reception(office, private_tally())


def connect(reception: Reception, host: str) -> MemoryStream:
    stream = MemoryStream(Peer(host))
    reception.accept("pop3", make_desk, stream)
    return stream


async def test_connections_are_limited_by_address_and_in_all(reception: Reception) -> None:
    streams = [connect(reception, host) for host in ("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2")]
    await settle()
    greetings = [stream.take() for stream in streams]
    assert [greeting[:4] for greeting in greetings] == [b"+OK ", b"+OK ", b"-ERR", b"+OK "]
    assert b"[SYS/TEMP]" in greetings[2]
    more = [connect(reception, host) for host in ("192.0.2.3", "192.0.2.4")]
    await settle()
    assert [stream.take()[:4] for stream in more] == [b"+OK ", b"+OK "]
    assert reception.count == 4
    assert [stream.is_closed for stream in streams] == [True, False, True, False]  # the first has made room


async def test_a_host_has_all_of_its_network(reception: Reception) -> None:
    """Whoever has one IPv6 address has the other 2**64 of it too."""
    hosts = ("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1")
    streams = [connect(reception, host) for host in hosts]
    await settle()
    assert [stream.take()[:4] for stream in streams] == [b"+OK ", b"+OK ", b"-ERR", b"+OK "]


async def log_in(reception: Reception, host: str) -> MemoryStream:
    stream = connect(reception, host)
    stream.give(b"USER mrose\r\nPASS tanstaaf\r\n")
    for _ in range(1000):
        await asyncio.sleep(0)
    return stream


async def test_who_is_logged_in_is_not_crowded_out(reception: Reception) -> None:
    with structlog.testing.capture_logs() as lines:
        reception = Reception(reception._office, private_tally())
        busy = await log_in(reception, "127.0.0.1")
        crowd = [connect(reception, f"192.0.2.{number}") for number in range(2, 12)]
        await settle()
    assert [line["ending"] for line in lines if line["event"] == "session"] == ["crowded out"] * 7
    assert [stream.is_closed for stream in crowd] == [True] * 7 + [False] * 3
    busy.give(b"NOOP\r\n")
    await settle()
    assert busy.take().endswith(b"+OK\r\n")


async def test_where_all_have_logged_in_nobody_more_is_let_in() -> None:
    accounts = MemoryAccounts()
    accounts.add("mrose", password="tanstaaf")
    reception = Reception(make_office(accounts=accounts, limits=Limits(connections=1)), private_tally())
    first, second = [await log_in(reception, "127.0.0.1") for _ in range(2)]
    assert second.take().startswith(b"-ERR [SYS/TEMP]")
    assert second.is_closed
    assert not first.is_closed


async def test_a_worker_with_few_descriptors_takes_in_no_more_than_it_has_room_for() -> None:
    """The rule begins before the system has no more, however many limits.connections allows."""
    accounts = MemoryAccounts()
    accounts.add("mrose", password="tanstaaf")
    office = make_office(accounts=accounts, limits=Limits())
    with structlog.testing.capture_logs() as lines:
        reception = Reception(office, private_tally(), Room(places=3, lingering=1))
        busy = await log_in(reception, "127.0.0.1")
        crowd = [connect(reception, f"192.0.2.{number}") for number in range(2, 12)]
        await settle()
    assert [line["ending"] for line in lines if line["event"] == "session"] == ["crowded out"] * 8
    assert [stream.is_closed for stream in crowd] == [True] * 8 + [False] * 2
    assert not busy.is_closed
    for stream in crowd:
        stream.end()
    await settle()
    assert reception.count == 1
    again = [connect(reception, f"192.0.2.{number}") for number in (2, 3)]
    await settle()
    assert not any(stream.is_closed for stream in again), "places are free again"


class Lingering(MemoryStream):
    """Its peer does not read."""

    async def close(self, *, is_peer_sending: bool = False) -> None:
        del is_peer_sending
        await asyncio.Event().wait()


async def test_so_many_are_told_that_there_is_no_room_and_more_are_just_closed() -> None:
    accounts = MemoryAccounts()
    accounts.add("mrose", password="tanstaaf")
    reception = Reception(make_office(accounts=accounts), private_tally(), Room(places=1, lingering=2))
    await log_in(reception, "127.0.0.1")
    refused = [Lingering(Peer(f"192.0.2.{number}")) for number in range(5)]
    for stream in refused:
        reception.accept("pop3", make_desk, stream)
    await settle()
    assert [stream.take()[:4] for stream in refused if not stream.is_closed] == [b"-ERR"] * 2
    assert [stream.take() for stream in refused if stream.is_closed] == [b""] * 3
    assert reception.count == 3
    await reception.drain(0.0)


async def test_an_address_at_its_limit_crowds_nobody_out(reception: Reception) -> None:
    others = [connect(reception, host) for host in ("192.0.2.2", "192.0.2.3", "192.0.2.1", "192.0.2.1")]
    more = [connect(reception, "192.0.2.1") for _ in range(5)]
    await settle()
    assert [stream.take()[:4] for stream in more] == [b"-ERR"] * 5
    assert not any(stream.is_closed for stream in others)


async def test_the_time_to_log_in_is_set_before_the_greeting(reception: Reception) -> None:
    stream = connect(reception, "127.0.0.1")
    await settle()
    assert stream.deadline == 7.0


async def test_one_line_a_session(reception: Reception) -> None:
    with structlog.testing.capture_logs() as lines:
        reception = Reception(reception._office, private_tally())
        stream = connect(reception, "127.0.0.1")
        stream.give(b"USER mrose\r\nPASS tanstaaf\r\nSTAT\r\nQUIT\r\n")
        await settle()
        stream.end()
        await settle()
    (line,) = [line for line in lines if line["event"] == "session"]
    expected: dict[str, Any] = {"account": "mrose", "peer": "127.0.0.1", "commands": 4, "ending": "quit", "deleted": 0}
    assert expected.items() <= line.items()
    assert "tanstaaf" not in str(lines)


class Proxied(MemoryStream):
    """A connection of a proxy, which tells of a client, of nobody, or nothing that can be read."""

    def __init__(self, client: Peer | None, *, is_probe: bool = False, why: str | None = None) -> None:
        super().__init__(Peer("192.0.2.80"))
        self.stands = False
        self._client = client
        self._is_probe = is_probe
        self._why = why

    async def introduce(self) -> None:
        self.is_probe = self._is_probe
        if self._why is not None:
            raise BadIntroduction(self._why)
        if self._client is not None:
            self.speak_for(self._client)
        self.stands = True


async def _lines_of(reception: Reception, stream: MemoryStream, says: bytes) -> list[Any]:
    with structlog.testing.capture_logs() as lines:
        reception = Reception(reception._office, private_tally())
        reception.accept("pop3", make_desk, stream)
        stream.give(says)
        await settle()
        stream.end()
        await settle()
    return [line for line in lines if line["event"] == "session"]


async def test_a_client_behind_a_proxy_is_told_with_the_proxy(reception: Reception) -> None:
    client = Peer("203.0.113.5", 4711, speaker=Peer("192.0.2.80"))
    (line,) = await _lines_of(reception, Proxied(client), b"QUIT\r\n")
    assert (line["peer"], line["speaker"], line["ending"]) == ("203.0.113.5", "192.0.2.80", "quit")


async def test_clients_behind_a_proxy_are_counted_each(reception: Reception) -> None:
    hosts = ("203.0.113.5", "203.0.113.5", "203.0.113.5", "203.0.113.6")
    streams = [Proxied(Peer(host, speaker=Peer("192.0.2.80"))) for host in hosts]
    for stream in streams:
        reception.accept("pop3", make_desk, stream)
    await settle()
    assert [stream.take()[:4] for stream in streams] == [b"+OK ", b"+OK ", b"-ERR", b"+OK "]


async def test_who_is_not_introduced_gets_no_word(reception: Reception) -> None:
    stream = Proxied(None, why="no PROXY header")
    (line,) = await _lines_of(reception, stream, b"USER mrose\r\nPASS tanstaaf\r\n")
    assert (line["ending"], line["why"], line["log_level"]) == ("not introduced", "no PROXY header", "info")
    assert stream.take() == b""


@pytest.mark.parametrize(
    ("says", "is_probe", "level"),
    [
        (b"", True, "debug"),
        (b"QUIT\r\n", True, "debug"),
        (b"QUIT\r\n", False, "info"),
        (b"USER mrose\r\nPASS tanstaaf\r\nQUIT\r\n", True, "info"),
    ],
)
async def test_a_proxy_that_looks_in_is_no_news(reception: Reception, says: bytes, is_probe: bool, level: str) -> None:
    stream = Proxied(Peer("127.0.0.1"), is_probe=is_probe)
    (line,) = await _lines_of(reception, stream, says)
    assert line["log_level"] == level


@pytest.mark.parametrize(
    ("host", "says", "level"),
    [
        ("127.0.0.1", b"", "debug"),
        ("unix", b"", "debug"),
        ("192.0.2.1", b"", "info"),
        ("127.0.0.1", b"CAPA\r\n", "info"),
    ],
)
async def test_who_only_looks_for_a_greeting_on_this_machine_is_no_news(
    reception: Reception, host: str, says: bytes, level: str
) -> None:
    (line,) = await _lines_of(reception, MemoryStream(Peer(host)), says)
    assert (line["ending"], line["log_level"]) == ("dropped", level)


async def test_the_end_waits_for_those_who_are_logged_in(reception: Reception) -> None:
    idle, busy = connect(reception, "127.0.0.1"), connect(reception, "127.0.0.2")
    busy.give(b"USER mrose\r\nPASS tanstaaf\r\nDELE 1\r\n")
    await settle()
    draining = asyncio.create_task(reception.drain(30))
    await settle()
    assert idle.is_closed
    assert not busy.is_closed
    busy.give(b"QUIT\r\n")
    await asyncio.wait_for(draining, 10)
    assert b"signing off" in busy.take()
    assert reception.count == 0


async def test_an_end_without_a_bound_waits_for_all(reception: Reception) -> None:
    idle = connect(reception, "127.0.0.1")
    await settle()
    draining = asyncio.create_task(reception.drain(None))
    await settle()
    assert not idle.is_closed
    idle.give(b"USER mrose\r\nPASS tanstaaf\r\nQUIT\r\n")
    await asyncio.wait_for(draining, 10)
    assert b"signing off" in idle.take()
    assert reception.count == 0


async def test_the_end_does_not_wait_for_ever(reception: Reception) -> None:
    busy = connect(reception, "127.0.0.2")
    busy.give(b"USER mrose\r\nPASS tanstaaf\r\n")
    await settle()
    await asyncio.wait_for(reception.drain(0.01), 10)
    assert busy.is_closed
    assert reception.count == 0


async def test_a_kicked_session_deletes_nothing_and_frees_its_maildrop() -> None:
    with structlog.testing.capture_logs() as lines:
        reception, office = await busy_reception()
        ((record, state),) = reception.sessions()
        assert (record.account, state) == ("mrose", "transaction")
        assert not await reception.kick("somebody else")
        assert await reception.kick(record.session)
        assert not await reception.kick(record.session)
    assert reception.sessions() == []
    assert [line["ending"] for line in lines if line["event"] == "session"] == ["kicked"]
    session = await office.maildrops.open("mrose", Holder("s2", "", "POP3", 0.0), Lock())
    assert session.snapshot.total == 1
    await session.close()


async def test_a_session_that_is_kicked_before_its_answer_has_begun_says_nothing_more(reception: Reception) -> None:
    stream = connect(reception, "127.0.0.1")
    await settle()
    stream.take()
    stream.give(b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n")
    await asyncio.sleep(0)  # the news has come, and the task for the answer has not had its first step
    ((record, _),) = reception.sessions()
    assert await reception.kick(record.session)
    assert stream.is_closed
    assert (reception.count, stream.take()) == (0, b"")


async def test_a_login_that_is_kicked_before_it_has_begun_leaves_nothing_behind(reception: Reception) -> None:
    stream = connect(reception, "127.0.0.1")
    await settle()
    stream.give(b"USER mrose\r\nPASS tanstaaf\r\n")
    await asyncio.sleep(0)
    ((record, _),) = reception.sessions()
    with warnings.catch_warnings(record=True) as told:  # of coroutines that nobody has begun
        warnings.simplefilter("always")
        assert await reception.kick(record.session)
        gc.collect()
    assert told == []
    assert (reception.count, stream.take()[-15:]) == (0, b"+OK send PASS\r\n")


async def test_a_maildrop_is_free_before_a_slow_client_has_read_the_last_octet() -> None:
    """The farewell waits for the client; the next session does not."""
    reception, office = await busy_reception(guests=0)
    await put(office.maildrops, "mrose", sized(1_000_000))
    stream = MemoryStream(Peer("127.0.0.1"))
    closing = asyncio.Event()

    async def close_slowly(*, is_peer_sending: bool = False) -> None:
        del is_peer_sending
        await closing.wait()

    stream.close = close_slowly  # type: ignore[method-assign]
    reception.accept("pop3", make_desk, stream)
    stream.give(b"USER mrose\r\nPASS tanstaaf\r\n")
    await settle()
    with pytest.raises(DropInUse):
        await office.maildrops.open("mrose", Holder("s2", "", "POP3", 0.0), Lock())
    stream.end()
    await settle()
    assert reception.count == 1
    await (await office.maildrops.open("mrose", Holder("s2", "", "POP3", 0.0), Lock())).close()
    closing.set()
    await settle()
    assert reception.count == 0
