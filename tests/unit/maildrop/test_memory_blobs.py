"""The memory store's bodies, where they differ from files."""

import pytest

from postane.maildrop.base import Blob, StoreDamaged
from postane.maildrop.memory_blobs import MemoryBlobs


async def test_an_upload_is_placed_as_often_as_one_likes():
    blobs = MemoryBlobs()
    upload = blobs.begin()
    await upload.write(b"octets")
    facts = await upload.finish()
    await blobs.place(upload, "anna", "1")
    await blobs.place(upload, "ben", "1")
    await upload.discard()
    await blobs.remove("anna", ["1"])
    reader = await blobs.open("ben", Blob("1", facts.octets, facts.digest))
    assert [await reader.read(4), await reader.read(4), await reader.read(4)] == [b"octe", b"ts", b""]
    with pytest.raises(StoreDamaged, match="missing or cut"):
        await blobs.open("anna", Blob("1", facts.octets, facts.digest))


async def test_an_upload_of_another_side_is_refused():
    with pytest.raises(TypeError):
        await MemoryBlobs().place(object(), "anna", "1")
