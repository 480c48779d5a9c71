"""The lock of a run: one at a time, ended by whatever ends its holder."""

import stat
import subprocess
import sys

import pytest

from postane.journal.base import JournalError
from postane.journal.locks import RunLock
from support.journals import lock_holder


def test_one_at_a_time(tmp_path):
    lock = RunLock(tmp_path / "locks", "work")
    other = RunLock(tmp_path / "locks", "other")
    with pytest.raises(
        JournalError, match=r"work is in use by another run in this process since [-0-9]+ [:0-9]+: wait"
    ):
        RunLock(tmp_path / "locks", "work")
    lock.close()
    lock.close()
    RunLock(tmp_path / "locks", "work").close()
    other.close()
    assert stat.S_IMODE((tmp_path / "locks").stat().st_mode) == 0o700


def test_a_name_may_be_any(tmp_path):
    locks = [RunLock(tmp_path, name) for name in ("../x", "a/b", "a" * 400, "", "\udcff", "CON")]
    assert len(list(tmp_path.iterdir())) == len(locks)
    for lock in locks:
        lock.close()


def test_a_program_that_is_started_meanwhile_does_not_keep_it(tmp_path):
    lock = RunLock(tmp_path, "work")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False) as child:
        lock.close()
        RunLock(tmp_path, "work").close()
        child.communicate(b"\n")


def test_a_killed_holder_has_let_go(tmp_path):
    with lock_holder(tmp_path, "work") as child:
        with pytest.raises(JournalError, match=f"work is in use by process {child.pid} since .*: wait until"):
            RunLock(tmp_path, "work")
        child.kill()
    RunLock(tmp_path, "work").close()


def test_who_cannot_be_told_is_another_process(tmp_path):
    lock = RunLock(tmp_path, "work")
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"")
    with pytest.raises(JournalError, match="in use by another process: wait"):
        RunLock(tmp_path, "work")
    lock.close()


def test_a_mark_is_kept_until_there_is_another(tmp_path):
    for kept, mark in (("", "one"), ("one", "two")):
        lock = RunLock(tmp_path, "work")
        assert lock.mark == kept
        lock.keep(mark)
        lock.close()
        lock = RunLock(tmp_path, "work")  # somebody who keeps nothing
        with pytest.raises(JournalError, match="in use by another run in this process since"):
            RunLock(tmp_path, "work")
        lock.close()
    assert RunLock(tmp_path, "work").mark == "two"


def test_a_place_where_no_lock_can_be_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match=r"the state .*/file cannot be used: the lock of work cannot be had") as told:
        RunLock(tmp_path / "file", "work")
    assert "File exists: let this user write there" in str(told.value)
