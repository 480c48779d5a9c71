"""One session: what it asks for, in which order, and what a message that breaks it off may not keep from happening."""

import re

import pytest

from postane.fetch.account import Action, Filter, Keep, KeepKind
from postane.fetch.errors import FetchError, Trouble
from postane.journal.base import Step
from postane.sinks.base import Delivery, Fault, Outcome, SinkError
from support.fetching import Bench, Given, MemorySink, MemorySource, mail

GONE = Keep(KeepKind.NONE)


async def test_a_message_at_which_the_server_hangs_up_does_not_keep_the_others_from_coming():
    bench = Bench(*[mail(number) for number in range(1, 6)])
    bench.server.hangs_up_at = "u2"
    for _ in range(3):
        await bench.fetch()
    assert bench.sink.deliveries == 4


async def test_what_was_delivered_is_deleted_though_the_session_that_fetched_it_broke():
    bench = Bench(*[mail(number) for number in range(1, 6)], keep=GONE)
    bench.server.hangs_up_at = "u2"
    for _ in range(3):
        progress = await bench.fetch()
        assert progress.error is not None
    assert [each.uidl for each in bench.server.mails] == ["u2"]
    assert bench.sink.deliveries == 4


async def test_what_is_at_all_destinations_that_are_left_is_not_fetched_again():
    two = MemorySink("two")
    bench = Bench(mail(1), mail(2), sinks=[MemorySink("one"), two], keep=GONE)
    two.answer = lambda _: Delivery(Outcome.DEFERRED, "full")
    await bench.fetch()
    bench.sinks = bench.sinks[:1]
    bench.server.retrieved.clear()
    progress = await bench.fetch()
    assert (bench.server.retrieved, bench.server.mails, progress.present) == ([], [], 2)


async def test_what_is_put_off_again_and_again_comes_after_all_that_is_new():
    bench = Bench(*[mail(number) for number in range(1, 1301)], sinks=[MemorySink(group=1)])
    bad = {bench.key(f"u{number}") for number in range(1, 1201)}
    bench.sink.answer = lambda parcel: Delivery(Outcome.DEFERRED, "not now") if parcel.key in bad else None
    for _ in range(150):
        await bench.fetch()
        if bench.sink.deliveries == 100:
            break
    assert bench.sink.deliveries == 100


async def test_what_was_put_off_least_often_is_tried_first():
    bench = Bench(*[mail(number) for number in range(1, 201)], sinks=[MemorySink(group=1)])
    bench.sink.answer = lambda parcel: Delivery(Outcome.DEFERRED, "out of order")
    for _ in range(40):
        await bench.fetch()
    good = bench.key("u200")
    bench.sink.answer = lambda parcel: None if parcel.key == good else Delivery(Outcome.DEFERRED, "not now")
    for _ in range(15):
        await bench.fetch()
    assert bench.sink.deliveries == 1


async def test_what_a_full_destination_alone_lacks_is_not_fetched_each_time():
    full, other = MemorySink("full"), MemorySink("other")
    full.answer = lambda _: Delivery(Outcome.DEFERRED, "no room")
    bench = Bench(*[mail(number) for number in range(1, 301)], sinks=[full, other])
    await bench.fetch()
    assert other.deliveries == 300
    bench.server.retrieved.clear()
    progress = await bench.fetch()
    assert len(bench.server.retrieved) <= 20
    assert (progress.error, progress.failed) == (None, 20)
    assert progress.note == "full takes no message now: what it alone lacks is left at the server"
    bench.server.mails.append(mail(301))
    bench.server.retrieved.clear()
    await bench.fetch()
    assert other.deliveries == 301
    full.answer = lambda _: None
    await bench.fetch()
    assert (full.deliveries, other.deliveries) == (301, 301)
    counts = {each.account: each.steps for each in await bench.journal.counts()}
    assert counts["work"][Step.DELIVERED] == 301


async def test_a_limit_is_not_filled_again_and_again_by_what_a_full_destination_lacks():
    full, other = MemorySink("full"), MemorySink("other")
    full.answer = lambda _: Delivery(Outcome.DEFERRED, "no room")
    bench = Bench(*[mail(number) for number in range(1, 101)], sinks=[full, other], keep=GONE, expunge_every=30)
    for _ in range(3):
        await bench.fetch()
    assert other.deliveries == 100
    full.answer = lambda _: None
    await bench.fetch()
    assert (full.deliveries, other.deliveries, bench.server.mails) == (100, 100, [])


@pytest.mark.parametrize("surplus", [0, 40 * 1024 * 1024])
async def test_a_message_without_an_end_keeps_no_other_one_at_the_server(surplus):
    bench = Bench(*[mail(number) for number in range(1, 6)], keep=GONE)
    bench.server.mails[1].surplus = surplus
    for _ in range(3):
        await bench.fetch()
    assert [each.uidl for each in bench.server.mails] == (["u2"] if surplus else [])
    assert bench.sink.deliveries == (4 if surplus else 5)


