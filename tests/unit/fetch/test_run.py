"""One account's run, with a server and destinations in memory."""

import asyncio
import re
from dataclasses import replace

import pytest

from postane.fetch.account import Action, Filter, Keep, KeepKind, Oversize
from postane.fetch.errors import FetchError, Trouble
from postane.fetch.progress import Progress
from postane.fetch.run import fetch
from postane.fetch.tending import forget, mark_seen
from postane.journal.base import JournalError, Step
from postane.journal.memory import MemoryJournal, MemoryRun
from postane.sinks.base import Delivery, Fault, Outcome, SinkError
from support.fetching import NOW, Bench, Mail, MemorySink, MemorySource, mail

DELETES = Keep(KeepKind.NONE)


async def test_new_mail_is_delivered_once_and_kept():
    bench = Bench(mail(1), mail(2))
    first = await bench.fetch()
    assert (first.delivered, first.deleted, first.error) == (2, 0, None)
    second = await bench.fetch()
    assert (second.delivered, second.messages) == (0, 0)
    assert list(bench.sink.parcels.values()) == [each.octets for each in bench.server.mails]
    bench.server.mails.append(mail(3))
    assert (await bench.fetch()).delivered == 1
    assert bench.server.retrieved == ["u1", "u2", "u3"]


async def test_what_is_delivered_is_deleted_where_it_is_not_kept():
    bench = Bench(mail(1), mail(2), keep=DELETES)
    progress = await bench.fetch()
    assert (progress.delivered, progress.deleted) == (2, 2)
    assert bench.server.mails == []


async def test_nothing_is_deleted_that_was_not_delivered():
    bench = Bench(mail(1), mail(2), keep=DELETES)
    bench.sink.answer = lambda parcel: Delivery(Outcome.DEFERRED, "full") if parcel.key == bench.key("u1") else None
    progress = await bench.fetch()
    assert [each.uidl for each in bench.server.mails] == ["u1"]
    assert (progress.failed, progress.worst) == (1, Trouble.TEMPORARY)
    assert "full" in progress.troubles[0]
    bench.sink.answer = lambda _: None
    assert (await bench.fetch()).deleted == 1


async def test_a_refused_message_needs_a_person():
    bench = Bench(mail(1))
    bench.sink.answer = lambda _: Delivery(Outcome.REFUSED, "no such user")
    assert (await bench.fetch()).worst is Trouble.REFUSED


async def test_an_account_is_named_as_it_is_typed():
    bench = Bench(mail(1))
    bench.account = replace(bench.account, name="my mail")
    bench.sink.answer = lambda _: Delivery(Outcome.REFUSED, "no such user")
    progress = Progress("my mail", lambda: bench.at)
    await fetch(bench.job(), bench.journal, progress)
    assert progress.note.endswith("postane fetch state mark-seen 'my mail' KEY")


async def test_when_quit_fails_the_next_run_deletes_without_fetching():
    bench = Bench(mail(1), keep=DELETES)
    bench.server.commits = False
    first = await bench.fetch()
    assert first.error is not None
    assert first.deleted == 0
    bench.server.commits = True
    second = await bench.fetch()
    assert (second.delivered, second.deleted) == (0, 1)
    assert bench.server.retrieved == ["u1"]


async def test_what_came_before_the_line_broke_is_not_fetched_again():
    bench = Bench(*[mail(number, size=1000) for number in range(1, 6)])
    bench.server.breaks_after = 3000
    first = await bench.fetch()
    assert first.error is not None
    assert first.error.trouble is Trouble.TEMPORARY
    assert first.delivered == 2
    bench.server.breaks_after = None
    assert (await bench.fetch()).delivered == 3
    assert bench.server.retrieved == ["u1", "u2", "u3", "u3", "u4", "u5"]
    assert all(len(octets) > 1000 for octets in bench.sink.parcels.values()), "nothing half is delivered"


async def test_a_message_that_breaks_each_session_off_comes_last():
    bench = Bench(mail(1, size=1000), mail(2, size=100_000), mail(3, size=1000))
    bench.server.breaks_after = 50_000
    assert [(await bench.fetch()).delivered for _ in range(4)] == [1, 0, 1, 0]
    bench.server.breaks_after = None
    assert (await bench.fetch()).delivered == 1
    assert bench.server.retrieved == ["u1", "u2", "u2", "u3", "u2", "u2", "u2"]


