"""POP2 and POP1 for programs, against a running server: the whole corpus, deletions, and memory that stays flat."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from postane.client.errors import LoginRefused
from postane.client.pop1 import Pop1
from postane.client.pop2 import Pop2
from postane.net.base import Target, TlsMode, TlsPolicy
from postane.net.dial import dial
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
def house() -> Iterator[PostOffice]:
    with PostOffice({"pop2": LOOPBACK, "pop1": LOOPBACK}) as office:
        yield office


@pytest.fixture
def box(house: PostOffice) -> Mailbox:
    return house.fresh()


@asynccontextmanager
async def _pop2(house: PostOffice, box: Mailbox) -> AsyncIterator[Pop2]:
    pop = Pop2(await dial(Target(*house.address("pop2"), TlsPolicy(TlsMode.NONE))))
    await pop.greet()
    async with pop:
        await pop.log_in(box.name, box.password)
        yield pop


@asynccontextmanager
async def _pop1(house: PostOffice, box: Mailbox) -> AsyncIterator[Pop1]:
    pop = Pop1(await dial(Target(*house.address("pop1"), TlsPolicy(TlsMode.NONE))))
    await pop.greet()
    async with pop:
        await pop.log_in(box.name, box.password)
        yield pop


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
