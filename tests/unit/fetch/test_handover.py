"""From crates to destinations and records: in groups, with room for so many, and right whatever breaks in between."""

import asyncio

import pytest

from postane.fetch import handover
from postane.fetch.account import Keep, KeepKind
from postane.fetch.errors import FetchError, Trouble
from postane.fetch.handover import Crate, Handover
from postane.fetch.progress import Progress
from postane.journal.base import JournalError, Listed, Step
from postane.journal.memory import MemoryJournal
from postane.sinks.base import Delivery, Outcome, Parcel, SinkError
from postane.sinks.content import IN_MEMORY, Spool, SpoolError
from support.fetching import NOW, Bench, MemorySink, mail

LARGE = b"x" * (IN_MEMORY + 1)
"""What is held in a file."""


class HeldSink(MemorySink):
    """A destination that delivers when it may."""

    def __init__(self, name: str = "held", **kinds: bool) -> None:
        super().__init__(name, **kinds)
        self.may = asyncio.Event()
        self.has_begun = asyncio.Event()

    async def deliver(self, parcels):
        self.has_begun.set()
        await self.may.wait()
        return await super().deliver(parcels)


class Hall:
    """A handover with its journal."""

    def __init__(self, *sinks: MemorySink) -> None:
        self.sinks = sinks or (MemorySink(),)
        self.journal = MemoryJournal(lambda: NOW)
        self.progress = Progress("work", lambda: NOW)
        self.spools: list[Spool] = []

    async def open(self, count: int = 1000) -> Handover:
        """With so many messages in the listing: m1, m2 ..."""

        async def listing():
            yield [Listed(number, f"m{number}", 10) for number in range(1, count + 1)]

        self.run = await self.journal.begin("work")
        await self.run.take_listing(listing())
        return Handover(self.sinks, self.run, self.progress)

    def crate(self, number: int, octets: bytes = b"Subject: x\r\n\r\n", **more: object) -> Crate:
        spool = Spool()
        spool.write(octets)
        self.spools.append(spool)
        return Crate(f"m{number}", Parcel(f"p{number}", "work", spool.finish()), spool, **more)  # type: ignore[arg-type]

    async def steps(self) -> dict[str, Step]:
        entries = [entry async for entry in self.journal.entries("work")]
        return {entry.key: entry.step for entry in entries if entry.step is not Step.SEEN}


async def test_what_is_put_in_is_delivered_and_recorded():
    hall = Hall()
    handing = await hall.open()
    for number in range(1, 4):
        await handing.put(hall.crate(number))
    await handing.finish()
    assert set(hall.sinks[0].parcels) == {"p1", "p2", "p3"}
    assert await hall.steps() == dict.fromkeys(("m1", "m2", "m3"), Step.DELIVERED)
    assert (hall.progress.delivered, hall.progress.present, handing.failed) == (3, 0, set())


async def test_without_a_crate_there_is_nothing_to_end():
    hall = Hall()
    handing = await hall.open()
    await handing.finish()
    assert await handing.abandon()
    assert hall.sinks[0].groups == []


async def test_no_more_waits_than_there_is_room_for():
    sink = HeldSink()
    hall = Hall(sink)
    handing = await hall.open()

    async def bring() -> None:
        for number in range(4 * handover.GROUP):
            await handing.put(hall.crate(number))

    bringing = asyncio.create_task(bring())
    await sink.has_begun.wait()
    await asyncio.sleep(0.05)
    assert len(hall.spools) <= handover.WAITING + handover.GROUP, "of a group that is out and those that wait"
    assert not bringing.done()
    sink.may.set()
    await bringing
    await handing.finish()
    assert hall.progress.delivered == 4 * handover.GROUP