async def test_a_message_without_an_end_is_given_up():
    bench = Bench(mail(1), mail(2))
    bench.server.mails[0].surplus = 20 * 1024 * 1024
    first = await bench.fetch()
    assert first.error is not None
    assert (first.error.trouble, first.delivered) == (Trouble.PROTOCOL, 0)
    assert "has no end" in first.error.text
    bench.server.mails[0].surplus = 0
    assert (await bench.fetch()).delivered == 2


async def test_an_answer_too_many_is_not_taken_for_the_beginning_of_a_message():
    bench = Bench(mail(1), mail(2), mail(3), keep=DELETES)
    bench.server.stray = b"+OK 160 octets\r\n"
    first = await bench.fetch()
    assert first.error is not None
    assert (first.error.trouble, first.delivered, first.deleted) == (Trouble.PROTOCOL, 1, 0)
    assert "begins with an answer of the server" in first.error.text
    bench.server.stray = b""
    sound = [each.octets for each in bench.server.mails]
    assert (await bench.fetch()).deleted == 3
    assert list(bench.sink.parcels.values()) == sound


@pytest.mark.parametrize("listed", [-3, 0, 14])
async def test_a_message_that_only_looks_like_an_answer_is_fetched(listed):
    odd = Mail("u1", b"+OK, he said\r\n\r\nno header\r\n", listed=listed)
    bench = Bench(odd)
    assert (await bench.fetch()).delivered == (1 if listed != 14 else 0)


async def test_one_refused_message_does_not_stop_the_others():
    bench = Bench(mail(1), mail(2), mail(3), keep=DELETES)
    bench.server.mails[1].is_broken = True
    progress = await bench.fetch()
    assert (progress.delivered, progress.failed, progress.worst) == (2, 1, Trouble.TEMPORARY)
    assert [each.uidl for each in bench.server.mails] == ["u2"]


async def test_after_a_crash_destinations_that_can_tell_are_asked():
    bench = Bench(mail(1), mail(2))
    run = await bench.journal.begin("work")

    async def listing():
        from postane.journal.base import Listed

        yield [Listed(1, "u1", 100), Listed(2, "u2", 100)]

    await run.take_listing(listing())
    await run.finish(is_clean=False)
    bench.sink.parcels[bench.key("u1")] = b"delivered, and the machine died before the record"
    progress = await bench.fetch()
    assert (progress.delivered, progress.present) == (1, 1)
    assert bench.server.retrieved == ["u2"]


async def test_a_lost_destination_makes_the_run_suspect():
    bench = Bench(mail(1))
    bench.sink.fails = SinkError("the disk is gone", may_pass=False)
    progress = await bench.fetch()
    assert progress.error is not None
    assert (progress.error.text, progress.error.trouble) == ("the disk is gone", Trouble.DESTINATION)
    assert (await bench.journal.begin("work")).is_suspect


async def test_several_destinations_each_get_it_once():
    one, other = MemorySink("one"), MemorySink("other", can_tell=False)
    other.answer = lambda _: Delivery(Outcome.DEFERRED, "not now")
    bench = Bench(mail(1), sinks=[one, other], keep=DELETES)
    first = await bench.fetch()
    assert (one.deliveries, other.deliveries, first.deleted) == (1, 0, 0)
    other.answer = lambda _: None
    second = await bench.fetch()
    assert (one.deliveries, other.deliveries, second.deleted) == (1, 1, 1)


async def test_messages_without_unique_ids_are_known_by_what_they_are():
    bench = Bench(mail(1, uidl=None), mail(2, uidl=None))
    assert (await bench.fetch()).delivered == 2
    bench.server.mails.insert(0, mail(3, uidl=None))
    progress = await bench.fetch()
    assert progress.delivered == 1
    assert len(bench.sink.parcels) == 3


async def test_messages_that_share_a_unique_id_are_all_fetched_and_none_twice():
    bench = Bench(mail(1, uidl="same"), mail(2, uidl="same"), mail(3))
    assert (await bench.fetch()).delivered == 3
    del bench.server.mails[0]
    assert (await bench.fetch()).delivered == 0, "its unique-id is its own now, and yet means nothing"


async def test_a_unique_id_may_come_again_after_its_message_is_gone():
    bench = Bench(mail(1, uidl="x"), keep=DELETES)
    await bench.fetch()
    await bench.fetch()  # the server's listing lacks it
    bench.server.mails = [mail(2, uidl="x")]
    bench.sink.can_tell = False
    assert (await bench.fetch()).delivered == 1


