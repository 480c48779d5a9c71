"""Bodies are read where it holds nobody up."""

import os
import threading

import pytest

from postane.maildrop import file_reader
from postane.maildrop.base import StoreDamaged, StoreUnavailable
from postane.maildrop.crew import Crew
from postane.maildrop.file_reader import FileReader, open_body
from postane.maildrop.slow_drops import SLOW, SlowDrops, Turns

OCTETS = b"0123456789abcdef\r\n" * 10


@pytest.fixture
async def turns():
    crew = Crew(2, "test-reader")
    yield Turns(crew, SlowDrops())
    crew.close()


@pytest.fixture
def path(tmp_path):
    (tmp_path / "body").write_bytes(OCTETS)
    return str(tmp_path / "body")


@pytest.fixture
def readers(monkeypatch):
    """Whether each read was one of the event loop's."""
    pread, seen = os.pread, []

    def reading(*words):
        seen.append(threading.current_thread() is threading.main_thread())
        return pread(*words)

    monkeypatch.setattr(os, "pread", reading)
    return seen


async def read_all(reader):
    octets = b""
    while piece := await reader.read(50):
        octets += piece
    await reader.close()
    return octets


@pytest.mark.parametrize("is_at_hand", [True, False])
async def test_what_is_in_memory_is_read_on_the_event_loop(turns, path, readers, monkeypatch, is_at_hand):
    monkeypatch.setattr(FileReader, "_is_at_hand", lambda *_: is_at_hand)
    assert await read_all(open_body(turns, "anna", path, len(OCTETS))) == OCTETS
    assert readers == [is_at_hand] * 4


async def test_a_slow_drop_is_read_by_threads_although_it_seems_to_be_in_memory(turns, path, readers, monkeypatch):
    monkeypatch.setattr(FileReader, "_is_at_hand", lambda *_: True)
    turns.slow.note("anna", SLOW)
    assert await read_all(open_body(turns, "anna", path, len(OCTETS))) == OCTETS
    assert readers == [False] * 4


async def test_where_nothing_tells_what_is_in_memory_threads_read(turns, path, readers, monkeypatch):
    monkeypatch.setattr(file_reader, "_NO_WAIT", None)
    assert await read_all(open_body(turns, "anna", path, len(OCTETS))) == OCTETS
    assert readers == [False] * 4


async def test_a_body_of_another_size_is_damage_and_leaves_nothing_open(turns, path):
    before = os.listdir("/proc/self/fd")
    with pytest.raises(StoreDamaged, match="instead of 5"):
        open_body(turns, "anna", path, 5)
    with pytest.raises(StoreDamaged, match="missing"):
        open_body(turns, "anna", f"{path}.gone", 5)
    assert os.listdir("/proc/self/fd") == before


async def test_one_that_ends_early_is_damage(turns, path):
    reader = open_body(turns, "anna", path, len(OCTETS))
    os.truncate(path, 0)
    with pytest.raises(StoreDamaged, match="ends after 0"):
        await reader.read(50)
    await reader.close()
    await reader.close()


async def test_a_disk_that_fails_is_told_as_what_may_pass(turns, path, monkeypatch):
    def fail(*_):
        raise OSError(5, "Input/output error")

    reader = open_body(turns, "anna", path, len(OCTETS))
    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(StoreUnavailable):
        await reader.read(50)
    await reader.close()
