"""What becomes of messages: fetched, left, deleted, and why. Whole runs are in test_run."""

import re

import pytest

from postane.fetch import choice
from postane.fetch.account import Account, Action, Filter, Keep, KeepKind, Oversize
from postane.fetch.errors import Trouble
from postane.sinks.strangers import read_strangers
from support.fetching import Bench, Given, MemorySink, MemorySource, mail

DELETES = Keep(KeepKind.NONE)
SKIPS = (Filter("Subject", re.compile("news"), Action.SKIP), Filter("Subject", re.compile("spam"), Action.DELETE))


class DeafSource(MemorySource):
    """It does not give the header part of the first message."""

    async def headers(self, numbers):
        for number in numbers:
            if number == 1:
                yield Given(1, b"", "locked")
            else:
                yield Given(number, self._mails[number - 1].header)


async def test_a_dry_run_says_why_a_message_is_left():
    bench = Bench(
        mail(1, subject="news"), mail(2, subject="spam"), mail(3, size=900), mail(4), filters=SKIPS, max_size=500,
        oversize=Oversize.SKIP,
    )  # fmt: skip
    assert await bench.would() == [
        (1, "leave: a filter says skip"),
        (2, "delete without fetching"),
        (3, "leave: larger than max_size (500 octets)"),
        (4, "fetch"),
    ]


async def test_a_dry_run_says_what_would_be_deleted_later():
    bench = Bench(mail(1), keep=Keep(KeepKind.AGED, 60.0))
    await bench.fetch()
    assert await bench.would() == []
    bench.at += 61
    assert await bench.would() == [(1, "delete")]
    assert len(bench.server.mails) == 1


async def test_a_message_whose_header_is_refused_is_neither_fetched_nor_left_for_ever(monkeypatch):
    monkeypatch.setattr("support.fetching.MemorySource", DeafSource)
    bench = Bench(mail(1, subject="spam"), mail(2), filters=SKIPS, keep=DELETES)
    assert await bench.would() == [(1, "leave: locked"), (2, "fetch and delete")]
    progress = await bench.fetch()
    assert (progress.delivered, progress.deleted, progress.worst) == (1, 1, Trouble.TEMPORARY)
    assert "locked" in progress.troubles[0]
    monkeypatch.setattr("support.fetching.MemorySource", MemorySource)
    assert (await bench.fetch()).deleted == 1, "it is asked for again"


async def test_a_message_of_just_the_size_is_fetched_whole():
    whole = mail(1)
    bench = Bench(whole, max_size=len(whole.octets))
    assert (await bench.fetch()).skipped == 0


async def test_where_no_destination_can_tell_nothing_is_deleted_because_it_is_gone():
    bench = Bench(mail(1), sinks=[MemorySink(can_tell=False)], keep=Keep(KeepKind.HERE))
    await bench.fetch()
    bench.sink.parcels.clear()
    progress = await bench.fetch()
    assert (progress.deleted, len(bench.server.mails)) == (0, 1)
    assert "no destination can tell" in progress.note


async def test_a_destination_that_was_made_anew_deletes_nothing_and_it_is_told():
    bench = Bench(mail(1), keep=Keep(KeepKind.HERE))
    bench.sink.is_new = True
    assert (await bench.fetch()).note == "", "it was made for the first time"
    bench.sink.is_new = False
    assert (await bench.fetch()).note == ""
    bench.sink.parcels.clear()
    bench.sink.is_new = True
    bench.at += 60
    progress = await bench.fetch()
    assert (progress.deleted, len(bench.server.mails)) == (0, 1)
    assert progress.note.startswith("memory had to be made anew: what was delivered until now is not deleted")
    assert progress.note.endswith("postane fetch state forget work")
    bench.sink.is_new = False
    progress = await bench.fetch()
    assert (progress.deleted, progress.note) == (0, ""), "it is told once"


async def test_another_destination_is_told_of_too():
    bench = Bench(mail(1), keep=Keep(KeepKind.HERE))
    await bench.fetch()
    bench.sinks = [MemorySink("another")]
    bench.at += 60
    progress = await bench.fetch()
    assert (progress.deleted, len(bench.server.mails)) == (0, 1)
    assert progress.note.startswith("the destinations are others than before: ")