async def test_large_messages_wait_by_their_octets():
    sink = HeldSink()
    hall = Hall(sink)
    handing = await hall.open()
    large = b"x" * (handover.GROUP_OCTETS // 4)

    async def bring() -> None:
        for number in range(1, 21):
            await handing.put(hall.crate(number, large))

    bringing = asyncio.create_task(bring())
    await sink.has_begun.wait()
    await asyncio.sleep(0.05)
    assert len(hall.spools) <= 10
    sink.may.set()
    await bringing
    await handing.finish()
    assert hall.progress.delivered == 20


async def test_a_destination_gets_as_many_as_it_wants_at_a_time_and_a_record_after_each():
    sink = MemorySink(can_tell=False, group=1)
    hall = Hall(sink)
    handing = await hall.open()
    recorded: list[dict[str, Step]] = []
    run = hall.run
    deliver = sink.deliver

    async def watched(parcels):
        recorded.append({key: step for key, step in (await hall.steps()).items() if step is Step.DELIVERED})
        return await deliver(parcels)

    sink.deliver = watched  # type: ignore[method-assign]
    for number in (1, 2, 3):
        await handing.put(hall.crate(number))
    await handing.finish()
    assert sink.groups == [1, 1, 1]
    assert [len(each) for each in recorded] == [0, 1, 2], "each is recorded before the next is delivered"
    await run.finish(is_clean=True)


async def test_a_destination_that_is_gone_stops_it_and_what_was_delivered_before_is_recorded():
    sink = MemorySink(group=1)
    hall = Hall(sink)
    handing = await hall.open()
    sink.answer = lambda parcel: setattr(sink, "fails", SinkError("the disk is gone", may_pass=False))  # type: ignore[func-returns-value]
    for number in (1, 2, 3):
        await handing.put(hall.crate(number, LARGE))
    with pytest.raises(FetchError, match="the disk is gone") as raised:
        await handing.finish()
    assert raised.value.trouble is Trouble.DESTINATION
    steps = await hall.steps()
    assert [steps["m1"], steps["m2"], steps["m3"]] == [Step.DELIVERED, Step.FETCHED, Step.FETCHED]
    assert all(is_discarded(spool) for spool in hall.spools)


async def test_nothing_more_is_taken_in_where_nothing_can_be_delivered():
    sink = MemorySink()
    sink.fails = SinkError("full")
    hall = Hall(sink)
    handing = await hall.open()

    async def bring() -> None:
        for number in range(1, 1000):
            await handing.put(hall.crate(number, LARGE))

    with pytest.raises(FetchError, match="full") as raised:
        await bring()
    assert raised.value.trouble is Trouble.TEMPORARY
    with pytest.raises(FetchError, match="full"):
        await handing.finish()
    assert all(is_discarded(spool) for spool in hall.spools), "what waited keeps no file open"


async def test_a_destination_that_dies_while_the_server_waits_for_room_lets_it_go():
    sink = HeldSink()
    hall = Hall(sink)
    handing = await hall.open()

    async def bring() -> None:
        for number in range(1, 1000):
            await handing.put(hall.crate(number, LARGE))

    bringing = asyncio.create_task(bring())
    await sink.has_begun.wait()
    await asyncio.sleep(0)
    sink.fails = SinkError("gone")
    sink.may.set()
    with pytest.raises(FetchError, match="gone"):
        await bringing
    assert not await handing.abandon(), "nobody knows what was delivered last"
    assert all(is_discarded(spool) for spool in hall.spools)


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (SpoolError("a temporary file was cut short"), Trouble.TEMPORARY),
        (JournalError("the journal is damaged"), Trouble.JOURNAL),
        (JournalError("the disk is full", may_pass=True), Trouble.TEMPORARY),
        (SinkError("later"), Trouble.TEMPORARY),
    ],
)
async def test_what_breaks_is_told_in_the_words_of_the_run(error, trouble):
    hall = Hall()
    handing = await hall.open()

    async def broken(_):
        raise error

    hall.sinks[0].deliver = broken  # type: ignore[method-assign]
    await handing.put(hall.crate(1))
    with pytest.raises(FetchError) as raised:
        await handing.finish()
    assert (raised.value.text, raised.value.trouble) == (error.text, trouble)


async def test_what_has_begun_comes_to_its_end_when_the_rest_is_abandoned():
    sink = HeldSink()
    hall = Hall(sink)
    handing = await hall.open()
    for number in (1, 2):
        await handing.put(hall.crate(number))
    await sink.has_begun.wait()
    await handing.put(hall.crate(3))
    leaving = asyncio.create_task(handing.abandon())
    await asyncio.sleep(0)
    sink.may.set()
    assert await leaving, "all that was delivered is recorded"
    assert await hall.steps() == {"m1": Step.DELIVERED, "m2": Step.DELIVERED}
    assert set(sink.parcels) == {"p1", "p2"}


async def test_who_is_cancelled_while_it_ends_can_still_let_it_come_to_its_end():
    sink = HeldSink(can_tell=False)
    hall = Hall(sink)
    handing = await hall.open()
    await handing.put(hall.crate(1))
    ending = asyncio.create_task(handing.finish())
    await sink.has_begun.wait()
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    sink.may.set()
    assert await handing.abandon()
    assert await hall.steps() == {"m1": Step.DELIVERED}


