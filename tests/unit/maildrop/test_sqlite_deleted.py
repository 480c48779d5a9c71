"""Jobs that are shown as a whole in tests/contract/test_maildrop.py; here: what a lost lease and large ranges do."""

import pytest

from postane.maildrop.base import Addressee, Holder, LeaseLost, Letter, Lock, Receipt
from postane.maildrop.embedded import embedded_store
from postane.maildrop.sides import Step
from postane.maildrop.sqlite_writer import Job


@pytest.fixture
async def store(tmp_path):
    store = embedded_store(tmp_path, inline=100)
    spool = store.spool()
    await spool.write(b"x" * 300)
    outcomes = await store.deposit(spool, Letter("a@b", 1.0), [Addressee("anna")] * 20)
    assert all(isinstance(outcome, Receipt) for outcome in outcomes)
    await spool.discard()
    yield store
    await store.close()


async def test_ranges_and_single_messages(store):
    session = await store.open("anna", Holder("s", "", "pop3", 0.0), Lock(), keep_deleted=True)
    await session.load()
    for number in (1, 2, 3, 7, 9, 10, 20):
        session.snapshot.delete(number)
    await session.commit()
    await session.close()
    assert [row.uid async for row in store.deleted("anna")] == [1, 2, 3, 7, 9, 10, 20]
    assert [receipt.uid for receipt in await store.restore("anna", [2, 7, 20])] == [21, 22, 23]
    await store.discard("anna", [1, 3, 4, 5, 9])
    assert [row.uid async for row in store.deleted("anna")] == [10]
    assert [row.uid async for row in store.rows("anna")] == [6, 8, *range(11, 20), 21, 22, 23]
    assert [finding async for finding in store.verify("anna")] == []


async def test_whoever_lost_the_lease_brings_nothing_back(store, monkeypatch):
    index = store._index
    lease, _ = await index.open("anna", Holder("s", "", "local", 0.0), Lock())
    await index.delete(lease, [1], 5.0)
    await lease.release()
    with pytest.raises(LeaseLost):
        await index.restore(lease, [1], 6.0)
    assert [(row.uid, row.deleted) async for row in store.deleted("anna")] == [(1, 5.0)]


async def test_all_that_there_is_goes_and_what_is_kept_out_of_sight_stays(store):
    for uids, is_keeping in (([3], True), (range(1, 21), False)):
        session = await store.open("anna", Holder("s", "", "pop3", 0.0), Lock(), keep_deleted=is_keeping)
        await session.load()
        session.snapshot.delete_all([number for number in range(1, session.snapshot.total + 1) if number in uids])
        await session.commit()
        await session.close()
    assert [row.uid async for row in store.rows("anna")] == []
    assert [row.uid async for row in store.deleted("anna")] == [3]
    assert [finding async for finding in store.verify("anna")] == []
    await store.discard("anna", [3])
    handle = await store._index._handles.require("anna")
    assert handle.read("SELECT (SELECT count(*) FROM body), (SELECT count(*) FROM deleted)") == [(0, 0)]


async def test_totals_that_are_wrong_delete_nothing_that_was_not_marked(store):
    handle = await store._index._handles.require("anna")
    lease, _ = await store._index.open("anna", Holder("s", "", "local", 0.0), Lock())

    def miscount(now):
        now.messages = 1

    await handle.write(Job(miscount, Step.ROW_WRITTEN, Step.ROW_DURABLE))
    await store._index.delete(lease, [5])
    await lease.release()
    assert (await store.usage("anna")).messages == 0, "as it counts"
    assert handle.read("SELECT count(*) FROM body") == [(19,)]
    assert [row.uid async for row in store.rows("anna")] == [uid for uid in range(1, 21) if uid != 5]
