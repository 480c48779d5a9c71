"""A slow drop is read by threads, one at a time; what was fast stays on the event loop."""

import asyncio
import threading
import time

import pytest

from postane.maildrop import slow_drops, sqlite_handles, sqlite_index
from postane.maildrop.base import Addressee, DropInUse, Holder, Letter, Lock, LockPolicy, StoreUnavailable
from postane.maildrop.crew import Crew
from postane.maildrop.embedded import embedded_store
from postane.maildrop.slow_drops import DROPS, KEPT_FOR, SLOW, SlowDrops, TooSlow, Turns

HOLDER = Holder("s1", "192.0.2.1:1", "pop3", 1_000_000_000.0)
SMALL = b"Subject: small\r\n\r\nsmall\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"x" * 70 + b"\r\n"


class Clock:
    """A time that passes when it is told to."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr(slow_drops.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture
async def crew():
    crew = Crew(4, "test-slow")
    yield crew
    crew.close()


def is_on_loop():
    return threading.current_thread() is threading.main_thread()


def test_a_slow_read_is_remembered_for_a_while(clock):
    slow = SlowDrops()
    slow.note("anna", SLOW / 2)
    assert not slow.has("anna")
    slow.note("anna", SLOW)
    assert slow.has("anna")
    assert not slow.has("berta")
    clock.now += KEPT_FOR - 1
    assert slow.has("anna")
    clock.now += 1
    assert not slow.has("anna")


def test_a_read_that_fails_late_was_slow_too(clock):
    slow = SlowDrops()

    def fail():
        clock.now += 2 * SLOW
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        slow.timed("anna", fail)
    assert slow.has("anna")


def test_only_so_many_are_remembered():
    slow = SlowDrops()
    for number in range(DROPS + 1):
        slow.note(str(number), SLOW)
    assert not slow.has("0")
    assert slow.has("1")
    assert slow.has(str(DROPS))


async def test_what_was_fast_is_asked_on_the_event_loop(crew):
    turns = Turns(crew, SlowDrops())
    assert await turns.ask("anna", is_on_loop)
    assert not await turns.ask("anna", is_on_loop, is_at_hand=False)
    turns.slow.note("anna", SLOW)
    assert not await turns.ask("anna", is_on_loop)
    assert await turns.ask("berta", is_on_loop)


async def test_a_drop_takes_one_thread_and_others_have_the_rest(crew):
    turns = Turns(crew, SlowDrops())
    gate, order = threading.Event(), []
    reads = [turns.do("anna", lambda n=number: (gate.wait(10), order.append(n))) for number in range(10)]
    assert turns.is_at_work("anna")
    assert not turns.is_free("anna")  # although it is not slow: a thread is at it
    assert await turns.do("berta", is_on_loop) is False  # four threads, ten reads of the other one
    assert order == []
    assert len(turns.running) == 1
    gate.set()
    await asyncio.gather(*reads)
    assert order == list(range(10))
    assert turns.is_free("anna")
    assert turns.running == []


async def test_who_gives_up_is_left_out(crew):
    turns = Turns(crew, SlowDrops())
    gate, done = threading.Event(), []
    first = turns.do("anna", lambda: gate.wait(10))
    second = turns.do("anna", lambda: done.append(2))
    third = turns.do("anna", lambda: done.append(3))
    first.cancel()
    second.cancel()
    assert not turns.is_free("anna")  # the thread is at it although nobody waits
    gate.set()
    await third
    assert done == [3]


async def test_an_error_reaches_whoever_asked_and_the_next_one_has_its_turn(crew):
    turns = Turns(crew, SlowDrops())
    turns.slow.note("anna", SLOW)

    def fail():
        raise OSError(5, "Input/output error")

    failed, fine = await asyncio.gather(
        turns.ask("anna", fail), turns.ask("anna", lambda: "fine"), return_exceptions=True
    )
    assert isinstance(failed, StoreUnavailable)
    assert fine == "fine"


async def test_where_no_thread_can_be_had_nobody_waits_for_ever(crew, monkeypatch):
    turns = Turns(crew, SlowDrops())

    def refuse(*_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as trouble:
        trouble.setattr(crew, "do", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            await turns.do("anna", is_on_loop)
    assert await turns.do("anna", is_on_loop) is False


async def test_what_is_taken_for_nobody_is_given_back_before_the_next_one_begins(crew):
    turns = Turns(crew, SlowDrops())
    turns.slow.note("anna", SLOW)
    gate, is_begun, back = threading.Event(), threading.Event(), []

    def work():
        is_begun.set()
        assert gate.wait(10)
        return "lease"

    taking = asyncio.create_task(turns.ask("anna", work, give_back=back.append))
    await asyncio.to_thread(is_begun.wait, 10)
    following = turns.do("anna", lambda: list(back))
    taking.cancel()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert await following == ["lease"]


async def test_what_comes_at_the_moment_of_giving_up_is_given_back(crew):
    turns = Turns(crew, SlowDrops())
    turns.slow.note("anna", SLOW)
    back = []
    taking = asyncio.create_task(turns.ask("anna", lambda: "lease", give_back=back.append))
    await asyncio.sleep(0)
    (running,) = turns.running
    running.add_done_callback(lambda _: taking.cancel())
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert back == ["lease"]


class Delays:
    """A store over a disk that waits for a gate when it reads one drop; who reads is written down."""

    def __init__(self, monkeypatch, drop):
        self.drop = drop
        self.seconds = 0.0
        self.gate = threading.Event()
        self.gate.set()
        self.on_loop = []
        read = sqlite_handles.Handle.read

        def delayed(handle, sql, values=()):
            if handle.known.drop == drop:
                self.on_loop.append(is_on_loop())
                time.sleep(self.seconds)
                if not is_on_loop():
                    assert self.gate.wait(10)
            return read(handle, sql, values)

        monkeypatch.setattr(sqlite_handles.Handle, "read", delayed)


@pytest.fixture
def delays(monkeypatch):
    return Delays(monkeypatch, "slow")


@pytest.fixture
async def store(tmp_path, delays):
    store = embedded_store(tmp_path / "post", inline=40)
    for drop in ("slow", "fast"):
        for octets in (SMALL, LARGE):
            spool = store.spool()
            await spool.write(octets)
            (receipt,) = await store.deposit(spool, Letter("", 1.0, "local"), [Addressee(drop)])
            assert receipt.drop == drop
    yield store
    delays.gate.set()
    await store.close()


async def read_all(store, drop, lock=Lock()):  # noqa: B008 - a frozen value
    """Everything that a client asks for; the octets."""
    session = store.open_now(drop, HOLDER, lock) or await store.open(drop, HOLDER, lock)
    try:
        if not session.load_now():
            await session.load()
        octets = []
        for number in range(1, session.snapshot.count + 1):
            message = session.ready(number) or await session.open_message(number)
            octets.append(message.head + (await message.rest.read(1000) if message.rest else b""))
            if message.rest:
                await message.rest.close()
        return octets
    finally:
        await session.close()


async def test_a_slow_read_sends_all_that_follow_to_threads(store, delays):
    assert await read_all(store, "slow") == [SMALL, LARGE]
    delays.on_loop.clear()
    store._index._slow._until.clear()  # a busy machine may have been slow
    delays.seconds = SLOW
    assert await read_all(store, "slow") == [SMALL, LARGE]
    assert delays.on_loop[0] is True, "it was not known before"
    assert delays.on_loop[1:] == [False] * (len(delays.on_loop) - 1)
    delays.seconds = 0.0
    delays.on_loop.clear()
    await store.usage("slow")
    assert [row.uid async for row in store.rows("slow")] == [1, 2]
    assert store.glance("slow") is None
    assert store.open_now("slow", HOLDER, Lock()) is None
    assert delays.on_loop
    assert not any(delays.on_loop)


async def test_others_do_not_notice_a_read_that_hangs(store, delays):
    await read_all(store, "slow")
    await store._index._handles.require("slow")
    store._index._slow.note("slow", SLOW)
    delays.gate.clear()
    hanging = [asyncio.create_task(read_all(store, "slow", Lock(LockPolicy.SHARE))) for _ in range(20)]
    for _ in range(20):
        assert await read_all(store, "fast") == [SMALL, LARGE]
    assert not any(task.done() for task in hanging)
    store._index._handles.rest()
    store._index._handles.rest()  # twice unused: it would be closed, were no thread at it
    delays.gate.set()
    assert await asyncio.gather(*hanging) == [[SMALL, LARGE]] * 20


async def test_a_slow_drop_has_one_session_at_a_time_as_any_other(store):
    store._index._slow.note("slow", SLOW)
    session = await store.open("slow", HOLDER, Lock())
    with pytest.raises(DropInUse):
        await store.open("slow", HOLDER, Lock())
    await session.close()
    await (await store.open("slow", HOLDER, Lock())).close()


async def test_who_leaves_while_a_slow_drop_is_locked_leaves_it_free(store, delays, monkeypatch):
    store._index._slow.note("slow", SLOW)
    take, is_asked, gate = sqlite_index.take, threading.Event(), threading.Event()

    def late(*words, **more):
        is_asked.set()
        assert gate.wait(10)
        return take(*words, **more)

    with monkeypatch.context() as delay:
        delay.setattr(sqlite_index, "take", late)
        opening = asyncio.create_task(store.open("slow", HOLDER, Lock()))
        await asyncio.to_thread(is_asked.wait, 10)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    gate.set()
    assert await read_all(store, "slow") == [SMALL, LARGE]


async def test_a_drop_that_was_opened_slowly_is_slow(tmp_path, monkeypatch):
    store = embedded_store(tmp_path / "post")
    monkeypatch.setattr(sqlite_handles, "SLOW_OPENING", 0.0)
    await (await store.open("anna", HOLDER, Lock())).close()
    assert store._index._slow.has("anna")
    await store.close()


def test_after_a_slow_read_the_rest_is_left_to_a_thread(clock):
    slow, asked = SlowDrops(), []

    def read(sql, _):
        asked.append(sql)
        clock.now += 2 * SLOW if sql == "two" else 0.0
        return [sql]

    query = slow.hasty("anna", read)
    assert query("one", ()) == ["one"]
    assert query("two", ()) == ["two"]
    with pytest.raises(TooSlow):
        query("three", ())
    assert asked == ["one", "two"]


async def test_columns_that_turn_out_to_be_slow_are_read_by_a_thread(store, delays):
    session = await store.open("slow", HOLDER, Lock())
    store._index._slow._until.clear()
    delays.on_loop.clear()
    delays.seconds = SLOW
    assert not session.load_now()
    await session.load()
    assert session.snapshot.is_loaded
    assert delays.on_loop == [True, *[False] * 4]
    await session.close()