async def test_of_several_destinations_only_those_that_lack_it_get_it():
    one, other = MemorySink("one"), MemorySink("other")
    hall = Hall(one, other)
    handing = await hall.open()
    other.answer = lambda parcel: Delivery(Outcome.DEFERRED, "full") if parcel.key == "p2" else None
    await handing.put(hall.crate(1, had_by=("one",)))
    await handing.put(hall.crate(2))
    await handing.finish()
    assert (set(one.parcels), set(other.parcels)) == ({"p2"}, {"p1"})
    assert await hall.steps() == {"m1": Step.DELIVERED, "m2": Step.FETCHED}
    (entry,) = [entry async for entry in hall.journal.entries("work", steps=[Step.FETCHED])]
    assert (entry.sinks, entry.attempts, entry.reason) == (("one",), 1, "other: full")
    assert (hall.progress.delivered, hall.progress.failed, handing.failed) == (1, 1, {"m2"})


async def test_what_all_have_already_is_there_and_not_delivered():
    sink = MemorySink()
    sink.parcels["p1"] = b"from an earlier run"
    hall = Hall(sink)
    handing = await hall.open()
    await handing.put(hall.crate(1))
    await handing.finish()
    assert (hall.progress.delivered, hall.progress.present) == (0, 1)
    assert await hall.steps() == {"m1": Step.DELIVERED}


async def test_a_part_of_a_message_is_delivered_and_the_message_left():
    hall = Hall()
    handing = await hall.open()
    await handing.put(hall.crate(1, remark="larger than is wanted"))
    await handing.finish()
    assert await hall.steps() == {"m1": Step.SKIPPED}
    assert (hall.progress.delivered, hall.progress.skipped) == (1, 1)


async def test_refused_by_two_is_told_once():
    sinks = MemorySink("one"), MemorySink("other")
    hall = Hall(*sinks)
    handing = await hall.open()
    for sink in sinks:
        sink.answer = lambda _: Delivery(Outcome.REFUSED)
    await handing.put(hall.crate(1))
    await handing.finish()
    assert hall.progress.troubles == ["m1: one: refused"]
    assert (hall.progress.failed, hall.progress.worst) == (1, Trouble.REFUSED)
    assert hall.progress.note.count("to leave it at the server: postane fetch state mark-seen work KEY") == 1


async def test_a_large_message_is_let_go_of_once_it_is_delivered():
    hall = Hall()
    handing = await hall.open()
    await handing.put(hall.crate(1, LARGE))
    await handing.finish()
    assert len(hall.sinks[0].parcels["p1"]) == IN_MEMORY + 1
    assert is_discarded(hall.spools[0])


def is_discarded(spool: Spool) -> bool:
    """Whether its content, which is a file's, cannot be read any more."""
    try:
        return not list(spool.finish().chunks())
    except SpoolError:
        return True


async def test_between_two_deliveries_nobody_waits_for_the_rest():
    bench = Bench(*[mail(number) for number in range(1, 20)])
    begun = asyncio.Event()

    class Slow(MemorySink):
        async def deliver(self, parcels):
            begun.set()
            await asyncio.sleep(0.01)
            return await super().deliver(parcels)

    bench.sinks = [Slow(can_tell=False, group=1)]
    run = asyncio.create_task(bench.fetch())
    await begun.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert 0 < bench.sink.deliveries < 19
    delivered = bench.sink.deliveries
    assert not (await bench.journal.begin("work")).is_suspect, "what was delivered is recorded"
    counts = {each.account: each.steps for each in await bench.journal.counts()}
    assert counts["work"][Step.DELIVERED] == delivered


class FullSink(MemorySink):
    """A destination that puts off whatever comes, once it has taken so many."""

    def __init__(self, name: str = "full", *, takes: int = 0, group: int = 1) -> None:
        super().__init__(name, group=group)
        self.takes = takes
        self.asked = 0

    def _deliver(self, parcel):
        self.asked += 1
        return Delivery(Outcome.DEFERRED, "no room") if self.asked > self.takes else super()._deliver(parcel)


@pytest.mark.parametrize(("takes", "asked"), [(0, 20), (1, 101), (70, 170)])
async def test_a_destination_that_takes_nothing_stops_the_fetching(takes, asked):
    bench = Bench(*[mail(number) for number in range(1, 501)], sinks=[FullSink(takes=takes)])
    progress = await bench.fetch()
    assert bench.sink.asked == asked
    assert progress.error is not None
    assert progress.error.trouble is Trouble.TEMPORARY
    assert progress.error.text == (
        f"full takes no message now: no room; left at the server until the next run: {500 - takes}"
    )
    assert len(bench.server.retrieved) <= asked + handover.WAITING + handover.GROUP
    bench.sinks[0].takes = 10_000
    assert (await bench.fetch()).error is None
    assert bench.sink.deliveries == 500, "nothing is lost and nothing twice"