async def test_another_message_under_the_unique_id_of_a_deleted_one_is_not_deleted_unread():
    """Some servers count their messages from one, every day."""
    bench = Bench(mail(1, uidl="1"), keep=DELETES)
    await bench.fetch()
    bench.server.mails = [mail(2, uidl="1", size=500)]
    progress = await bench.fetch()
    assert (progress.deleted, len(bench.server.mails)) == (0, 1)
    assert "unique-ids of deleted ones" in progress.note
    assert "postane fetch state forget work KEY" in progress.note
    await bench.journal.forget("work", ["1"])
    bench.sink.parcels.clear()
    assert (await bench.fetch()).delivered == 1
    assert bench.server.mails == []


async def test_a_message_that_came_back_after_its_deletion_is_deleted_and_not_fetched():
    bench = Bench(mail(1), keep=DELETES)
    (kept,) = bench.server.mails
    await bench.fetch()
    bench.server.mails = [kept]
    progress = await bench.fetch()
    assert (progress.delivered, progress.deleted, bench.server.mails) == (0, 1, [])


async def test_kept_for_some_days():
    bench = Bench(mail(1), keep=Keep(KeepKind.AGED, 30 * 86400.0))
    await bench.fetch()
    bench.at = NOW + 29 * 86400
    assert (await bench.fetch()).deleted == 0
    bench.at = NOW + 30 * 86400
    assert (await bench.fetch()).deleted == 1


async def test_kept_until_deleted_here():
    bench = Bench(mail(1), mail(2), keep=Keep(KeepKind.HERE))
    await bench.fetch()
    del bench.sink.parcels[bench.key("u1")]
    assert (await bench.fetch()).deleted == 1
    assert [each.uidl for each in bench.server.mails] == ["u2"]


async def test_an_unmounted_destination_deletes_nothing_now_or_later():
    bench = Bench(mail(1), keep=Keep(KeepKind.HERE))
    await bench.fetch()
    bench.at += 60
    bench.sink.parcels.clear()
    bench.sink.is_new = True
    assert (await bench.fetch()).deleted == 0
    bench.sink.is_new = False  # it was made in the last run
    bench.at += 60
    bench.server.mails.append(mail(2))
    assert (await bench.fetch()).deleted == 0
    bench.sink.parcels.clear()
    assert (await bench.fetch()).deleted == 1
    assert [each.uidl for each in bench.server.mails] == ["u1"]


async def test_deletions_stand_every_so_many_messages():
    bench = Bench(*[mail(number) for number in range(1, 8)], keep=DELETES, expunge_every=3)
    progress = await bench.fetch()
    assert (progress.delivered, progress.deleted, bench.server.sessions) == (7, 7, 3)


async def test_deletions_in_pieces_end_where_messages_fail():
    bench = Bench(*[mail(number) for number in range(1, 8)], keep=DELETES, expunge_every=2)
    bench.sink.answer = lambda parcel: (
        Delivery(Outcome.DEFERRED, "full") if parcel.key in (bench.key("u1"), bench.key("u2")) else None
    )
    progress = await bench.fetch()
    assert (progress.delivered, progress.deleted, progress.failed) == (5, 5, 2)


@pytest.mark.parametrize("keys", [{}, {"keep": DELETES, "expunge_every": 2}])
async def test_what_waits_for_later_runs_is_told_of(keys):
    bench = Bench(*[mail(number) for number in range(1, 8)], limit=3, **keys)
    assert [(await bench.fetch()).note for _ in range(3)] == [
        "4 more wait for later runs: limit = 3",
        "1 more wait for later runs: limit = 3",
        "",
    ]


async def test_no_more_than_the_limit():
    bench = Bench(*[mail(number) for number in range(1, 8)], limit=3)
    assert [(await bench.fetch()).delivered for _ in range(4)] == [3, 3, 1, 0]


async def test_of_what_is_too_large_the_header_part_is_fetched_and_nothing_deleted():
    bench = Bench(mail(1, size=5000), mail(2), keep=DELETES, max_size=1000)
    progress = await bench.fetch()
    assert (progress.delivered, progress.skipped, progress.deleted) == (2, 1, 1)
    part = bench.sink.parcels[bench.key("u1", is_part=True)]
    assert part.startswith(b"Return-Path: <s1@example.org>")
    assert b"5" in part.partition(b"\r\n\r\n")[2]
    assert (await bench.fetch()).messages == 0
    bench.account = bench.account.__class__("work", oversize=Oversize.SKIP, max_size=50)
    bench.server.mails.append(mail(3, size=5000))
    assert (await bench.fetch()).delivered == 0