async def test_a_header_part_at_which_the_server_hangs_up_does_not_keep_the_others_from_coming(monkeypatch):
    headers = MemorySource.headers

    async def hangs_up(self, numbers):
        async for given in headers(self, numbers):
            if given.number == 2:
                raise FetchError("the server has hung up", Trouble.TEMPORARY)
            yield given

    monkeypatch.setattr(MemorySource, "headers", hangs_up)
    never = Filter("Subject", re.compile("no such"), Action.SKIP)
    bench = Bench(*[mail(number) for number in range(1, 6)], filters=(never,), expunge_every=2)
    for _ in range(4):
        await bench.fetch()
    assert bench.sink.deliveries == 4


@pytest.mark.parametrize("uidl", [None, "same"])
async def test_a_server_that_deletes_nothing_and_has_no_unique_ids_gives_nothing_twice(monkeypatch, uidl):
    async def commit(self):
        pass

    monkeypatch.setattr(MemorySource, "commit", commit)
    bench = Bench(mail(1, uidl=uidl), mail(2, uidl=uidl), sinks=[MemorySink(can_tell=False)], keep=GONE)
    for _ in range(4):
        assert (await bench.fetch()).error is None
    assert bench.sink.deliveries == 2


async def test_what_was_deleted_and_had_no_unique_id_may_come_again():
    bench = Bench(mail(1, uidl=None), sinks=[MemorySink(can_tell=False)], keep=GONE)
    await bench.fetch()
    await bench.fetch()  # the server's listing lacks it
    bench.server.mails = [mail(1, uidl=None)]
    await bench.fetch()
    assert bench.sink.deliveries == 2


async def test_a_server_that_wants_time_between_logins_is_not_visited_again_for_what_a_filter_left():
    skips = Filter("Subject", re.compile("message"), Action.SKIP)
    bench = Bench(*[mail(number) for number in range(1, 6)], filters=(skips,), limit=2)
    bench.server.login_delay = 60
    assert (await bench.fetch()).error is None
    assert bench.server.sessions == 1


async def test_what_several_sessions_list_is_counted_once():
    bench = Bench(*[mail(number) for number in range(1, 11)], expunge_every=4, keep=GONE)
    progress = await bench.fetch()
    assert (progress.listed, progress.deleted) == (10, 10)
    bench = Bench(*[mail(number) for number in range(1, 11)], keep=GONE)
    bench.server.hangs_up_at = "u4"
    assert (await bench.fetch()).listed == 10


class Allergic(MemorySink):
    """A server that hangs up at one message."""

    bad = ""

    def _deliver(self, parcel):
        if parcel.key == self.bad:
            raise SinkError("the server has hung up")
        return super()._deliver(parcel)


@pytest.mark.parametrize("group", [1, 20])
@pytest.mark.parametrize("can_tell", [True, False])
async def test_a_message_at_which_a_destination_hangs_up_does_not_keep_the_others_from_it(group, can_tell):
    bench = Bench(*[mail(number) for number in range(1, 51)], sinks=[Allergic(group=group, can_tell=can_tell)])
    bench.sink.bad = bench.key("u7")
    for _ in range(5):
        progress = await bench.fetch()
        assert progress.error is not None
    assert len(bench.sink.parcels) == 49


@pytest.mark.parametrize("last", [False, True])
async def test_a_message_behind_whose_end_comes_more_is_not_deleted(monkeypatch, last):
    """A server that does not double a dot ends a message at it: the rest of it comes in the place of an answer."""

    async def retrieve(self, numbers):
        for number in numbers:
            yield Given(number, self._mails[number - 1].octets[: 60 if number == 2 else None])
            if number == 2 and not last:
                raise FetchError("this is no POP3: the rest of it", Trouble.PROTOCOL)

    async def delete(self, numbers):
        raise FetchError("this is no POP3: the rest of it", Trouble.PROTOCOL)

    bench = Bench(*[mail(number) for number in range(1, 3 if last else 4)], keep=GONE)
    with monkeypatch.context() as broken:
        broken.setattr(MemorySource, "retrieve", retrieve)
        if last:
            broken.setattr(MemorySource, "delete", delete)
        progress = await bench.fetch()
    assert progress.error is not None
    assert "u2" in progress.troubles[0]
    await bench.fetch()
    assert [each.uidl for each in bench.server.mails] == ["u2"]
    entries = [each async for each in bench.journal.entries("work", steps=[Step.SKIPPED])]
    assert [(each.key, each.reason[:26]) for each in entries] == [("u2", "it came shorter than it is")]


async def test_a_destination_that_is_not_believed_makes_no_message_doubtful():
    bench = Bench(mail(1), keep=GONE)
    bench.server.mails[0].listed = -50
    bench.sink.fails = SinkError("who is that", may_pass=False, fault=Fault.TRUST)
    progress = await bench.fetch()
    assert progress.error is not None
    assert progress.error.trouble is Trouble.PROTOCOL
    bench.sink.fails = None
    assert (await bench.fetch()).delivered == 1
