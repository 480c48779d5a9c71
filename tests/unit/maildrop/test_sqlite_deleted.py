"""Jobs that are shown as a whole in tests/contract/test_maildrop.py; here: what a lost lease and large ranges do."""

import pytest

from postane.maildrop.base import Addressee, Holder, LeaseLost, Letter, Lock, Receipt
from postane.maildrop.embedded import embedded_store


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
