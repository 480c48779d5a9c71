"""Space that is kept back for deletions."""

import os
from types import SimpleNamespace

import pytest

from postane.maildrop.reserve import RESERVE, SHARE, Reserve

GIB = 1024**3


@pytest.fixture
def disk(monkeypatch):
    """A disk whose size and free space the test chooses."""
    disk = SimpleNamespace(f_frsize=4096, f_blocks=GIB // 4096, f_bavail=GIB // 4096)
    monkeypatch.setattr(os, "statvfs", lambda _: disk)
    return disk


def test_it_is_made_given_up_and_made_again(tmp_path, disk):
    reserve = Reserve(str(tmp_path))
    for _ in range(2):
        reserve.keep()
        reserve.keep()
        status = (tmp_path / "reserve").stat()
        assert status.st_size == RESERVE
        assert status.st_blocks * 512 >= RESERVE, "it takes space, not only the look of it"
        assert reserve.give_up()
        assert not reserve.give_up()


def test_a_small_disk_has_a_small_one(tmp_path, disk):
    disk.f_blocks = 1024 * 1024 // 4096
    Reserve(str(tmp_path)).keep()
    assert (tmp_path / "reserve").stat().st_size == 1024 * 1024 // SHARE


def test_a_disk_that_is_nearly_full_has_none(tmp_path, disk):
    disk.f_bavail = 2 * RESERVE // 4096
    Reserve(str(tmp_path)).keep()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_made_does_no_harm(tmp_path, disk, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("postane.maildrop.reserve._fill", full)
    Reserve(str(tmp_path)).keep()
    assert list(tmp_path.iterdir()) == []
    Reserve(str(tmp_path / "missing")).keep()


def test_where_nothing_can_be_allocated_it_is_written(tmp_path, disk, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    Reserve(str(tmp_path)).keep()
    assert (tmp_path / "reserve").stat().st_size == RESERVE
