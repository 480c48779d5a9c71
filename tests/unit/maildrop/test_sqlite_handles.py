"""Open indexes: how many, opened once, written in groups, never from two threads at once."""

import asyncio
import errno
import resource
import threading

import pytest

from postane.maildrop import crew
from postane.maildrop.base import StoreDamaged, StoreFull
from postane.maildrop.folders import Folders
from postane.maildrop.sides import Step, ignore_step
from postane.maildrop.slow_drops import SlowDrops
from postane.maildrop.sqlite_handles import BATCH, Handles
from postane.maildrop.sqlite_writer import Job


@pytest.fixture
async def handles(tmp_path):
    handles = Handles(Folders(tmp_path), 3, ignore_step, SlowDrops())
    yield handles
    await handles.close()


def job(work):
    return Job(work, Step.ROW_WRITTEN, Step.ROW_DURABLE)


def count(now):
    now.messages += 1
    return now.messages


async def test_a_drop_is_opened_once_for_all_who_ask(handles):
    opened = await asyncio.gather(*(handles.require("anna") for _ in range(10)))
    assert len(set(opened)) == 1
    assert await handles.find("anna") is opened[0]
    assert await handles.find("nobody") is None


async def test_who_gives_up_waiting_does_not_disturb_the_others(handles):
    first, second = (asyncio.create_task(handles.require("anna")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).totals().messages == 0


async def test_a_drop_is_opened_after_no_thread_could_be_had_for_it(handles, monkeypatch):
    def fail():
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as trouble:
        trouble.setattr(crew, "pipe", fail)
        with pytest.raises(StoreFull):
            await handles.require("anna")
    assert (await handles.require("anna")).totals().messages == 0


async def test_only_so_many_stay_open(handles):
    for name in "abcde":
        await handles.require(name)
    assert [name for name in "abcde" if handles.get(name)] == ["c", "d", "e"]
    handles.get("c")
    await handles.require("f")
    assert [name for name in "abcdef" if handles.get(name)] == ["c", "e", "f"], "the one used longest ago goes"


async def test_one_that_is_being_written_stays(handles):
    release = threading.Event()
    handle = await handles.require("busy")
    writing = asyncio.ensure_future(handle.write(job(lambda now: release.wait(30))))
    await asyncio.sleep(0)
    for name in "abcd":
        await handles.require(name)
    assert handles.get("busy") is handle
    release.set()
    assert await writing is True


async def test_descriptors_bound_them_too(handles, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (13, 13))
    await handles.require("a")
    await handles.require("b")
    assert (handles.get("a"), handles.get("b")) != (None, None)
    assert handles.get("a") is None


async def test_letters_for_many_drops_at_once_wait_for_each_other(handles):
    """Each is written, and never are more open than may be."""
    most = []
    release = threading.Event()

    async def deliver(drop):
        handle = await handles.require(drop)
        most.append(len(handles._open))
        return await handle.write(job(lambda now: release.wait(30) and count(now)))

    delivering = [asyncio.create_task(deliver(f"drop{number}")) for number in range(40)]
    for _ in range(100):
        await asyncio.sleep(0.001)
    waiting = len(most)
    release.set()
    assert await asyncio.gather(*delivering) == [1] * 40
    assert waiting <= 3, "the others wait"
    assert max(most) <= 4, "one that is about to be used may be there besides"


async def test_where_there_is_room_for_one_all_get_their_turn(handles, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (13, 13))

    async def deliver(drop):
        return await (await handles.require(drop)).write(job(count))

    assert await asyncio.gather(*(deliver(f"drop{number % 8}") for number in range(40))) is not None
    assert sum([(await handles.require(f"drop{number}")).totals().messages for number in range(8)]) == 40


async def test_what_waits_together_is_written_together(handles):
    handle = await handles.require("anna")
    threads = []
    release = threading.Event()
    groups = []

    def note(now):
        groups.append(now)
        threads.append(threading.get_ident())
        return count(now)

    first = asyncio.ensure_future(handle.write(job(lambda now: release.wait(30))))
    await asyncio.sleep(0)
    others = [asyncio.ensure_future(handle.write(job(note))) for _ in range(BATCH + 10)]
    await asyncio.sleep(0)
    release.set()
    await first
    assert await asyncio.gather(*others) == list(range(1, BATCH + 11))
    assert len({id(now) for now in groups}) == 2, "one full group, and the rest"


async def test_what_was_cancelled_before_it_began_is_not_done(handles):
    handle = await handles.require("anna")
    release = threading.Event()
    first = asyncio.ensure_future(handle.write(job(lambda now: release.wait(30))))
    await asyncio.sleep(0)
    second, third = (asyncio.ensure_future(handle.write(job(count))) for _ in range(2))
    await asyncio.sleep(0)
    second.cancel()
    release.set()
    await first
    assert await third == 1


async def test_drops_are_written_at_the_same_time(handles):
    meeting = threading.Barrier(3)
    works = [(await handles.require(name)).write(job(lambda now: meeting.wait(30))) for name in "abc"]
    assert sorted(await asyncio.gather(*works)) == [0, 1, 2]


async def test_a_bug_in_a_job_is_told_to_whoever_waits(handles):
    handle = await handles.require("anna")
    with pytest.raises(ZeroDivisionError):
        await handle.write(job(lambda now: 1 // 0))
    assert await handle.write(job(count)) == 1


async def test_closing_waits_for_what_is_being_written(tmp_path):
    handles = Handles(Folders(tmp_path), 3, ignore_step, SlowDrops())
    handle = await handles.require("anna")
    writing = [asyncio.ensure_future(handle.write(job(count))) for _ in range(20)]
    await asyncio.sleep(0)
    await handles.close()
    await handles.close()
    assert await asyncio.gather(*writing) == list(range(1, 21))


async def test_a_drop_that_cannot_be_opened_can_be_tried_again(handles, tmp_path):
    folder = Folders(tmp_path).make_drop("anna")
    index = tmp_path / folder / "index.sqlite"
    index.write_bytes(b"not a database" * 100)
    for _ in range(2):
        with pytest.raises(StoreDamaged, match=str(index)):
            await handles.require("anna")
    index.unlink()
    assert (await handles.require("anna")).totals().messages == 0


async def test_what_nobody_uses_is_closed(handles):
    release = threading.Event()
    for name in ("idle", "used", "busy"):
        await handles.require(name)
    handles.rest()
    handles.get("used")
    writing = asyncio.ensure_future(handles._open["busy"].write(job(lambda now: release.wait(30))))
    await asyncio.sleep(0)
    handles.rest()
    assert set(handles._open) == {"busy", "used"}
    release.set()
    await writing
    handles.rest()
    assert set(handles._open) == set()
    assert (await handles.require("idle")).totals().messages == 0


async def test_who_waits_is_answered_before_the_file_is_made_smaller(handles, monkeypatch):
    handle, told = await handles.require("anna"), []

    def compact():
        told.append("compacted")
        handle._writer.wants_compacting = False
        return []

    do = handle._crew.do
    monkeypatch.setattr(handle._writer, "compact", compact)
    monkeypatch.setattr(handle._crew, "do", lambda work, then=None: (told.append("handed over"), do(work, then))[1])
    handle._writer.wants_compacting = True
    writing = handle.write(job(count))
    writing.add_done_callback(lambda _: told.append("answered"))
    assert await writing == 1
    while handle.running is not None:
        await asyncio.wait([handle.running])
    assert told == ["handed over", "answered", "handed over", "compacted"]
    assert await handle.write(job(count)) == 2
