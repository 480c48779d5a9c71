"""A service that begins with TLS: handshake and session without a task, and each way in which a handshake ends."""

import asyncio
import contextlib
import ssl
from pathlib import Path
from typing import Any

import pytest
import structlog

from postane.accounts.memory import MemoryAccounts
from postane.net.deadlines import Deadlines
from postane.net.secure import SecureStream
from postane.net.stream import NotSecured, StreamClosed
from postane.net.tcp import HANDSHAKE_WAIT
from postane.net.tls import ServerTls, server_tls
from postane.pop3.server import Pop3Server
from postane.server.limits import Limits, private_tally
from postane.server.pop3 import Pop3Desk
from postane.server.reception import Reception
from support.certificates import Authority, Wish
from support.pop3 import make_office


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ServerTls:
    folder: Path = tmp_path_factory.mktemp("authority")
    return server_tls([Authority(folder).issue("server", Wish(dns=["localhost"]))])


class Transport:
    """One of an event loop, with a client of TLS at its other end. `writes` are as many as calls of the system."""

    def __init__(self, host: str = "192.0.2.1") -> None:
        self.host = host
        self.writes: list[bytes] = []
        self.closed = False
        self.stream: SecureStream | None = None
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = trusting.wrap_bio(self._incoming, self._outgoing)

    # The stream's side

    def get_extra_info(self, name: str) -> object:
        return (self.host, 40000) if name == "peername" else None

    def set_write_buffer_limits(self, **_: int) -> None:
        pass

    def set_protocol(self, protocol: object) -> None:
        pytest.fail("that costs two calls of the system")

    def write(self, octets: bytes) -> None:
        assert not self.closed
        self.writes.append(octets)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self._lose)

    abort = close

    def _lose(self) -> None:
        assert self.stream is not None
        self.stream.connection_lost(None)

    # The client's side

    def give(self, octets: bytes) -> None:
        """Octets reach the server as they are."""
        if octets and not self.closed:
            assert self.stream is not None
            self.stream.data_received(octets)

    def hear(self) -> None:
        """The client takes what was written."""
        self._incoming.write(b"".join(self.writes))
        self.writes.clear()

    def hello(self) -> bytes:
        with contextlib.suppress(ssl.SSLWantReadError):
            self.client.do_handshake()
        return self._outgoing.read()

    def shake_hands(self, *, and_says: bytes = b"") -> None:
        self.give(self.hello())
        self.hear()
        finished = self.hello()
        if and_says:
            self.client.write(and_says)
        self.give(finished + self._outgoing.read())

    def say(self, line: bytes) -> bytes:
        self.client.write(line)
        self.give(self._outgoing.read())
        return self.read()

    def read(self) -> bytes:
        self.hear()
        said = b""
        with contextlib.suppress(ssl.SSLWantReadError):
            while piece := self.client.read(65536):
                said += piece
            said += b"(end)"
        return said


class Door:
    """A reception for POP3S, whose log is `lines`."""

    def __init__(self, tls: ServerTls) -> None:
        accounts = MemoryAccounts()
        accounts.add("mrose", password="tanstaaf")
        limits = Limits(connections=3, per_address=2, login=7.0)
        self.tls = tls
        self.deadlines = Deadlines(1.0)
        self.reception = Reception(make_office(accounts=accounts, limits=limits), private_tally())

    def open(self, host: str = "192.0.2.1") -> Transport:
        transport = Transport(host)
        transport.stream = SecureStream(self.deadlines, self._accept, self.tls)  # type: ignore[arg-type]
        transport.stream.connection_made(transport)  # type: ignore[arg-type]
        return transport

    def _accept(self, stream: SecureStream) -> None:
        self.reception.accept(
            "pop3s", lambda office, stream, record: (Pop3Server(), Pop3Desk(office, stream, record)), stream
        )


@pytest.fixture
async def door(tls: ServerTls, monkeypatch: pytest.MonkeyPatch) -> Door:
    """No task may be made while it is used."""
    monkeypatch.setattr(asyncio, "create_task", lambda *_, **__: pytest.fail("a task was made"))
    return Door(tls)


async def turn() -> None:
    """Let the event loop go on, without a task."""
    for _ in range(3):
        await asyncio.sleep(0)


async def ending(door: Door, logs: list[Any]) -> tuple[str, str | None]:
    """How the one session ended, by the log, and why."""
    await turn()
    assert door.reception.count == 0
    (line,) = [line for line in logs if line["event"] == "session"]
    return line["ending"], line.get("why")


async def test_a_session_takes_no_task_and_no_write_that_it_need_not(door: Door) -> None:
    transport = door.open()
    transport.give(transport.hello())
    assert len(transport.writes) == 1
    transport.hear()
    transport.give(transport.hello())
    assert len(transport.writes) == 1, "the tickets go with the greeting"
    assert transport.read().startswith(b"+OK ")
    assert transport.say(b"NOOP\r\n").startswith(b"-ERR")
    transport.client.write(b"QUIT\r\n")
    transport.give(transport._outgoing.read())
    assert len(transport.writes) == 1, "TLS's last word goes with the reply"
    assert transport.closed
    said = transport.read()
    assert said.startswith(b"+OK")
    assert said.endswith(b"\r\n(end)")


