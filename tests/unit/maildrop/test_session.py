"""One session's drop: reading ahead, and messages that are not as they were stored."""

import time
from dataclasses import replace

import pytest

from postane.mail.measure import measure
from postane.maildrop.base import Blob, Holder, Lock, LockPolicy, StoreDamaged
from postane.maildrop.drop import JoinedStore
from postane.maildrop.memory import MemoryBlobs, MemoryIndex
from postane.maildrop.session import AHEAD_MESSAGES, AHEAD_OCTETS, check_stored
from postane.maildrop.sides import Stored
from support.store_child import deposit, message

HOLDER = Holder("s1", "", "pop3", time.time())


class CountingIndex(MemoryIndex):
    """An index that notes what is fetched."""

    def __init__(self):
        super().__init__()
        self.fetched = []

    def fetch_now(self, drop, first, last):
        self.fetched.append((first, last))
        return super().fetch_now(drop, first, last)


async def session_of(index, bodies):
    store = JoinedStore(index, MemoryBlobs())
    for body in bodies:
        await deposit(store, body, "anna")
    session = await store.open("anna", HOLDER, Lock())
    await session.load()
    return session


async def test_who_reads_one_after_the_other_is_read_ahead_for():
    index = CountingIndex()
    session = await session_of(index, [message(1)] * 40)
    for number in range(1, 41):
        await session.open_message(number)
    last = 2 + AHEAD_MESSAGES
    assert index.fetched == [(1, 1), (2, last), (last + 1, last + 1 + AHEAD_MESSAGES), (36, 40)]


@pytest.mark.parametrize("is_ready", [True, False])
async def test_what_is_read_ahead_is_the_same_ready_or_not(is_ready):
    index = CountingIndex()
    session = await session_of(index, [message(1)] * 40)
    for number in range(1, 20):
        assert session.ready(number) if is_ready else await session.open_message(number)
    assert index.fetched == [(1, 1), (2, 18), (19, 35)]


class WaitingIndex(MemoryIndex):
    """An index that always has to wait for something."""

    def fetch_now(self, drop, first, last):
        return None

    async def fetch(self, drop, first, last):
        return super().fetch_now(drop, first, last)


async def test_nothing_is_ready_before_it_is_read_and_what_was_read_ahead_is():
    session = await session_of(WaitingIndex(), [message(1)] * 40)
    ready = []
    for number in range(1, 21):
        found = session.ready(number)
        ready.append(found is not None)
        assert (found or await session.open_message(number)).head == message(1)
    assert [number for number, was in enumerate(ready, 1) if not was] == [1, 2, 19]


async def test_who_picks_is_not_read_ahead_for():
    index = CountingIndex()
    session = await session_of(index, [message(1)] * 40)
    for number in (1, 20, 3, 40, 39):
        await session.open_message(number)
    assert index.fetched == [(1, 1), (20, 20), (3, 3), (40, 40), (39, 39)]


async def test_reading_ahead_has_a_bound():
    index = CountingIndex()
    session = await session_of(index, [b"x" * 50_000 + b"\r\n"] * 8)
    for number in range(1, 9):
        await session.open_message(number)
    assert max(last - first for first, last in index.fetched) == AHEAD_OCTETS // 50_000


@pytest.mark.parametrize(
    ("head", "blob"),
    [(b"short", None), ("a text " * 43, None), (b"x" * 301, None), (b"x" * 300, Blob("b", 1, b""))],
)
def test_a_message_that_is_not_as_it_was_stored_is_refused(head, blob):
    facts = measure(b"x" * 298 + b"\r\n")
    check_stored("anna", Stored(1, facts, b"x" * 300, None))
    with pytest.raises(StoreDamaged):
        check_stored("anna", Stored(1, facts, head, blob))


class WrongIndex(MemoryIndex):
    """An index that counts one message too many."""

    async def open(self, drop, holder, lock):
        lease, _ = await super().open(drop, holder, lock)
        return lease, await self.totals(drop)

    async def totals(self, drop):
        totals = await super().totals(drop)
        return replace(totals, messages=totals.messages + 1)


@pytest.mark.parametrize("policy", [LockPolicy.REFUSE, LockPolicy.SHARE])
async def test_rows_that_are_fewer_than_counted_are_damage(policy):
    index = WrongIndex()
    store = JoinedStore(index, MemoryBlobs())
    await deposit(store, message(1), "anna")
    await deposit(store, message(3), "anna")
    with pytest.raises(StoreDamaged, match="2 rows where 3"):
        await (await store.open("anna", HOLDER, Lock(policy))).load()
    assert policy is LockPolicy.REFUSE or index.leases == {}