async def test_filters_skip_and_delete():
    filters = (
        Filter("subject", re.compile("keep"), Action.FETCH),
        Filter("Subject", re.compile("spam"), Action.DELETE),
        Filter("Subject", re.compile("news"), Action.SKIP),
    )
    bench = Bench(mail(1, subject="keep spam"), mail(2, subject="spam"), mail(3, subject="news"), filters=filters)
    progress = await bench.fetch()
    assert (progress.delivered, progress.skipped, progress.deleted) == (1, 1, 1)
    assert [each.uidl for each in bench.server.mails] == ["u1", "u3"]


async def test_a_dry_run_tells_and_does_nothing():
    bench = Bench(mail(1), mail(2, size=5000), keep=DELETES, max_size=1000)
    assert await bench.would() == [(1, "fetch and delete"), (2, "fetch the header part")]
    assert bench.sink.parcels == {}
    await bench.fetch()
    assert len(bench.server.mails) == 1


async def test_a_server_that_wants_time_between_logins_gets_it():
    bench = Bench(mail(1))
    bench.server.login_delay = 60
    await bench.fetch()
    bench.at += 10
    early = await bench.fetch()
    assert early.error is not None
    assert (early.error.trouble, early.error.wait, bench.server.sessions) == (Trouble.TEMPORARY, 50, 1)
    bench.at += 51
    assert (await bench.fetch()).error is None


async def test_a_refused_login_is_told():
    bench = Bench(mail(1))
    bench.server.refuses_login = FetchError("PASS was refused", Trouble.LOGIN)
    progress = await bench.fetch()
    assert (progress.error, progress.worst) == (bench.server.refuses_login, Trouble.LOGIN)


async def test_many_messages_go_in_groups():
    bench = Bench(*[mail(number) for number in range(1, 501)])
    progress = await bench.fetch()
    assert progress.delivered == 500
    assert sum(bench.sink.groups) == 500
    assert max(bench.sink.groups) <= 100
    assert len(bench.sink.groups) < 100


async def test_one_at_a_time_where_the_destination_cannot_tell():
    bench = Bench(*[mail(number) for number in range(1, 4)], sinks=[MemorySink(can_tell=False, group=1)])
    await bench.fetch()
    assert bench.sink.groups == [1, 1, 1]


async def test_every_message_gets_the_fields_of_its_way():
    bench = Bench(mail(1), delivered_to="anna@home.example", hostname="here.example")
    await bench.fetch()
    (parcel,) = bench.sink.seen
    lead = parcel.lead.decode()
    assert lead.startswith(
        "Delivered-To: anna@home.example\r\nReceived: from pop.example.org ([192.0.2.1])\r\n\tby here"
    )
    assert lead.endswith("\r\n")
    assert parcel.sender == "s1@example.org"


async def test_what_is_known_can_be_looked_at():
    bench = Bench(mail(1), mail(2), keep=DELETES)
    bench.sink.answer = lambda parcel: Delivery(Outcome.DEFERRED, "full") if parcel.key == bench.key("u2") else None
    await bench.fetch()
    entries = {entry.key: entry async for entry in bench.journal.entries("work")}
    assert entries["u1"].step is Step.DELETED
    assert (entries["u2"].step, entries["u2"].attempts) == (Step.FETCHED, 1)
    assert "full" in entries["u2"].reason


@pytest.mark.parametrize("can_tell", [True, False])
async def test_marking_as_seen_leaves_what_is_there(can_tell):
    from postane.fetch.progress import Progress
    from postane.fetch.tending import mark_seen

    bench = Bench(mail(1), mail(2), sinks=[MemorySink(can_tell=can_tell)])
    assert await mark_seen(bench.job(), bench.journal, Progress("work", lambda: NOW)) == 2
    bench.server.mails.append(mail(3))
    assert (await bench.fetch()).delivered == 1


async def test_single_messages_are_marked_as_seen():
    bench = Bench(mail(1), mail(2), mail(3))
    keys = {"u2", "nothing"}
    assert await mark_seen(bench.job(), bench.journal, Progress("work", lambda: NOW), keys) == 1
    assert (await bench.fetch()).delivered == 2
    assert await mark_seen(bench.job(), bench.journal, Progress("work", lambda: NOW), {"u1", "u2"}) == 0