async def test_what_comes_with_the_end_of_the_handshake_is_answered(door: Door) -> None:
    transport = door.open()
    transport.shake_hands(and_says=b"CAPA\r\nQUIT\r\n")
    said = transport.read()
    assert said.startswith(b"+OK ")
    assert b"\r\nUIDL\r\n" in said
    assert said.endswith(b"signing off\r\n(end)")


async def test_octet_by_octet(door: Door) -> None:
    transport = door.open()
    for octet in transport.hello():
        transport.give(bytes([octet]))
    transport.hear()
    for octet in transport.hello():
        transport.give(bytes([octet]))
    assert transport.read().startswith(b"+OK ")


async def test_what_is_no_tls_is_told_in_the_log_and_answered_by_no_word(door: Door) -> None:
    with structlog.testing.capture_logs() as logs:
        transport = door.open()
        transport.give(b"USER mrose\r\nPASS tanstaaf\r\n")
        assert b"".join(transport.writes)[:1] in (b"", b"\x15")
        told, why = await ending(door, logs)
    assert (told, str(why).startswith("TLS: ")) == ("no TLS", True)


@pytest.mark.parametrize(("begins", "expected"), [(True, "no TLS"), (False, "dropped")])
async def test_a_client_that_goes_away(door: Door, begins: bool, expected: str) -> None:
    with structlog.testing.capture_logs() as logs:
        transport = door.open()
        transport.give(transport.hello()[:40] if begins else b"")
        assert transport.stream is not None
        assert transport.stream.eof_received() is False
        told, why = await ending(door, logs)
    assert told == expected
    assert why == ("TLS: the handshake was broken off" if begins else None)


@pytest.mark.parametrize(("begins", "expected"), [(True, "no TLS"), (False, "timed out")])
async def test_a_client_that_takes_too_long(door: Door, begins: bool, expected: str) -> None:
    with structlog.testing.capture_logs() as logs:
        transport = door.open()
        transport.give(transport.hello()[:40] if begins else b"")
        stream = transport.stream
        assert stream is not None
        stream.expire(asyncio.get_running_loop().time() + 6.0)
        assert not transport.closed, "the time to log in is not over"
        stream.expire(asyncio.get_running_loop().time() + 8.0)
        told, why = await ending(door, logs)
    assert told == expected
    assert why == ("TLS: the handshake took too long" if begins else None)


async def test_the_time_to_log_in_goes_on_after_the_handshake(door: Door) -> None:
    transport = door.open()
    transport.shake_hands()
    assert transport.stream is not None
    left = transport.stream._deadline - asyncio.get_running_loop().time()
    assert 0.0 < left <= 7.0 < HANDSHAKE_WAIT


async def test_who_is_over_a_limit_gets_no_handshake(door: Door) -> None:
    first, second = door.open(), door.open()
    with structlog.testing.capture_logs() as logs:
        third = door.open()
    assert (third.closed, third.writes) == (True, [])
    assert [line["ending"] for line in logs] == ["refused"]
    for transport in (first, second):
        transport.shake_hands()
        assert transport.read().startswith(b"+OK ")
    await turn()
    assert door.reception.count == 2


async def test_who_was_here_longest_gives_its_place_up_in_the_midst_of_a_handshake(door: Door) -> None:
    with structlog.testing.capture_logs() as logs:
        opened = [door.open(f"192.0.2.{number}") for number in range(1, 4)]
        opened[0].give(opened[0].hello())
        last = door.open("192.0.2.9")
    assert [transport.closed for transport in opened] == [True, False, False]
    assert [line["ending"] for line in logs] == ["crowded out"]
    opened[0].closed = False  # what was on its way does no harm
    opened[0].give(b"\x17\x03\x03")
    last.shake_hands()
    assert last.read().startswith(b"+OK ")


async def test_a_handshake_that_is_kicked_or_shut_down_ends_at_once(tls: ServerTls) -> None:
    door = Door(tls)
    with structlog.testing.capture_logs() as logs:
        first = door.open()
        first.give(first.hello())
        ((record, state),) = door.reception.sessions()
        assert state == "arriving"
        assert await door.reception.kick(record.session)
        second = door.open()
        second.give(second.hello())
        await door.reception.drain(5.0)
    assert first.closed
    assert second.closed
    assert [line["ending"] for line in logs if line["event"] == "session"] == ["kicked", "shut down"]


async def test_it_can_be_waited_for_as_well(tls: ServerTls) -> None:
    """By whoever runs a session in a task of their own."""
    transport = Transport()
    stream = transport.stream = SecureStream(Deadlines(1.0), lambda _: None, tls)
    stream.connection_made(transport)  # type: ignore[arg-type]
    transport.give(transport.hello())  # before anybody has begun it
    securing = asyncio.create_task(stream.secure())
    await turn()
    transport.hear()
    transport.give(transport.hello())
    await securing
    assert stream.tls is not None
    stream.write(b"+OK hello\r\n")
    assert transport.read() == b"+OK hello\r\n"
    with pytest.raises(StreamClosed):
        await stream.secure()


async def test_one_that_fails_is_told_to_whoever_waits(tls: ServerTls) -> None:
    transport = Transport()
    stream = transport.stream = SecureStream(Deadlines(1.0), lambda _: None, tls)
    stream.connection_made(transport)  # type: ignore[arg-type]
    securing = asyncio.create_task(stream.secure())
    await turn()
    transport.give(transport.hello()[:9])
    stream.expire(asyncio.get_running_loop().time() + HANDSHAKE_WAIT + 1)
    with pytest.raises(NotSecured, match="took too long"):
        await securing
