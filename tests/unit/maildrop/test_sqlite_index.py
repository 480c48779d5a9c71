"""The SQLite index's own: reading large columns apart, ranges of deletions, leases that are not its own."""

import asyncio
import shutil
import time

import pytest

from postane.maildrop import sqlite_handles, sqlite_index
from postane.maildrop.base import Holder, Lock, StoreUnavailable
from postane.maildrop.drop import JoinedStore
from postane.maildrop.memory import MemoryBlobs, MemoryIndex
from postane.maildrop.sqlite_index import SqliteIndex, _ranges
from support.store_child import deposit, message

HOLDER = Holder("s1", "", "pop3", time.time())


@pytest.mark.parametrize(
    ("uids", "ranges"),
    [
        ([], []),
        ([5], [(5, 5)]),
        ([1, 2, 3], [(1, 3)]),
        ([1, 3, 4, 5, 9, 10], [(1, 1), (3, 5), (9, 10)]),
    ],
)
def test_ranges(uids, ranges):
    assert _ranges(uids) == ranges


async def sizes(store, drop="anna"):
    session = await store.open(drop, HOLDER, Lock())
    try:
        await session.load()
        return [size for _, size in session.snapshot.sizes()]
    finally:
        await session.close()


@pytest.mark.parametrize("inline_rows", [0, 1000])
async def test_columns_grow_with_the_drop_however_they_are_read(store, monkeypatch, inline_rows):
    monkeypatch.setattr(sqlite_index, "INLINE_ROWS", inline_rows)
    for number in range(1, 8):
        await deposit(store, message(number), "anna")
        assert await sizes(store) == [len(message(each)) for each in range(1, number + 1)]
    session = await store.open("anna", HOLDER, Lock())
    await session.load()
    session.snapshot.delete(2)
    await session.commit()
    await session.close()
    assert await sizes(store) == [len(message(each)) for each in (1, 3, 4, 5, 6, 7)]


async def test_a_session_goes_on_when_its_drop_was_closed_behind_it(tmp_path):
    index = SqliteIndex(tmp_path / "post", handles=1)
    store = JoinedStore(index, MemoryBlobs())
    await deposit(store, message(1), "anna")
    session = await store.open("anna", HOLDER, Lock())
    for name in ("berta", "carla"):
        await deposit(store, message(1), name)
        await session.load()
        assert (await session.open_message(1)).head == message(1)
        await deposit(store, message(1), name)
    session.snapshot.delete(1)
    await deposit(store, message(1), "berta")
    await session.commit()
    await session.close()
    assert (await store.usage("anna")).messages == 0
    await store.close()


async def test_few_handles_stay_open_for_those_who_only_logged_in(store, monkeypatch):
    monkeypatch.setattr(sqlite_handles, "SPARE", 3)
    drops = [f"drop{number}" for number in range(8)]
    for drop in drops:
        await deposit(store, message(1), drop)
    handles = store._index._handles
    assert len(handles._open) == 8, "these were written to"
    for _ in range(2):
        handles.rest()
    sessions = [await store.open(drop, HOLDER, Lock()) for drop in drops]
    assert list(handles._open) == drops[-3:]
    await sessions[-1].load()
    await (await store.open("another", HOLDER, Lock())).close()
    assert set(handles._open) == {*drops[-3:], "another"}, "the one that was used is no spare one"
    for session in sessions:
        await session.load()
        assert (await session.open_message(1)).head == message(1)
        await session.close()
    assert set(handles._open) == {*drops, "another"}


async def test_a_lease_of_another_index_is_refused(tmp_path):
    index = SqliteIndex(tmp_path)
    lease, _ = await MemoryIndex().open("anna", HOLDER, Lock())
    with pytest.raises(TypeError):
        await index.delete(lease, [1])
    await index.close()


async def test_a_lease_file_that_cannot_be_opened_is_no_traceback(store, tmp_path):
    await deposit(store, message(1), "anna")
    (folder,) = (tmp_path / "post").glob("drops/*/anna")
    (folder / "lease").mkdir()
    with pytest.raises(StoreUnavailable, match="cannot be locked"):
        await store.open("anna", HOLDER, Lock())


async def test_removal_and_deposits_at_once_never_hide_mail(store):
    async def remove():
        for _ in range(10):
            await store.remove("anna")

    async def fill():
        for _ in range(30):
            await deposit(store, message(1), "anna")

    await deposit(store, message(1), "anna")
    await asyncio.gather(remove(), fill())
    listed = [name async for name in store.drops()]
    assert bool(listed) == bool((await store.usage("anna")).messages)


async def test_rows_come_in_portions(store, monkeypatch):
    monkeypatch.setattr(sqlite_index, "ROWS_AT_ONCE", 3)
    for number in range(1, 8):
        await deposit(store, message(1), "anna")
        assert [row.uid async for row in store.rows("anna")] == list(range(1, number + 1))


async def test_a_drop_that_somebody_has_removed_by_hand_is_there_again_at_the_next_poll(store, tmp_path):
    await deposit(store, message(1), "anna")
    assert await sizes(store) == [len(message(1))]
    for _ in range(2):
        session = store.open_now("anna", HOLDER, Lock())  # it remembers, and then it has nothing else
        assert session.close_now()
        store._index._handles.rest()
        store._index._handles.rest()
    (folder,) = tmp_path.glob("**/drops/*/anna")
    shutil.rmtree(folder)
    assert store.open_now("anna", HOLDER, Lock()) is None
    assert await sizes(store) == []
    assert store.open_now("anna", HOLDER, Lock()).close_now()