@pytest.mark.parametrize(("keep", "left"), [(Keep(KeepKind.NONE), 130), (Keep(KeepKind.ALL), 200)])
async def test_what_was_delivered_before_it_stopped_is_deleted_if_it_is_to_be(keep, left):
    bench = Bench(*[mail(number) for number in range(1, 201)], sinks=[FullSink(takes=70)], keep=keep)
    progress = await bench.fetch()
    assert progress.error is not None
    assert (len(bench.server.mails), progress.deleted) == (left, 200 - left)
    assert bench.server.mails[-1].uidl == "u200"
    bench.sinks[0].takes = 10_000
    await bench.fetch()
    assert bench.sink.deliveries == 200
    assert len(bench.server.mails) == (0 if left < 200 else 200)


async def test_a_server_that_wants_time_between_logins_is_visited_once():
    bench = Bench(*[mail(number) for number in range(1, 201)], sinks=[FullSink(takes=70)], keep=Keep(KeepKind.NONE))
    bench.server.login_delay = 60
    progress = await bench.fetch()
    assert (bench.server.sessions, progress.deleted) == (1, 0)


async def test_a_session_that_cannot_delete_says_why_nothing_more_was_fetched():
    bench = Bench(*[mail(number) for number in range(1, 201)], sinks=[FullSink(takes=70)], keep=Keep(KeepKind.NONE))
    bench.server.commits = False
    progress = await bench.fetch()
    assert progress.error is not None
    assert progress.error.text.startswith("full takes no message now")
    assert (len(bench.server.mails), progress.deleted) == (200, 0)


async def test_a_destination_that_names_itself_is_not_named_twice():
    bench = Bench(*[mail(number) for number in range(1, 31)], sinks=[MemorySink("mbox:/m", group=1)])
    bench.sink.answer = lambda _: Delivery(Outcome.DEFERRED, "no room in the mbox /m")
    progress = await bench.fetch()
    assert progress.error is not None
    assert progress.error.text == (
        "nothing more is fetched: no room in the mbox /m; left at the server until the next run: 30"
    )


async def test_what_was_delivered_before_it_stopped_is_recorded():
    bench = Bench(*[mail(number) for number in range(1, 201)], sinks=[FullSink(takes=70)])
    await bench.fetch()
    assert not (await bench.journal.begin("work")).is_suspect
    counts = {each.account: each.steps for each in await bench.journal.counts()}
    assert counts["work"][Step.DELIVERED] == 70


async def test_what_is_refused_one_by_one_stops_nothing():
    bench = Bench(*[mail(number) for number in range(1, 301)])
    bench.sink.answer = lambda _: Delivery(Outcome.REFUSED, "spam")
    assert (await bench.fetch()).error is None
    assert sum(bench.sink.groups) == 300


async def test_fewer_than_that_are_asked_each_for_itself():
    bench = Bench(*[mail(number) for number in range(1, 20)], sinks=[FullSink()])
    progress = await bench.fetch()
    assert (progress.error, progress.failed) == (None, 19)


async def test_one_now_and_then_stops_nothing():
    bench = Bench(*[mail(number) for number in range(1, 301)], sinks=[MemorySink(group=1)])
    bench.sink.answer = lambda parcel: Delivery(Outcome.DEFERRED, "busy") if int(parcel.key, 16) % 3 else None
    assert (await bench.fetch()).error is None


async def test_a_recipient_who_got_it_shows_that_the_destination_takes_mail():
    bench = Bench(*[mail(number) for number in range(1, 301)])
    bench.sink.answer = lambda _: Delivery(Outcome.DEFERRED, "one of two is full", done=("anna@example.org",))
    assert (await bench.fetch()).error is None


async def test_as_long_as_one_destination_takes_mail_it_gets_all():
    full, other = FullSink(group=100), MemorySink("other")
    bench = Bench(*[mail(number) for number in range(1, 301)], sinks=[full, other])
    progress = await bench.fetch()
    assert (progress.error, other.deliveries) == (None, 300)


async def test_it_is_counted_through_all_sessions_of_a_run():
    keep = Keep(KeepKind.NONE)
    bench = Bench(*[mail(number) for number in range(1, 101)], sinks=[FullSink()], keep=keep, expunge_every=10)
    progress = await bench.fetch()
    assert progress.error is not None
    assert bench.server.sessions == 3, "two to fetch, one to delete"


async def test_stopped_after_a_destination_went_down_it_is_not_known_what_that_one_has():
    held, down = HeldSink("held"), MemorySink("down")
    hall = Hall(down, held)
    handing = await hall.open()
    down.fails = SinkError("gone amid a delivery")
    await handing.put(hall.crate(1))
    await held.has_begun.wait()
    leaving = asyncio.create_task(handing.abandon())
    held.may.set()
    assert await leaving is False