async def test_a_lost_state_is_made_anew_from_what_was_delivered():
    from postane.fetch.progress import Progress
    from postane.fetch.tending import rebuild

    bench = Bench(mail(1), mail(2))
    await bench.fetch()
    await bench.journal.forget("work")
    bench.server.mails.append(mail(3))
    assert await rebuild(bench.job(), bench.journal, Progress("work", lambda: NOW)) == 2
    assert (await bench.fetch()).delivered == 1


async def test_two_accounts_may_share_a_destination_and_unique_ids():
    bench, other = Bench(mail(1)), Bench(mail(2, uidl="u1"))
    other.account = other.account.__class__("home")
    other.sinks = bench.sinks
    assert (await bench.fetch()).delivered == 1
    assert (await other.fetch()).delivered == 1
    assert len(bench.sink.parcels) == 2


class SlowSink(MemorySink):
    """It takes its time, and cannot be asked what it has."""

    def __init__(self) -> None:
        super().__init__(can_tell=False)
        self.may, self.has_begun = asyncio.Event(), asyncio.Event()

    async def deliver(self, parcels):
        self.has_begun.set()
        await self.may.wait()
        return await super().deliver(parcels)


@pytest.mark.parametrize("breaks_after", [None, 3000], ids=["all has come", "the line broke"])
async def test_stopped_at_the_end_what_is_being_delivered_is_recorded(breaks_after):
    bench = Bench(*[mail(number, size=1000) for number in range(1, 4)], sinks=[SlowSink()])
    bench.server.breaks_after = breaks_after
    fetching = asyncio.create_task(bench.fetch())
    await bench.sink.has_begun.wait()
    await asyncio.sleep(0.01)
    fetching.cancel()
    await asyncio.sleep(0.01)
    assert not fetching.done(), "nobody is left who would record it"
    bench.sink.may.set()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert not (await bench.journal.begin("work")).is_suspect
    assert bench.sink.deliveries in (2, 3)
    entries = [entry async for entry in bench.journal.entries("work", steps=[Step.DELIVERED])]
    assert len(entries) == bench.sink.deliveries


async def test_stopped_twice_the_next_run_asks_what_was_delivered():
    bench = Bench(mail(1), sinks=[SlowSink()])
    fetching = asyncio.create_task(bench.fetch())
    await bench.sink.has_begun.wait()
    for _ in range(2):
        fetching.cancel()
        await asyncio.sleep(0.01)
    with pytest.raises(asyncio.CancelledError):
        await fetching
    bench.sink.may.set()
    assert (await bench.journal.begin("work")).is_suspect


async def test_what_the_server_will_not_delete_does_not_keep_the_run_going_for_ever():
    spam = (Filter("Subject", re.compile("spam"), Action.DELETE),)
    bench = Bench(mail(1, subject="spam"), mail(2), keep=DELETES, filters=spam, expunge_every=1)
    bench.server.refuses_dele = {1}
    made = bench.job().make_source

    def make():
        assert bench.server.sessions < 9, "it goes on and on"
        return made()

    progress = Progress("work", lambda: bench.at)
    await fetch(replace(bench.job(), make_source=make), bench.journal, progress)
    assert [each.uidl for each in bench.server.mails] == ["u1"]
    assert progress.failed == 1


async def test_where_only_the_header_part_was_delivered_the_message_is_still_wanted():
    one, other = MemorySink("one"), MemorySink("other", can_tell=False)
    other.answer = lambda _: Delivery(Outcome.DEFERRED, "not now")
    bench = Bench(mail(1, size=5000), sinks=[one, other], max_size=1000, keep=DELETES)
    await bench.fetch()
    bench.account = replace(bench.account, max_size=None)
    other.answer = lambda _: None
    assert (await bench.fetch()).deleted == 1
    assert one.parcels[bench.key("u1")] == other.parcels[bench.key("u1")]
    assert len(one.parcels[bench.key("u1")]) > 5000


async def test_a_header_part_goes_once_to_each_of_several_destinations():
    one, other = MemorySink("one", can_tell=False), MemorySink("other", can_tell=False)
    other.answer = lambda _: Delivery(Outcome.DEFERRED, "not now")
    bench = Bench(mail(1, size=5000), sinks=[one, other], max_size=1000)
    await bench.fetch()
    other.answer = lambda _: None
    await bench.fetch()
    assert (one.deliveries, other.deliveries) == (1, 1)


