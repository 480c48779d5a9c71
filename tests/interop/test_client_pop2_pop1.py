"""POP2 and POP1 for programs, against a running server: the whole corpus, deletions, and memory that stays flat."""

import asyncio
import tracemalloc
from collections.abc import Iterator

import pytest

from postane.client.errors import LoginRefused
from postane.client.old_opening import connect_pop1, connect_pop2
from postane.client.opening import Connecting
from postane.client.pop1 import Pop1
from postane.client.pop2 import Pop2
from support.certificates import Authority, Wish
from support.corpus import Way, by_way
from support.post import check_all, count, deliver, fill
from support.postoffice import Mailbox, PostOffice, wait_until
from support.talk import Talk

pytestmark = pytest.mark.interop

SPECIMENS = by_way(Way.DATA)
LOOPBACK = {"listen": ["127.0.0.1:0"]}
LARGE = 20_000_000
LITTLE = 4_000_000


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def house(authority: Authority) -> Iterator[PostOffice]:
    own = authority.issue("server", Wish(dns=["localhost"], addresses=["127.0.0.1"]))
    services = dict.fromkeys(("pop2", "pop1", "pop2s", "pop1s"), LOOPBACK)
    with PostOffice({**services, "tls": {"certificate": str(own.chain), "key": str(own.key)}}) as office:
        yield office


@pytest.fixture
def box(house: PostOffice) -> Mailbox:
    return house.fresh()


def _pop2(house: PostOffice, box: Mailbox) -> Connecting[Pop2]:
    host, port = house.address("pop2")
    return connect_pop2(f"pop2://{box.name}:{box.password}@{host}:{port}")


def _pop1(house: PostOffice, box: Mailbox) -> Connecting[Pop1]:
    host, port = house.address("pop1")
    return connect_pop1(f"pop1://{box.name}:{box.password}@{host}:{port}")


async def test_pop2_reads_every_octet_and_deletes(house: PostOffice, box: Mailbox) -> None:
    fill(house, box, SPECIMENS)
    async with _pop2(house, box) as pop:
        assert pop.count == len(SPECIMENS)
        check_all([await message.raw() async for message in pop.messages()], SPECIMENS)
    assert count(house, box) == len(SPECIMENS)
    async with _pop2(house, box) as pop:
        async for message in pop.messages():
            if message.number % 2:
                await message.delete()
    assert count(house, box) == len(SPECIMENS) // 2


async def test_pop2_deletes_nothing_where_something_went_wrong(house: PostOffice, box: Mailbox) -> None:
    fill(house, box, SPECIMENS[:2])

    async def fail() -> None:
        async with _pop2(house, box) as pop:
            async for message in pop.messages():
                await message.delete()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await asyncio.to_thread(wait_until, lambda: _is_free(house, box), "the box is free again")
    assert count(house, box) == 2


def _is_free(house: PostOffice, box: Mailbox) -> bool:
    with Talk(house.pop3) as talk:
        talk.ask(f"USER {box.name}".encode())
        return talk.ask(f"PASS {box.password}".encode()).startswith(b"+OK")


async def test_pop1_reads_every_octet_and_deletes_what_is_accepted(house: PostOffice, box: Mailbox) -> None:
    fill(house, box, SPECIMENS)
    async with _pop1(house, box) as pop:
        mailbox = await pop.mailbox(deletes=True)
        check_all([await message.raw() async for message in mailbox.messages()], SPECIMENS)
    assert count(house, box) == len(SPECIMENS)
    async with _pop1(house, box) as pop:
        mailbox = await pop.mailbox(deletes=True)
        assert {message.sender async for message in mailbox.messages()} == {"ali@sender.test"}
        await mailbox.accept()
        assert (await pop.mailbox()).octets == 0
    assert count(house, box) == 0


async def test_a_wrong_password_is_told(house: PostOffice, box: Mailbox) -> None:
    wrong = Mailbox(box.name, "wrong")
    for opened in (_pop2, _pop1):
        with pytest.raises(LoginRefused):
            async with opened(house, wrong):
                pass


async def test_both_over_tls(house: PostOffice, box: Mailbox, authority: Authority) -> None:
    fill(house, box, SPECIMENS[:3])
    ports = house.address("pop2s")[1], house.address("pop1s")[1]
    trust = str(authority.path)
    two = connect_pop2(f"pop2s://{box.name}:{box.password}@localhost:{ports[0]}", tls_ca=trust, plaintext="never")
    async with two as pop:
        check_all([await message.raw() async for message in pop.messages()], SPECIMENS[:3])
    one = connect_pop1(f"pop1s://{box.name}:{box.password}@localhost:{ports[1]}", tls_ca=trust, plaintext="never")
    async with one as old:
        mailbox = await old.mailbox(deletes=True)
        check_all([await message.raw() async for message in mailbox.messages()], SPECIMENS[:3])
        await mailbox.accept()
    assert count(house, box) == 0


async def test_a_large_message_takes_little_memory(house: PostOffice, box: Mailbox) -> None:
    deliver(house, box, [b"Subject: large\r\n\r\n" + (b"x" * 998 + b"\r\n") * (LARGE // 1000)])
    octets = {}
    tracemalloc.start()
    try:
        async with _pop2(house, box) as pop:
            async for message in pop.messages():
                octets["pop2"] = sum([len(piece) async for piece in message.stream()])
        async with _pop1(house, box) as pop:
            async for message in (await pop.mailbox()).messages():
                octets["pop1"] = sum([len(piece) async for piece in message.stream()])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert min(octets.values()) > LARGE
    assert octets["pop1"] == octets["pop2"]
    assert peak < LITTLE
