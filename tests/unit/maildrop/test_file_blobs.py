"""Bodies as files: links, copies where there are none, what crashes leave, readers."""

import errno
import os

import pytest

from postane.mail.measure import measure
from postane.maildrop.base import Blob, StoreDamaged, StoreFull, StoreUnavailable
from postane.maildrop.file_blobs import FileBlobs
from postane.maildrop.memory import MemoryBlobs

OCTETS = b"0123456789abcdef\r\n" * 50_000


@pytest.fixture
async def blobs(tmp_path):
    blobs = FileBlobs(tmp_path / "post", orphan_age=3600.0)
    yield blobs
    await blobs.close()


async def uploaded(blobs, octets=OCTETS):
    upload = blobs.begin()
    await upload.write(octets[:100])
    await upload.write(octets[100:])
    facts = await upload.finish()
    assert facts == measure(octets)
    return upload, Blob("b1", facts.octets, facts.digest)


async def read(blobs, drop, blob, limit=100_000):
    reader = await blobs.open(drop, blob)
    octets = b""
    while piece := await reader.read(limit):
        octets += piece
    await reader.close()
    return octets


async def test_recipients_share_the_octets(blobs, tmp_path):
    upload, blob = await uploaded(blobs)
    for drop in ("anna", "berta"):
        await blobs.place(upload, drop, blob.name)
    await upload.discard()
    paths = list((tmp_path / "post").glob("drops/*/*/blobs/b1"))
    assert len({path.stat().st_ino for path in paths}) == 1
    assert [path.stat().st_nlink for path in paths] == [2, 2]
    assert await blobs.remove("anna", ["b1", "never there"]) == []
    assert await read(blobs, "berta", blob) == OCTETS
    assert await blobs.names("anna", 0.0) == []


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EMLINK, errno.EPERM])
async def test_where_there_are_no_links_there_are_copies(blobs, tmp_path, monkeypatch, code):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", refuse)
    upload, blob = await uploaded(blobs)
    await blobs.place(upload, "anna", blob.name)
    await upload.discard()
    assert await read(blobs, "anna", blob) == OCTETS
    assert [path.name for path in (tmp_path / "post").glob("drops/*/*/blobs/*")] == ["b1"]


async def test_a_name_is_never_written_twice(blobs):
    first, blob = await uploaded(blobs)
    await blobs.place(first, "anna", blob.name)
    second, _ = await uploaded(blobs, b"other\r\n" * 20)
    with pytest.raises(StoreUnavailable):
        await blobs.place(second, "anna", blob.name)
    await first.discard()
    await second.discard()
    assert await read(blobs, "anna", blob) == OCTETS


async def test_nothing_to_discard_is_fine(blobs, tmp_path):
    upload = blobs.begin()
    await upload.discard()
    await upload.discard()
    assert not (tmp_path / "post").exists()


async def test_a_write_that_comes_late_makes_no_file(blobs, tmp_path):
    upload, _ = await uploaded(blobs)
    await upload.discard()
    await upload.write(b"late")
    assert list((tmp_path / "post" / "tmp").iterdir()) == []