@pytest.mark.parametrize("what", ["no login", "a dry run", "marked as seen"])
async def test_a_destination_that_had_to_be_made_is_remembered_whatever_becomes_of_that_run(what):
    bench = Bench(mail(1), keep=Keep(KeepKind.HERE))
    await bench.fetch()
    bench.at += 60
    bench.sink.parcels.clear()
    bench.sink.is_new = True
    if what == "no login":
        bench.server.refuses_login = FetchError("no connection", Trouble.UNREACHABLE)
        await bench.fetch()
    elif what == "a dry run":
        await bench.would()
    else:
        await mark_seen(bench.job(), bench.journal, Progress("work", lambda: bench.at))
    bench.server.refuses_login = None
    bench.sink.is_new = False  # it is there now, and empty
    bench.at += 60
    assert (await bench.fetch()).deleted == 0
    assert len(bench.server.mails) == 1


async def test_what_another_destination_got_was_not_deleted_from_this_one():
    bench = Bench(mail(1), keep=Keep(KeepKind.HERE))
    await bench.fetch()
    bench.sinks = [MemorySink("another")]
    bench.at += 60
    assert (await bench.fetch()).deleted == 0
    bench.at += 60
    assert (await bench.fetch()).deleted == 0
    assert len(bench.server.mails) == 1


async def test_a_clock_that_was_wrong_does_not_keep_it_from_logging_in_for_years():
    bench = Bench(mail(1))
    bench.server.login_delay = 60
    bench.at += 10 * 365 * 86400
    await bench.fetch()
    bench.at = NOW
    assert (await bench.fetch()).error is None


async def test_a_clock_that_is_put_right_in_a_run_makes_it_forget_nothing():
    bench = Bench(mail(1), sinks=[MemorySink(can_tell=False)])

    def put_right(_parcel):
        bench.at += 365 * 86400

    bench.sink.answer = put_right
    await bench.fetch()
    bench.sink.answer = lambda _: None
    assert (await bench.fetch()).delivered == 0


async def test_unique_ids_that_are_gone_all_at_once_make_nothing_new():
    bench = Bench(mail(1), mail(2), sinks=[MemorySink(can_tell=False)])
    await bench.fetch()
    for each in bench.server.mails:
        each.uidl = None
    progress = await bench.fetch()
    assert progress.error is not None
    assert (progress.error.trouble, progress.delivered) == (Trouble.TEMPORARY, 0)
    assert "unique-ids" in progress.error.text
    await bench.journal.forget("work")
    assert (await bench.fetch()).delivered == 2, "who says so may have it"


async def test_destinations_are_let_go_of_though_the_end_cannot_be_recorded(monkeypatch):
    bench = Bench(mail(1))
    closed = []

    async def close():
        closed.append("sink")

    async def finish(self, *, is_clean):
        raise JournalError("no space is left", may_pass=True)

    monkeypatch.setattr(bench.sink, "close", close)
    monkeypatch.setattr(MemoryRun, "finish", finish)
    assert (await bench.fetch()).worst is Trouble.TEMPORARY
    assert closed == ["sink"]


async def test_what_nobody_takes_does_not_fill_the_limit_of_each_run():
    bench = Bench(*[mail(number) for number in range(1, 6)], limit=2)
    nobody = {bench.key("u1"), bench.key("u2")}
    bench.sink.answer = lambda parcel: Delivery(Outcome.REFUSED, "no") if parcel.key in nobody else None
    assert [(await bench.fetch()).delivered for _ in range(4)] == [0, 0, 2, 1]


async def test_another_process_that_begins_at_once_is_no_trouble(monkeypatch):
    bench = Bench(mail(1))

    async def prune(account, before):
        raise JournalError(f"{account} is in use", may_pass=True)

    monkeypatch.setattr(bench.journal, "prune", prune)
    assert (await bench.fetch()).worst is None


@pytest.mark.parametrize(("at_once", "calls"), [(True, [5]), (False, [2, 2, 1])])
async def test_what_is_read_again_before_it_is_deleted_is_deleted_at_once(monkeypatch, at_once, calls):
    heard = []

    class Source(MemorySource):
        deletes_at_once = at_once

        async def delete(self, numbers):
            heard.append(len(numbers))
            return await super().delete(numbers)

    monkeypatch.setattr("support.fetching.MemorySource", Source)
    monkeypatch.setattr("postane.fetch.choice.PIECE", 2)
    bench = Bench(*[mail(number) for number in range(1, 6)], keep=DELETES)
    assert (await bench.fetch()).deleted == 5
    assert (heard, bench.server.mails) == (calls, [])


