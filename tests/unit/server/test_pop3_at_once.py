"""What a store can recall is answered in the call that brought the octets, by every way in; what it cannot recall, as
if it had never been asked."""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from postane.accounts.base import LoginRefused, Proof
from postane.accounts.memory import MemoryAccounts
from postane.accounts.throttle import private_throttle
from postane.net.memory import MemoryStream
from postane.net.stream import Peer
from postane.sasl.base import Identity, Means
from postane.sasl.registry import CLIENT_MECHANISMS, SERVER_MECHANISMS
from postane.server import gate
from postane.server.limits import private_tally
from postane.server.office import PostOffice
from postane.server.pop3 import Pop3Desk, Pop3Server
from postane.server.reception import Reception
from support.pop3 import HOST, NOW, TOKEN, make_office, put, sized
from support.sasl import log_in

STAMP = f"<{TOKEN}.{int(NOW)}@{HOST}>"
IN = b"+OK ada's maildrop has 1 message"

Say = Callable[[bytes], Awaitable[bytes]]


def at_once(asking: Coroutine[Any, Any, Proof]) -> Proof | None:
    """What a verification gives that waits for nothing."""
    try:
        asking.send(None)
    except StopIteration as done:
        proof: Proof = done.value
        return proof
    except LoginRefused:
        return None
    pytest.fail("it waits")


