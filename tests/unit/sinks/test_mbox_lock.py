"""Locks of an mbox: both kinds are held, both are respected, and what the dead left is removed."""

import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from postane.sinks import mbox_lock
from postane.sinks.base import SinkError
from postane.sinks.mbox_lock import STALE, LockedFile, Patience

AT_ONCE = Patience(0.0, lambda _: None, lambda: False)
GONE = 2**22 + 1
PROBE = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print("locked")
    else:
        print("free")
"""
HOLD = """
import fcntl, sys
with open(sys.argv[1], "w+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("locked", flush=True)
    sys.stdin.read()
"""


def seen_by_another_process(path: Path) -> str:
    return subprocess.run(
        [sys.executable, "-c", PROBE, path], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_both_kinds_are_held(tmp_path: Path) -> None:
    file = LockedFile(str(tmp_path / "m"), AT_ONCE)
    assert (tmp_path / "m.lock").read_text() == f"{os.getpid()} {socket.gethostname()}\n"
    assert seen_by_another_process(tmp_path / "m") == "locked"
    file.release()
    file.release()
    assert not (tmp_path / "m.lock").exists()
    assert seen_by_another_process(tmp_path / "m") == "free"


def test_two_of_one_process_shut_each_other_out(tmp_path: Path) -> None:
    file = LockedFile(str(tmp_path / "m"), AT_ONCE)
    with pytest.raises(SinkError, match="stays locked"):
        LockedFile(str(tmp_path / "m"), AT_ONCE)
    file.release()
    LockedFile(str(tmp_path / "m"), AT_ONCE).release()


def test_a_lock_of_another_program_is_respected(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "m"], stdin=-1, stdout=-1) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(SinkError, match="stays locked"):
            LockedFile(str(tmp_path / "m"), AT_ONCE)
        assert not (tmp_path / "m.lock").exists()
        other.communicate(b"")
    LockedFile(str(tmp_path / "m"), AT_ONCE).release()


@pytest.mark.parametrize("said", [f"{GONE} {socket.gethostname()}\n", "old"])
def test_what_the_dead_left_is_removed(tmp_path: Path, said: str) -> None:
    lock = tmp_path / "m.lock"
    lock.write_text(said)
    if said == "old":
        os.utime(lock, (0, time.time() - STALE - 10))
    LockedFile(str(tmp_path / "m"), Patience(1.0, lambda _: None, lambda: False)).release()


@pytest.mark.parametrize(
    "said",
    ["", f"{os.getpid()} {socket.gethostname()}\n", f"{GONE} elsewhere\n", f"{GONE}\n"],
    ids=["nobody", "alive", "elsewhere", "no host"],  # process ids are others in each worker of the tests
)
def test_what_may_be_held_is_not(tmp_path: Path, said: str) -> None:
    (tmp_path / "m.lock").write_text(said)
    with pytest.raises(SinkError, match="stays locked"):
        LockedFile(str(tmp_path / "m"), AT_ONCE)
    assert (tmp_path / "m.lock").exists()


def test_a_wait_is_given_up_when_nobody_wants_it(tmp_path: Path) -> None:
    (tmp_path / "m.lock").touch()
    with pytest.raises(SinkError, match="given up"):
        LockedFile(str(tmp_path / "m"), Patience(60.0, lambda _: None, lambda: True))


def test_it_waits_longer_and_longer(tmp_path: Path) -> None:
    (tmp_path / "m.lock").touch()
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 9:
            (tmp_path / "m.lock").unlink()

    LockedFile(str(tmp_path / "m"), Patience(60.0, wait, lambda: False)).release()
    assert waits == sorted(waits)
    assert waits[-1] == 1.0


def test_a_wait_that_is_long_is_told_once_and_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.lock").write_text(f"{os.getpid()} {socket.gethostname()}\n")
    now = [100.0]
    told: list[str] = []

    def wait(seconds: float) -> None:
        now[0] += seconds
        if now[0] > 110:
            (tmp_path / "m.lock").unlink()

    monkeypatch.setattr("postane.sinks.mbox_lock.time.monotonic", lambda: now[0])
    LockedFile(str(tmp_path / "m"), Patience(60.0, wait, lambda: False, told.append)).release()
    assert told == [f"the mbox {tmp_path}/m is locked by another program: waiting, 60 s at most", ""]
    told.clear()
    LockedFile(str(tmp_path / "m"), Patience(60.0, wait, lambda: False, told.append)).release()
    assert told == []


def test_a_file_that_was_put_in_its_place_is_opened_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, new = tmp_path / "m", tmp_path / "new"
    path.write_bytes(b"old")
    new.write_bytes(b"new")
    make = mbox_lock._make_dot

    def replace_then_make(dot: str) -> None:
        if new.exists():
            new.rename(path)
        make(dot)

    monkeypatch.setattr(mbox_lock, "_make_dot", replace_then_make)
    file = LockedFile(str(path), Patience(1.0, lambda _: None, lambda: False))
    os.lseek(file.descriptor, 0, os.SEEK_SET)
    assert os.read(file.descriptor, 9) == b"new"
    file.release()


def test_a_lock_that_is_held_for_long_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = LockedFile(str(tmp_path / "m"), AT_ONCE)
    os.utime(tmp_path / "m.lock", (0, 0))
    file.keep()
    assert (tmp_path / "m.lock").stat().st_mtime == 0
    monkeypatch.setattr("postane.sinks.mbox_lock.TOUCHED_EVERY", -1.0)
    file.keep()
    assert (tmp_path / "m.lock").stat().st_mtime > 0
    file.release()


def test_where_no_dot_lock_may_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(mbox_lock, "_make_dot", refuse)
    file = LockedFile(str(tmp_path / "m"), AT_ONCE)
    assert stat.S_ISREG(os.fstat(file.descriptor).st_mode)
    assert seen_by_another_process(tmp_path / "m") == "locked"
    file.release()


def test_a_system_without_files_that_have_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    file = LockedFile(str(tmp_path / "m"), AT_ONCE)
    assert (tmp_path / "m.lock").read_text() == f"{os.getpid()} {socket.gethostname()}\n"
    with pytest.raises(SinkError, match="stays locked"):
        LockedFile(str(tmp_path / "m"), AT_ONCE)
    file.release()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (f"{GONE}\n", rf"m\.lock, of process {GONE}, which does not run here\): remove that file if no program writes"),
        (f"{os.getpid()}\n", rf"m\.lock, of process {os.getpid()}\): remove"),
        ("", r"m\.lock\): remove"),
    ],
    ids=["gone", "alive", "nobody"],  # process ids are others in each worker of the tests
)
def test_whose_dot_lock_it_is_and_what_to_do_is_told(tmp_path: Path, said: str, words: str) -> None:
    (tmp_path / "m.lock").write_text(said)
    with pytest.raises(SinkError, match=words):
        LockedFile(str(tmp_path / "m"), AT_ONCE)


def test_without_a_dot_lock_there_is_none_to_remove(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "m"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(SinkError, match=r"stays locked by another program$"):
            LockedFile(str(tmp_path / "m"), AT_ONCE)
        other.communicate()
