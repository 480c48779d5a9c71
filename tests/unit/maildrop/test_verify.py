"""Proof of blobs: what changes while one looks is not taken for damage."""

import pytest

from postane.maildrop.base import FindingKind, StoreUnavailable
from postane.maildrop.drop import JoinedStore
from postane.maildrop.memory import MemoryBlobs, MemoryIndex
from postane.maildrop.verify import check_blobs
from support.store_child import deposit, message


async def filled():
    index, blobs = MemoryIndex(), MemoryBlobs()
    store = JoinedStore(index, blobs, inline=100)
    for number in (2, 4, 6):
        await deposit(store, message(number), "anna")
    return index, blobs


async def findings(index, blobs, age=0.0):
    return [(finding.kind, finding.uid) async for finding in check_blobs(index, blobs, "anna", age)]


async def test_each_kind_of_damage_has_a_name():
    index, blobs = await filled()
    assert await findings(index, blobs) == []
    first, second, third = sorted(blobs.bodies, key=list(blobs.bodies).index)
    del blobs.bodies[first]
    blobs.bodies[second] = blobs.bodies[second][:-1]
    blobs.bodies[third] = blobs.bodies[third].replace(b"6", b"7")
    blobs._placed.pop(first)
    assert await findings(index, blobs) == [
        (FindingKind.BODY_MISSING, 1),
        (FindingKind.BODY_DAMAGED, 2),
        (FindingKind.BODY_DAMAGED, 3),
    ]


async def test_a_message_that_was_deleted_meanwhile_is_not_missed():
    index, blobs = await filled()

    class Deleting(MemoryBlobs):
        async def open(self, drop, blob):
            for uid in list(index._drops["anna"].rows):
                del index._drops["anna"].rows[uid]
            blobs.bodies.clear()
            return await blobs.open(drop, blob)

    assert await findings(index, Deleting()) == []


async def test_a_young_blob_is_no_orphan():
    index, blobs = await filled()
    index._drops["anna"].rows.clear()
    assert await findings(index, blobs, age=60.0) == []
    assert await findings(index, blobs) == [(FindingKind.ORPHAN, None)] * 3


async def test_a_store_that_does_not_answer_is_not_damaged():
    index, _ = await filled()

    class Silent(MemoryBlobs):
        async def open(self, drop, blob):
            raise StoreUnavailable("no answer")

    with pytest.raises(StoreUnavailable):
        await findings(index, Silent())