async def test_what_a_reader_has_renamed_is_not_gone():
    bench = Bench(mail(1), mail(2), keep=Keep(KeepKind.HERE))
    await bench.fetch()
    lead = bench.sink.seen[0].lead
    bench.sink.parcels.clear()
    bench.sink.strangers = read_strangers([b"Status: RO\r\n" + lead + b"\r\n", b"Subject: no matter\r\n\r\n"])
    progress = await bench.fetch()
    assert [each.uidl for each in bench.server.mails] == ["u1"]
    assert (progress.deleted, progress.note) == (1, "")


async def test_without_received_any_message_without_a_mark_may_be_the_one_that_seems_gone():
    bench = Bench(mail(1), mail(2), keep=Keep(KeepKind.HERE), adds_received=False)
    await bench.fetch()
    bench.sink.parcels.clear()
    bench.sink.strangers = read_strangers([b"Subject: no matter\r\n\r\n"])
    progress = await bench.fetch()
    assert (progress.deleted, len(bench.server.mails)) == (0, 2)
    assert "received = false" in progress.note
    bench.sink.strangers = read_strangers([])
    assert (await bench.fetch()).deleted == 2


YEARS = 74 * 365 * 86400.0
MONTH = 30 * 86400.0


async def test_a_clock_far_ahead_deletes_nothing_for_its_age():
    bench = Bench(mail(1), keep=Keep(KeepKind.AGED, MONTH))
    await bench.fetch()
    bench.at += YEARS
    told = await bench.fetch()
    assert (told.deleted, told.error) == (0, None)
    assert "27010 days ahead" in told.note
    for _ in range(3):
        bench.at += 9 * 86400
        again = await bench.fetch()
        assert (again.deleted, again.note) == (0, "")
    bench.at += 9 * 86400
    assert (await bench.fetch()).deleted == 1, "for it may have been right, and a month has gone by it"


async def test_a_clock_that_was_behind_makes_nothing_old_when_it_is_put_right():
    bench = Bench(mail(1), keep=Keep(KeepKind.AGED, MONTH))
    await bench.fetch()
    bench.at -= YEARS / 2
    bench.server.mails.append(mail(2))
    assert "days behind" in (await bench.fetch()).note
    bench.at += YEARS / 2 + 60
    assert (await bench.fetch()).deleted == 0
    bench.at += MONTH
    assert (await bench.fetch()).deleted == 2


async def test_who_comes_back_after_some_weeks_finds_old_mail_gone():
    bench = Bench(mail(1), keep=Keep(KeepKind.AGED, MONTH))
    await bench.fetch()
    bench.at += 2 * MONTH
    progress = await bench.fetch()
    assert (progress.deleted, progress.note) == (1, "")


async def test_gone_here_means_gone_from_all_that_can_tell():
    one, other = MemorySink("one"), MemorySink("other")
    bench = Bench(mail(1), sinks=[one, other, MemorySink("third", can_tell=False)], keep=Keep(KeepKind.HERE))
    await bench.fetch()
    one.parcels.clear()
    assert (await bench.fetch()).deleted == 0
    other.parcels.clear()
    assert (await bench.fetch()).deleted == 1


@pytest.mark.parametrize("kind", [KeepKind.NONE, KeepKind.AGED, KeepKind.HERE])
async def test_another_message_under_the_unique_id_of_a_delivered_one_is_not_deleted_unread(kind):
    """A server that was set up anew counts from one again."""
    bench = Bench(mail(1), mail(2))
    await bench.fetch()
    bench.account = Account("work", keep=Keep(kind, 30 * choice.DAY))
    if kind is not KeepKind.NONE:
        await bench.fetch()
    bench.at += 31 * choice.DAY
    first, second = mail(1), mail(2, size=5000)
    bench.server.mails = [first, second]
    bench.sink.parcels.clear()
    progress = await bench.fetch()
    assert bench.server.mails == [second]
    assert "unique-ids of others that were delivered" in progress.note
    assert "postane fetch state forget work KEY" in progress.note


async def test_a_message_to_which_its_server_adds_a_field_is_still_the_same():
    bench = Bench(mail(1))
    await bench.fetch()
    bench.account = Account("work", keep=Keep(KeepKind.NONE))
    bench.server.mails[0].octets = b"X-UIDL: 0123456789abcdef0123456789abcdef\r\nStatus: RO\r\n" + mail(1).octets
    assert (await bench.fetch()).deleted == 1
