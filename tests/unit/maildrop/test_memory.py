"""The memory store's own: what the contract suite cannot ask of every store."""

from postane.maildrop.base import FindingKind, Holder, Lock
from postane.maildrop.memory import MemoryIndex, memory_store
from support.store_child import deposit, message


async def test_two_stores_share_nothing():
    first, second = memory_store(), memory_store()
    await deposit(first, message(1), "anna")
    assert [name async for name in second.drops()] == []
    assert (await first.usage("anna")).messages == 1


async def test_a_changed_head_is_found():
    store = memory_store()
    await deposit(store, message(1), "anna")
    store._index._drops["anna"].heads[1] = b"changed"
    assert [finding.kind async for finding in store.verify("anna")] == [FindingKind.BODY_DAMAGED]


async def test_a_lease_that_was_taken_over_frees_nobody():
    index = MemoryIndex()
    first, _ = await index.open("anna", Holder("s1", "", "pop3", 0.0), Lock())
    index.leases.clear()
    second, _ = await index.open("anna", Holder("s2", "", "pop3", 0.0), Lock())
    await first.release()
    assert index.leases == {"anna": [second]}
