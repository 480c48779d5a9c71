"""One suite for every sink: what `postane.sinks.base` promises."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postane.sinks.base import Outcome, Sink
from postane.sinks.content import FileContent, Spool
from support.corpus import corpus
from support.sink_houses import SINKS, SinkHouse, octets, parcel

LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcdef0123456789abcdef\r\n" * 40_000


@pytest.fixture(params=list(SINKS))
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SinkHouse]:
    async with SINKS[request.param](tmp_path) as house:
        yield house


@contextlib.asynccontextmanager
async def opened(house: SinkHouse) -> AsyncIterator[Sink]:
    sink = house.make()
    await sink.open()
    try:
        yield sink
    finally:
        await sink.close()


async def deliver_all(sink: Sink, parcels: list) -> None:
    """All of them, as many at a time as it wants."""
    for start in range(0, len(parcels), sink.group):
        group = parcels[start : start + sink.group]
        answers = await sink.deliver(group)
        assert [answer.outcome for answer in answers] == [Outcome.DELIVERED] * len(group), answers


def test_it_has_a_name_that_stays_and_a_group(house: SinkHouse) -> None:
    one, other = house.make(), house.make()
    assert one.name == other.name
    assert ":" in one.name
    assert one.group >= 1


async def test_one_that_can_tell_knows_whether_it_is_new(house: SinkHouse) -> None:
    async with opened(house) as sink:
        assert sink.is_new is sink.can_tell
        await deliver_all(sink, [parcel(1)])
    async with opened(house) as sink:
        assert sink.is_new is False


async def test_what_is_delivered_is_there_in_order(house: SinkHouse) -> None:
    parcels = [parcel(number) for number in range(1, 8)]
    async with opened(house) as sink:
        await deliver_all(sink, parcels)
        assert await house.contents() == [octets(each) for each in parcels]


async def test_nothing_is_delivered_where_nothing_is_given(house: SinkHouse) -> None:
    async with opened(house) as sink:
        assert list(await sink.deliver([])) == []
        assert await sink.find([]) == set()
    assert await house.contents() == []


async def test_one_that_can_tell_knows_them_again(house: SinkHouse) -> None:
    parcels = [parcel(number) for number in range(1, 6)]
    async with opened(house) as sink:
        assert await sink.find([each.key for each in parcels]) == set()
        await deliver_all(sink, parcels[:3])
    async with opened(house) as sink:
        found = await sink.find([each.key for each in parcels])
        assert found == ({each.key for each in parcels[:3]} if sink.can_tell else set())
        assert await sink.find([parcel(number).key for number in range(50)]) == found
        await deliver_all(sink, parcels[3:])
    async with opened(house) as sink:
        assert await sink.find([parcels[1].key, "work/never-seen"]) == ({parcels[1].key} if sink.can_tell else set())
        assert await sink.resembling({"work/never-seen": ""}) == set(), "all that is there bears a key"
    assert len(await house.contents()) == 5


async def test_every_message_comes_as_it_was_sent(house: SinkHouse) -> None:
    specimens = [each.octets for each in corpus() if each.octets.endswith(b"\r\n")]
    parcels = [parcel(number, data) for number, data in enumerate(specimens, 1)]
    async with opened(house) as sink:
        await deliver_all(sink, parcels)
    assert await house.contents() == [house.keeps(octets(each)) for each in parcels]


async def test_a_large_one_that_lies_in_a_file(house: SinkHouse) -> None:
    spool = Spool()
    spool.write(LARGE)
    content = spool.finish()
    assert isinstance(content, FileContent)
    sent = parcel(1)
    async with opened(house) as sink:
        await deliver_all(sink, [type(sent)(sent.key, sent.account, content, sent.lead, arrived=sent.arrived)])
    spool.discard()
    assert await house.contents() == [sent.lead + LARGE]


async def test_one_that_cannot_be_read_is_not_there_and_the_others_are(house: SinkHouse) -> None:
    spool = Spool(10)
    spool.write(b"Subject: gone\r\n\r\n")
    content = spool.finish()
    spool.discard()
    gone = parcel(2)
    gone = type(gone)(gone.key, gone.account, content, arrived=gone.arrived)
    async with opened(house) as sink:
        answers = [answer for each in (parcel(1), gone, parcel(3)) for answer in await sink.deliver([each])]
        assert [answer.is_there for answer in answers] == [True, False, True]
        assert "let go of" in answers[1].reason
        assert gone.key not in await sink.find([gone.key])
    assert await house.contents() == [octets(parcel(1)), octets(parcel(3))]


@pytest.mark.parametrize("turns", [0, 1, 2, 5])
async def test_one_that_is_cancelled_loses_nothing(house: SinkHouse, turns: int) -> None:
    parcels = [parcel(number) for number in range(1, 5)]
    async with opened(house) as sink:
        first = parcels[: sink.group]
        delivering = asyncio.ensure_future(sink.deliver(first))
        for _ in range(turns):
            await asyncio.sleep(0)
        delivering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await delivering
        found = await sink.find([each.key for each in parcels])
        for each in parcels:
            if each.key not in found:
                assert (await sink.deliver([each]))[0].is_there
        can_tell = sink.can_tell
    got = await house.contents()
    assert {octets(each) for each in parcels} == set(got)
    if can_tell:
        assert len(got) == len(parcels)


async def test_it_may_be_closed_twice_and_without_having_been_used(house: SinkHouse) -> None:
    sink = house.make()
    await sink.close()
    await sink.open()
    await sink.close()
    await sink.close()