async def test_a_mailbox_that_goes_whole_goes_with_what_a_filter_deletes(monkeypatch):
    heard = []

    class Source(MemorySource):
        deletes_at_once = True

        async def delete(self, numbers):
            heard.append(sorted(numbers))
            return await super().delete(numbers)

    monkeypatch.setattr("support.fetching.MemorySource", Source)
    filters = (Filter("Subject", re.compile("spam"), Action.DELETE),)
    bench = Bench(mail(1, subject="spam"), mail(2), filters=filters, keep=DELETES)
    assert (await bench.fetch()).deleted == 2
    assert heard == [[1, 2]]


@pytest.mark.parametrize("outcome", [Outcome.DEFERRED, Outcome.REFUSED])
async def test_who_got_it_does_not_get_it_again_as_long_as_another_one_has_not(outcome):
    bench = Bench(mail(1), sinks=[MemorySink(can_tell=False)])
    got: list[str] = []

    def answer(parcel):
        got.extend(each for each in ("anna", "bob") if each not in parcel.done)
        return Delivery(outcome, "berta: no", (*parcel.done, *(each for each in got if each not in parcel.done)))

    bench.sink.answer = answer
    for _ in range(3):
        assert (await bench.fetch()).failed == 1
    assert got == ["anna", "bob"]
    bench.sink.answer = lambda _: None
    assert (await bench.fetch()).delivered == 1


async def test_another_mailbox_under_the_same_name_loses_nothing():
    """Many servers count: the unique-ids of one are those of the other."""
    bench = Bench(mail(1), mail(2), keep=DELETES)
    bench.server.commits = False
    await bench.fetch()
    bench.server.commits = True
    bench.server.user = "berta"
    bench.server.mails = [mail(1, size=5000), mail(2, size=6000), mail(3)]
    progress = await bench.fetch()
    assert len(bench.server.mails) == 3
    assert progress.error is not None
    assert (progress.error.trouble, progress.deleted) == (Trouble.CONFIGURATION, 0)
    assert "postane fetch state forget work" in progress.error.text
    await bench.journal.forget("work")
    bench.sink.parcels.clear()
    assert (await bench.fetch()).delivered == 3


async def test_another_mailbox_that_shares_nothing_yet_is_told_too():
    bench = Bench(mail(1))
    await bench.fetch()
    bench.server.user = "berta"
    bench.server.mails = []
    assert (await bench.fetch()).error is None, "there is nothing to know it by, and nothing to lose"
    bench.server.mails = [mail(7)]
    for _ in range(3):
        assert (await bench.fetch()).worst is Trouble.CONFIGURATION


async def test_a_mailbox_may_move_with_its_mail():
    bench = Bench(*[mail(number) for number in range(1, 4)])
    await bench.fetch()
    bench.server.user = "anna@example.org"
    bench.server.mails = [*bench.server.mails[1:], mail(4)]
    progress = await bench.fetch()
    assert (progress.delivered, progress.error) == (1, None)
    bench.server.mails = [mail(5)]
    assert (await bench.fetch()).delivered == 1


@pytest.mark.parametrize("limit", [None, 1])
async def test_what_is_marked_as_deleted_is_not_fetched_and_goes_if_it_was_delivered(monkeypatch, limit):
    bench = Bench(mail(1), mail(2), keep=Keep(KeepKind.ALL))
    await bench.fetch()
    bench.account = replace(bench.account, keep=DELETES, limit=limit)
    bench.server.mails += [mail(3), mail(4)]
    monkeypatch.setattr(MemorySource, "hidden", {"u2", "u3"})
    assert await bench.would() == [(4, "fetch and delete"), (1, "delete"), (2, "delete")]
    progress = await bench.fetch()
    assert (progress.delivered, progress.deleted) == (1, 3)
    assert [each.uidl for each in bench.server.mails] == ["u3"]
    monkeypatch.setattr(MemorySource, "hidden", ())
    assert (await bench.fetch()).delivered == 1, "somebody has changed his mind"


async def test_a_delay_of_years_is_not_believed():
    bench = Bench(mail(1))
    bench.server.login_delay = 999_999_999
    progress = await bench.fetch()
    assert progress.login_delay == 86400
    bench.at += 86400
    assert (await bench.fetch()).error is None


# Several destinations of which one is down; a state that was lost


