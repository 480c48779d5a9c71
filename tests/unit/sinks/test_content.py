"""Content: small in memory, large in a file, read as often as it is wanted."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from postane.sinks.base import Parcel
from postane.sinks.content import BLOCK, FileContent, MemoryContent, Spool, SpoolError, whole

SMALL = b"Subject: a\r\n\r\nb\r\n"
LARGE = bytes(range(256)) * (3 * BLOCK // 256) + b"the end"


def spooled(data: bytes, *, limit: int = 1000, piece: int = 700) -> tuple[Spool, MemoryContent | FileContent]:
    spool = Spool(limit)
    for start in range(0, len(data), piece):
        spool.write(data[start : start + piece])
    content = spool.finish()
    assert isinstance(content, MemoryContent | FileContent)
    return spool, content


def test_a_small_one_stays_in_memory() -> None:
    spool, content = spooled(SMALL, piece=3)
    assert isinstance(content, MemoryContent)
    assert (content.octets, list(content.chunks())) == (len(SMALL), [SMALL])
    assert spool.finish() is content
    spool.discard()
    assert list(content.chunks()) == [SMALL]


def test_nothing_at_all_is_a_message_of_no_octets() -> None:
    _, content = spooled(b"")
    assert (content.octets, list(content.chunks())) == (0, [])


def test_the_limit_itself_is_in_memory_and_one_more_octet_is_not() -> None:
    assert isinstance(spooled(b"x" * 1000)[1], MemoryContent)
    spool, content = spooled(b"x" * 1001)
    assert isinstance(content, FileContent)
    spool.discard()


def test_a_large_one_is_read_twice_and_by_turns() -> None:
    spool, content = spooled(LARGE, piece=5000)
    first, second = content.chunks(), content.chunks()
    begun = next(first)
    assert b"".join(second) == LARGE
    assert begun + b"".join(first) == LARGE
    assert content.octets == len(LARGE)
    spool.discard()


def test_a_large_one_is_read_by_many_threads_at_once() -> None:
    spool, content = spooled(LARGE, piece=100_000)
    start = threading.Barrier(8)

    def read(_: int) -> bytes:
        start.wait()
        return b"".join(content.chunks())

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(read, range(8))) == {LARGE}
    spool.discard()


def test_who_reads_it_when_it_is_discarded_reads_to_the_end() -> None:
    spool, content = spooled(LARGE)
    reading = content.chunks()
    begun = next(reading)
    spool.discard()
    spool.discard()
    assert begun + b"".join(reading) == LARGE
    with pytest.raises(SpoolError, match="let go of"):
        next(content.chunks())


def test_a_spool_that_is_never_finished_lets_go_of_its_file() -> None:
    spool = Spool(10)
    spool.write(b"more than ten octets")
    spool.discard()  # a file that stays open is a warning, and a warning is a failure


def test_no_folder_for_temporary_files_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere/at/all")
    with pytest.raises(SpoolError, match="temporary files: No such file"):
        Spool(3).write(b"four")


def test_a_full_disk_is_told() -> None:
    spool = Spool(3)
    with open("/dev/full", "wb", buffering=0) as full:
        spool._file = full  # what a temporary file on a full disk does
        with pytest.raises(SpoolError, match="No space left"):
            spool.write(b"four")


def test_a_file_that_was_cut_short_is_never_taken_for_the_message() -> None:
    spool, content = spooled(LARGE)
    assert isinstance(content, FileContent)
    content._file.truncate(len(LARGE) - 1)
    with pytest.raises(SpoolError, match="cut short"):
        b"".join(content.chunks())
    spool.discard()


def test_what_stands_before_it_comes_first() -> None:
    content = MemoryContent(SMALL)
    assert list(whole(Parcel("k", "a", content, lead=b"Received: x\r\n"))) == [b"Received: x\r\n", SMALL]
    assert list(whole(Parcel("k", "a", content))) == [SMALL]
