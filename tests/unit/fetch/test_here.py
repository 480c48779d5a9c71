"""Kept until deleted here: what is gone from the destinations, and what only looks so."""

import pytest

from postane.fetch.account import Keep, KeepKind
from postane.fetch.here import MANY, WAIT
from support.fetching import Bench, mail

HERE = Keep(KeepKind.HERE)


async def filled(count: int) -> Bench:
    """A destination that got so many messages, one a minute."""
    bench = Bench(keep=HERE)
    for number in range(1, count + 1):
        bench.server.mails.append(mail(number))
        await bench.fetch()
        bench.at += 60
    return bench


async def test_an_older_backup_in_the_place_of_a_destination_deletes_nothing_for_some_days():
    bench = await filled(30)
    backup = dict(list(bench.sink.parcels.items())[: 30 - MANY])
    bench.sink.parcels = backup
    bench.server.mails.append(mail(31))
    told = await bench.fetch()
    assert (told.deleted, len(bench.server.mails)) == (0, 31)
    assert told.note.startswith(f"the last {MANY} messages that came are gone at once, as if an older backup")
    bench.at += WAIT - 1
    told = await bench.fetch()
    assert (told.deleted, told.note[:8]) == (0, "the last")
    bench.at += 1
    told = await bench.fetch()
    assert (told.deleted, told.note) == (MANY, "")
    assert (await bench.fetch()).note == ""


async def test_what_is_deleted_meanwhile_is_deleted_at_the_server_too():
    bench = await filled(30)
    for number in range(11, 31):
        del bench.sink.parcels[bench.key(f"u{number}")]
    assert (await bench.fetch()).deleted == 0
    del bench.sink.parcels[bench.key("u3")]
    assert (await bench.fetch()).deleted == 1
    assert "u3" not in [each.uidl for each in bench.server.mails]


async def test_a_second_backup_begins_the_wait_anew():
    bench = await filled(50)
    for number in range(31, 51):
        del bench.sink.parcels[bench.key(f"u{number}")]
    assert (await bench.fetch()).deleted == 0
    bench.at += WAIT
    assert (await bench.fetch()).deleted == 20
    for number in range(51, 81):
        bench.server.mails.append(mail(number))
        await bench.fetch()
        bench.at += 60
    for number in range(51, 81):
        del bench.sink.parcels[bench.key(f"u{number}")]
    assert (await bench.fetch()).deleted == 0


@pytest.mark.parametrize("gone", [range(1, 30), range(12, 31)])
async def test_older_ones_and_a_few_are_just_deleted(gone):
    bench = await filled(30)
    for number in gone:
        del bench.sink.parcels[bench.key(f"u{number}")]
    progress = await bench.fetch()
    assert (progress.deleted, progress.note) == (len(gone), "")


async def test_a_dry_run_says_what_is_gone():
    bench = await filled(2)
    del bench.sink.parcels[bench.key("u1")]
    assert await bench.would() == [(1, "delete")]