@pytest.mark.parametrize("way", ["is_shut", "fails"])
@pytest.mark.parametrize("first", [0, 1])
async def test_a_destination_that_is_down_does_not_keep_mail_from_the_others(way, first):
    down, up = MemorySink("down", can_tell=False), MemorySink("up")
    bench = Bench(*map(mail, range(1, 41)), sinks=[down, up] if first == 0 else [up, down], keep=DELETES)
    setattr(down, way, SinkError("nothing listens there", fault=Fault.LOGIN, may_pass=False))
    progress = await bench.fetch()
    assert progress.error is not None
    assert progress.error.text == "down: nothing listens there; the other destinations went on"
    assert progress.worst is Trouble.LOGIN
    assert (len(up.parcels), len(down.parcels), progress.deleted) == (40, 0, 0)
    retrieved = len(bench.server.retrieved)
    await bench.fetch()
    assert len(bench.server.retrieved) <= retrieved + 20, "what it alone lacks is not fetched for it again and again"
    setattr(down, way, None)
    progress = await bench.fetch()
    assert progress.error is None
    assert (len(up.parcels), len(down.parcels), progress.deleted) == (40, 40, 40)
    assert up.deliveries == 40


async def test_where_all_destinations_are_down_nothing_is_fetched():
    bench = Bench(mail(1), sinks=[MemorySink("one"), MemorySink("other")])
    for sink in bench.sinks:
        sink.is_shut = SinkError("no such place")
    progress = await bench.fetch()
    assert (progress.error is not None, bench.server.sessions) == (True, 0)


async def test_where_all_destinations_go_down_the_run_ends():
    bench = Bench(*map(mail, range(1, 6)), sinks=[MemorySink("one"), MemorySink("other")])
    for sink in bench.sinks:
        sink.fails = SinkError("the disk is gone")
    progress = await bench.fetch()
    assert progress.error is not None
    assert (progress.error.text, progress.delivered) == ("the disk is gone", 0)
    assert (await bench.journal.begin("work")).is_suspect


async def test_what_one_has_that_went_down_amid_a_delivery_is_asked_for_later():
    half, up = MemorySink("half"), MemorySink("up")
    bench = Bench(mail(1), sinks=[half, up], keep=DELETES)
    half.fails = SinkError("the disk is gone")
    await bench.fetch()
    half.fails = None
    half.parcels[bench.key("u1")] = b"delivered just before it broke"
    half.is_shut = SinkError("the disk is still gone")
    await bench.fetch()
    half.is_shut = None
    progress = await bench.fetch()
    assert (progress.error, progress.present, progress.deleted) == (None, 1, 1)
    assert (half.deliveries, up.deliveries) == (0, 1)


async def test_stopping_makes_nobody_forget_who_has_not_been_asked():
    slow, half = SlowSink(), MemorySink("half")
    bench = Bench(mail(1), mail(2), sinks=[slow, half])
    half.fails = SinkError("the disk is gone")
    slow.may.set()
    await bench.fetch()
    half.fails = None
    half.parcels[bench.key("u1")] = b"delivered just before it broke"
    half.is_shut = SinkError("the disk is still gone")
    bench.server.mails.append(mail(3))
    slow.may.clear()
    slow.has_begun.clear()
    fetching = asyncio.create_task(bench.fetch())
    await slow.has_begun.wait()
    fetching.cancel()
    slow.may.set()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert (await bench.journal.begin("work")).is_suspect, "it has one of them, and nobody knows"


async def test_nothing_is_deleted_while_a_destination_cannot_be_asked():
    one, other = MemorySink("one"), MemorySink("other")
    bench = Bench(mail(1), mail(2), sinks=[one, other], keep=Keep(KeepKind.HERE))
    await bench.fetch()
    other.is_shut = SinkError("not mounted")
    one.parcels.clear()
    progress = await bench.fetch()
    assert (progress.deleted, progress.note) == (0, "nothing is deleted at the server: other cannot be asked now")


async def test_a_lost_state_doubles_nothing():
    bench = Bench(mail(1), mail(2))
    await bench.fetch()
    bench.journal = MemoryJournal(lambda: bench.at)
    await bench.would()
    bench.server.mails.append(mail(3))
    progress = await bench.fetch()
    assert (progress.present, progress.delivered) == (2, 1)
    assert bench.server.retrieved == ["u1", "u2", "u3"]


async def test_what_is_forgotten_on_purpose_is_fetched_again():
    bench = Bench(mail(1), mail(2))
    await bench.fetch()
    assert await forget(bench.journal, "work") == 2
    bench.sink.parcels.clear()
    bench.sink.find = None  # nobody asks
    assert (await bench.fetch()).delivered == 2