async def test_no_space_is_told_as_such(blobs, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    upload = blobs.begin()
    with pytest.raises(StoreFull):
        await upload.write(b"x")
    monkeypatch.undo()
    await upload.discard()


async def test_uploads_that_a_crash_left_are_swept_and_no_others(tmp_path):
    first, second = (FileBlobs(tmp_path / "post", orphan_age=0.0) for _ in range(2))
    slow, _ = await uploaded(first)
    left = tmp_path / "post" / "tmp" / "left by a crash"
    left.write_bytes(b"half")
    upload, _ = await uploaded(second)
    assert not left.exists()
    assert os.path.exists(slow.path), "somebody still writes it"
    for blobs, one in ((first, slow), (second, upload)):
        await one.discard()
        await blobs.close()


async def test_young_leftovers_stay(blobs, tmp_path):
    (tmp_path / "post" / "tmp").mkdir(parents=True)
    (tmp_path / "post" / "tmp" / "young").write_bytes(b"half")
    upload, _ = await uploaded(blobs)
    await upload.discard()
    assert (tmp_path / "post" / "tmp" / "young").exists()


async def test_the_age_of_a_name_counts_from_when_it_was_placed(blobs, tmp_path):
    upload, blob = await uploaded(blobs)
    os.utime(upload.path, (0, 0))  # the body itself may be old
    await blobs.place(upload, "anna", blob.name)
    await upload.discard()
    assert await blobs.names("anna", 60.0) == []
    assert await blobs.names("anna", 0.0) == ["b1"]
    assert await blobs.names("nobody", 0.0) == []


async def test_what_cannot_be_removed_is_told(blobs, monkeypatch):
    upload, blob = await uploaded(blobs)
    await blobs.place(upload, "anna", blob.name)
    await upload.discard()

    def refuse(path, **_):
        raise PermissionError(errno.EPERM, "Operation not permitted", path)

    monkeypatch.setattr(os, "unlink", refuse)
    assert await blobs.remove("anna", ["b1"]) == ["b1"]


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("limit", [1, 7, 4096, 100_000, 10_000_000])
async def test_reading_by_any_measure(blobs, monkeypatch, in_memory, limit):
    octets = OCTETS[: limit * 300]
    upload, blob = await uploaded(blobs, octets)
    await blobs.place(upload, "anna", blob.name)
    await upload.discard()
    if not in_memory:
        monkeypatch.setattr("postane.maildrop.file_reader._NO_WAIT", None)
    assert await read(blobs, "anna", blob, limit) == octets


async def test_a_missing_one_is_damage(blobs):
    with pytest.raises(StoreDamaged, match="missing"):
        await blobs.open("anna", Blob("b1", 1, b""))


async def test_an_upload_goes_to_its_own_side(blobs):
    with pytest.raises(TypeError):
        await blobs.place(MemoryBlobs().begin(), "anna", "b1")


async def test_a_reader_closes_once(blobs):
    upload, blob = await uploaded(blobs)
    await blobs.place(upload, "anna", blob.name)
    await upload.discard()
    reader = await blobs.open("anna", blob)
    await reader.close()
    await reader.close()


async def test_the_last_octets_come_with_the_end(blobs):
    upload = blobs.begin()
    await upload.write(b"Subject: x\r\n")
    facts = await upload.finish(b"\r\nhello\r\n")
    assert facts == measure(b"Subject: x\r\n\r\nhello\r\n")
    await blobs.place(upload, "anna", "name")
    reader = await blobs.open("anna", Blob("name", facts.octets, facts.digest))
    assert await reader.read(100) == b"Subject: x\r\n\r\nhello\r\n"
    await reader.close()


async def test_what_is_forgotten_goes_by_and_by(blobs):
    for _ in range(2):
        upload = blobs.begin()
        await upload.finish(b"octets")
        assert os.path.exists(upload.path)
        upload.forget()
        upload.forget()
        await upload.discard()
        await upload.write(b"late")
    upload = blobs.begin()
    upload.forget()
    await blobs.close()
    assert os.listdir(blobs.folders.tmp) == []


async def test_nobody_misses_what_is_gone_already(blobs):
    upload = blobs.begin()
    await upload.finish(b"octets")
    os.unlink(upload.path)
    upload.forget()
    await blobs.close()


async def test_it_is_finished_and_placed_as_one_piece_of_work(blobs, monkeypatch):
    upload, jobs = blobs.begin(), []
    await upload.write(OCTETS[:100])
    do = blobs._crew.do
    monkeypatch.setattr(blobs._crew, "do", lambda *work: (jobs.append(work), do(*work))[1])
    facts = await blobs.finish_in("anna", "b1", upload, OCTETS[100:200], OCTETS[200:])
    assert len(jobs) == 1
    assert facts == measure(OCTETS)
    await blobs.place(upload, "berta", "b2")
    await upload.discard()
    for drop, name in (("anna", "b1"), ("berta", "b2")):
        assert await read(blobs, drop, Blob(name, facts.octets, facts.digest)) == OCTETS


async def test_what_cannot_be_placed_is_told_and_leaves_nothing(blobs, monkeypatch):
    upload = blobs.begin()
    with monkeypatch.context() as trouble:
        trouble.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
        with pytest.raises(StoreFull):
            await blobs.finish_in("anna", "b1", upload, OCTETS)
    await upload.discard()
    assert os.listdir(blobs.folders.tmp) == []
    assert await blobs.names("anna", 0.0) == []
    with pytest.raises(TypeError):
        await blobs.finish_in("anna", "b1", MemoryBlobs().begin())
