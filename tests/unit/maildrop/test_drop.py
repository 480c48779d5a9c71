"""The join of two sides: what is left when one side fails, sweeping."""

import asyncio
import time

import pytest

from postane.maildrop.base import Addressee, Holder, Letter, Lock, StoreFull, StoreUnavailable
from postane.maildrop.drop import JoinedStore
from postane.maildrop.memory import MemoryBlobs, MemoryIndex, memory_store
from support.store_child import deposit, message

HOLDER = Holder("s1", "", "pop3", time.time())


class CountingIndex(MemoryIndex):
    """An index that notes what is fetched, and fails to append when told."""

    def __init__(self):
        super().__init__()
        self.fetched = []
        self.failure = None

    async def fetch(self, drop, first, last):
        self.fetched.append((first, last))
        return await super().fetch(drop, first, last)

    async def append(self, drop, entry):
        if self.failure:
            raise self.failure
        return await super().append(drop, entry)


@pytest.mark.parametrize(("failure", "left"), [(StoreFull("full"), 0), (StoreUnavailable("who knows"), 1)])
async def test_a_blob_goes_only_when_its_row_is_certainly_not_there(failure, left):
    index, blobs = CountingIndex(), MemoryBlobs()
    store = JoinedStore(index, blobs, inline=100)
    index.failure = failure
    assert await deposit(store, message(2), "anna") == [failure]
    assert len(blobs.bodies) == left


async def test_a_spool_that_failed_is_deposited_nowhere():
    class FullBlobs(MemoryBlobs):
        def begin(self):
            upload = super().begin()
            upload.finish = self.refuse
            return upload

        async def refuse(self, *pieces, is_undotted=False):
            raise StoreFull("full")

    store = JoinedStore(MemoryIndex(), FullBlobs(), inline=100)
    outcomes = await deposit(store, message(2), "anna", "berta")
    assert [type(outcome) for outcome in outcomes] == [StoreFull, StoreFull]
    assert [name async for name in store.drops()] == []


async def test_a_spool_of_another_store_is_refused():
    class Stranger:
        async def write(self, octets): ...

        async def discard(self): ...

    with pytest.raises(TypeError):
        await memory_store().deposit(Stranger(), Letter("", 0.0), [Addressee("anna")])


async def test_a_cancelled_deposit_is_whole_or_not_there(store):
    for round_ in range(30):
        task = asyncio.create_task(deposit(store, message(2 + round_), "anna", "berta"))
        await asyncio.sleep(round_ * 0.0003)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await deposit(store, message(1), "anna", "berta")
    for drop in ("anna", "berta"):
        assert [finding async for finding in store.verify(drop)] == []


async def test_nothing_is_swept_where_rows_seem_to_be_lost():
    class LossyIndex(MemoryIndex):
        async def rows(self, drop):
            async for row in super().rows(drop):
                if row.uid != 1:
                    yield row

    blobs = MemoryBlobs()
    store = JoinedStore(LossyIndex(), blobs, inline=100, orphan_age=0.0)
    await deposit(store, message(2), "anna")
    await deposit(store, message(4), "anna")
    await (await store.open("anna", HOLDER, Lock())).close()
    assert len(blobs.bodies) == 2


async def test_a_lease_is_given_back_when_the_sweep_fails():
    class BrokenBlobs(MemoryBlobs):
        async def names(self, drop, age):
            raise StoreUnavailable("no answer")

    index = MemoryIndex()
    store = JoinedStore(index, BrokenBlobs())
    with pytest.raises(StoreUnavailable):
        await store.open("anna", HOLDER, Lock())
    assert index.leases == {}