class Known(MemoryAccounts):
    """Recalls whatever it could verify; `asked` are the verbs by which it was asked the slow way."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def recall(self, name: str, password: str) -> Proof | None:
        return at_once(super().verify_password(name, password))

    def recall_apop(self, name: str, stamp: str, digest: str) -> Proof | None:
        return at_once(super().verify_apop(name, stamp, digest))

    def recall_cram(self, name: str, challenge: bytes, digest: str) -> Proof | None:
        return at_once(super().verify_cram(name, challenge, digest))

    async def verify_password(self, name: str, password: str) -> Proof:
        self.asked.append("password")
        return await super().verify_password(name, password)

    async def verify_apop(self, name: str, stamp: str, digest: str) -> Proof:
        self.asked.append("apop")
        return await super().verify_apop(name, stamp, digest)

    async def verify_cram(self, name: str, challenge: bytes, digest: str) -> Proof:
        self.asked.append("cram")
        return await super().verify_cram(name, challenge, digest)


@pytest.fixture
def accounts() -> Known:
    accounts = Known()
    accounts.add("ada", password="secret")
    accounts.add_device("ada", "phone", "device-secret")
    return accounts


@pytest.fixture
async def office(accounts: Known) -> PostOffice:
    office = make_office(accounts=accounts, mechanisms=tuple(SERVER_MECHANISMS))
    await put(office.maildrops, "ada", sized(120))
    stream = connect(office)
    await _heard(stream, b"USER ada\r\nPASS secret\r\nQUIT")  # a drop that was open once is open at once
    assert stream.is_closed
    accounts.asked.clear()
    return office


def connect(office: PostOffice) -> MemoryStream:
    stream = MemoryStream(Peer("127.0.0.1"))
    Reception(office, private_tally()).accept(
        "pop3", lambda office, stream, record: (Pop3Server(), Pop3Desk(office, stream, record)), stream
    )
    return stream


@pytest.fixture
def say(office: PostOffice) -> Say:
    """Say a line to a session; no task may be made for what it answers."""
    stream = connect(office)
    stream.take()

    async def said(line: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda *_, **__: pytest.fail(f"a task was made for {line!r}"))
        try:
            stream.give(line + b"\r\n")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        finally:
            loop.set_task_factory(None)
        return stream.take()

    return said


def digest(secret: str = "device-secret") -> bytes:
    return hashlib.md5((STAMP + secret).encode()).hexdigest().encode()


async def test_capabilities_and_refusals_take_no_task(say: Say) -> None:
    assert b"\r\nUIDL\r\n" in await say(b"CAPA")
    assert b"\r\nPLAIN\r\n" in await say(b"AUTH")
    for line in (b"AUTH GSSAPI", b"STLS", b"LANG", b"RPOP ada"):
        assert (await say(line)).startswith((b"-ERR", b"+OK")), line


async def test_apop_takes_no_task(say: Say) -> None:
    assert (await say(b"APOP ada " + digest())).startswith(IN)
    assert await say(b"STAT") == b"+OK 1 120\r\n"
    assert b"\r\nUIDL\r\n" in await say(b"CAPA")
    assert (await say(b"QUIT")).startswith(b"+OK")


@pytest.mark.parametrize("is_initial", [True, False])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
async def test_sasl_takes_no_task(say: Say, mechanism: str, is_initial: bool) -> None:
    secret = "device-secret" if SERVER_MECHANISMS[mechanism].means is Means.SECRET else "secret"
    heard = await log_in(say, mechanism, Identity("ada", secret), is_initial=is_initial)
    assert heard.startswith(IN)
    assert await say(b"STAT") == b"+OK 1 120\r\n"


async def test_a_cancelled_exchange_takes_none(say: Say) -> None:
    assert await say(b"AUTH PLAIN") == b"+ \r\n"
    assert await say(b"*") == b"-ERR cancelled\r\n"


async def test_what_is_not_recalled_is_asked_once_and_refused_once(office: PostOffice, accounts: Known) -> None:
    stream = connect(office)
    wrong = b64encode(b"\0ada\0wrong")
    cram = CLIENT_MECHANISMS["CRAM-MD5"](Identity("ada", "wrong"))
    for line, verb in ((b"AUTH PLAIN " + wrong, "password"), (b"APOP ada " + digest("wrong"), "apop")):
        accounts.asked.clear()
        assert await _heard(stream, line) == b"-ERR [AUTH] invalid user name or password\r\n"
        assert accounts.asked == [verb]
    accounts.asked.clear()
    cram.start()
    await _heard(stream, b"AUTH CRAM-MD5")
    heard = await _heard(stream, b64encode(cram.step(STAMP.encode())))
    assert (heard, accounts.asked) == (b"-ERR [AUTH] invalid user name or password\r\n", ["cram"])


@pytest.mark.parametrize("mechanism", [name for name, each in SERVER_MECHANISMS.items() if not each.needs_binding])
async def test_a_drop_that_is_not_at_hand_is_waited_for(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch, mechanism: str
) -> None:
    """The exchange is at its end, and the login begins anew."""
    if SERVER_MECHANISMS[mechanism].means in (Means.OUTSIDE, Means.TOKEN):
        return
    monkeypatch.setattr(type(office.maildrops), "open_now", lambda *_, **__: None)
    stream = connect(office)
    secret = "device-secret" if SERVER_MECHANISMS[mechanism].means is Means.SECRET else "secret"
    stream.take()
    heard = await log_in(lambda line: _heard(stream, line), mechanism, Identity("ada", secret, "nonce"))
    assert heard.startswith(IN)
    assert await _heard(stream, b"STAT") == b"+OK 1 120\r\n"


async def test_who_is_throttled_is_not_looked_at_and_hears_it_the_slow_way(
    office: PostOffice, accounts: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    throttle = private_throttle(2.0, lambda: 0.0, 1, 60.0)
    object.__setattr__(office, "throttle", throttle)
    throttle.failed("127.0.0.1", "ada", b"guess")
    monkeypatch.setattr(gate.asyncio, "sleep", sleep)
    for recall in ("recall", "recall_apop", "recall_cram"):
        monkeypatch.setattr(accounts, recall, lambda *_: pytest.fail("it was looked at"))
    stream = connect(office)
    for line in (b"AUTH PLAIN " + b64encode(b"\0ada\0secret"), b"APOP ada " + digest()):
        assert (await _heard(stream, line)).startswith(b"-ERR [SYS/TEMP] too many failed logins")
    assert waited == [2.0, 2.0]
    assert accounts.asked == []


async def _heard(stream: MemoryStream, line: bytes) -> bytes:
    stream.take()
    stream.give(line + b"\r\n")
    loop = asyncio.get_running_loop()
    for _ in range(200):
        turn = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn
    return stream.take()
