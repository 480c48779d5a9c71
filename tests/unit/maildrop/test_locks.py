"""Leases as locked files: one holder, over processes too, and free when the process dies."""

import dataclasses
import errno
import os
import resource
import subprocess
import sys
import time

import pytest

from postane.maildrop.base import Holder
from postane.maildrop.lease_file import TELLING
from postane.maildrop.leases import Taken
from postane.maildrop.locks import KEPT, FileLease, LeaseFiles, replace, take
from postane.maildrop.takeovers import Takeovers, Unmapped, note

HOLDER = Holder("s1", "[2001:db8::1]:4321", "pop3", 1_700_000_000.25)
CHILD = """
import signal, sys
from postane.maildrop.base import Holder
from postane.maildrop.locks import take
from postane.maildrop.takeovers import Unmapped
lease = take("anna", sys.argv[1], Holder("s1", "[2001:db8::1]:4321", "pop3", 1_700_000_000.25), Unmapped())
print("taken", flush=True)
signal.pause()
"""

OTHER = Holder("s2", "", "local", 1.0)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "lease")


async def test_one_holder_at_a_time(path):
    lease = take("anna", path, HOLDER, Unmapped())
    assert isinstance(lease, FileLease)
    assert lease.is_held
    assert taken_by(path) == HOLDER
    await lease.release()
    await lease.release()
    assert not lease.is_held
    second = take("anna", path, OTHER, Unmapped())
    assert taken_by(path) == OTHER, "a shorter line hides the longer one before it"
    second.drop_lock()


def test_it_is_free_when_its_process_is_killed(path):
    with subprocess.Popen([sys.executable, "-c", CHILD, path], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"taken\n"
        assert taken_by(path) == HOLDER
        child.kill()
    lease = take("anna", path, OTHER, Unmapped())
    assert isinstance(lease, FileLease)
    lease.drop_lock()


def test_a_removed_file_holds_nothing(path):
    lease = take("anna", path, HOLDER, Unmapped())
    os.unlink(path)
    assert not lease.is_held
    second = take("anna", path, OTHER, Unmapped())
    assert second.is_held
    assert not lease.is_held
    lease.drop_lock()
    second.drop_lock()


def test_it_can_be_taken_on_a_full_disk(path, monkeypatch):
    take("anna", path, HOLDER, Unmapped()).drop_lock()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    lease = take("anna", path, OTHER, Unmapped())
    assert lease.is_held
    assert take("anna", path, OTHER, Unmapped()) == Taken(None), "rather nobody than the holder before"
    lease.drop_lock()


def test_sharers_share_and_exclude_whoever_wants_it_alone(path):
    first, second = (
        take("anna", path, HOLDER, Unmapped(), is_shared=True),
        take("anna", path, OTHER, Unmapped(), is_shared=True),
    )
    assert first.is_held
    assert second.is_held
    first.drop_lock()
    assert isinstance(take("anna", path, HOLDER, Unmapped()), Taken)
    second.drop_lock()
    alone = take("anna", path, HOLDER, Unmapped())
    assert isinstance(take("anna", path, OTHER, Unmapped(), is_shared=True), Taken)
    alone.drop_lock()


def test_one_that_was_replaced_is_lost_and_the_new_one_is_held(path):
    old = take("anna", path, HOLDER, Unmapped())
    new = replace("anna", path, OTHER, Unmapped())
    assert not old.is_held
    assert not old.note_use(time.time())
    assert new.is_held
    assert taken_by(path).session == OTHER.session
    old.drop_lock()
    assert taken_by(path).session == OTHER.session, "the old one frees nobody"
    new.drop_lock()
    take("anna", path, HOLDER, Unmapped()).drop_lock()


def test_what_a_killed_takeover_left_is_in_nobodys_way(path):
    old = take("anna", path, HOLDER, Unmapped())
    with open(f"{path}.new", "wb") as left:
        left.write(b"half a line")
    new = replace("anna", path, OTHER, Unmapped())
    assert taken_by(path).session == OTHER.session
    old.drop_lock()
    new.drop_lock()


def test_a_takeover_that_fails_takes_nothing(path, monkeypatch):
    old = take("anna", path, HOLDER, Unmapped())

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(OSError, match="Input/output"):
        replace("anna", path, OTHER, Unmapped())
    assert old.is_held
    old.drop_lock()


def test_it_is_told_when_the_holder_was_last_at_work(path):
    lease = take("anna", path, HOLDER, Unmapped())
    now = time.time()
    assert abs(last_seen(path) - now) < 100
    assert lease.note_use(now + 1000)
    assert last_seen(path) == pytest.approx(now + 1000)
    assert lease.note_use(now + 1000 + TELLING / 2)
    assert last_seen(path) == pytest.approx(now + 1000), "not for every command"
    lease.drop_lock()
    assert not lease.note_use(now)


def test_whoever_is_at_work_looks_at_the_file_only_after_a_takeover_or_a_while(path, tmp_path, monkeypatch):
    number = Takeovers(str(tmp_path)).number
    lease, since = take("anna", path, HOLDER, number), HOLDER.since
    looks = []
    look = os.stat
    monkeypatch.setattr(os, "stat", lambda *asked: looks.append(asked) or look(*asked))
    assert all(lease.note_use(since + second) for second in (0.0, 0.1, TELLING / 2, -0.5))
    assert looks == []
    assert lease.note_use(since + TELLING)
    assert len(looks) == 1
    note(number)
    assert lease.note_use(since + TELLING)
    assert lease.note_use(since + TELLING)
    assert len(looks) == 2, "once for each takeover in the store"
    monkeypatch.undo()
    lease.drop_lock()
    assert not lease.note_use(since + TELLING)


def test_a_takeover_by_another_process_is_seen_at_once(path, tmp_path):
    lease = take("anna", path, HOLDER, Takeovers(str(tmp_path)).number)
    assert lease.note_use(HOLDER.since)
    replace("anna", path, OTHER, Takeovers(str(tmp_path)).number).drop_lock()  # mapped a second time
    assert not lease.note_use(HOLDER.since)
    assert not lease.note_use(HOLDER.since), "it never comes back"
    lease.drop_lock()


def test_one_that_lost_its_file_unnoticed_learns_it_after_a_while(path, tmp_path):
    """Somebody removed the file by hand: nothing is deleted under such a lease, and its client is told soon."""
    lease = take("anna", path, HOLDER, Takeovers(str(tmp_path)).number)
    os.unlink(path)
    assert not lease.is_held
    assert not lease.note_use(HOLDER.since + TELLING)
    lease.drop_lock()


def test_one_whose_file_is_gone_is_lost(path):
    lease = take("anna", path, HOLDER, Unmapped())
    os.unlink(path)
    assert not lease.note_use(0.0)
    lease.drop_lock()


def test_one_that_is_pinned_is_held_until_it_is_unpinned(path):
    lease = take("anna", path, HOLDER, Unmapped())
    lease.pin()
    lease.drop_lock()
    assert lease.is_held
    assert isinstance(take("anna", path, OTHER, Unmapped()), Taken)
    lease.unpin()
    assert not lease.is_held
    take("anna", path, OTHER, Unmapped()).drop_lock()


@pytest.fixture
def files(tmp_path):
    files = LeaseFiles(Takeovers(str(tmp_path)))
    yield files
    files.close()


def test_the_next_session_finds_the_file_open(files, path, monkeypatch):
    opened = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda *asked: opened.append(asked[0]) or real(*asked))
    for holder in (HOLDER, OTHER, HOLDER):
        lease = files.take("anna", path, holder, is_shared=False)
        assert lease.is_held
        assert lease.note_use(holder.since)
        assert taken_by(path) == holder
        assert isinstance(files.take("anna", path, OTHER, is_shared=True), Taken)
        opened.clear()
        lease.drop_lock()
        lease.drop_lock()
        assert not lease.is_held
    assert opened == []
    take("anna", path, OTHER, Unmapped()).drop_lock()  # it is free, whatever stays open


def test_one_that_stays_open_is_taken_by_another_process_meanwhile(files, path):
    files.take("anna", path, HOLDER, is_shared=False).drop_lock()
    other = take("anna", path, OTHER, Unmapped())
    taken = files.take("anna", path, HOLDER, is_shared=False)
    assert isinstance(taken, Taken)
    assert taken.holder.session == OTHER.session
    other.drop_lock()
    files.take("anna", path, HOLDER, is_shared=False).drop_lock()


@pytest.mark.parametrize("is_linked", [False, True])
def test_one_that_stays_open_and_was_replaced_is_not_believed(files, path, tmp_path, is_linked):
    lease = files.take("anna", path, HOLDER, is_shared=False)
    if is_linked:
        os.link(path, f"{path}.backup")
    evictor = replace("anna", path, OTHER, Takeovers(str(tmp_path)).number)
    lease.drop_lock()
    taken = files.take("anna", path, HOLDER, is_shared=False)
    assert isinstance(taken, Taken)
    assert taken.holder.session == OTHER.session
    evictor.drop_lock()


def test_one_that_stays_open_and_was_removed_is_not_believed(files, path):
    files.take("anna", path, HOLDER, is_shared=False).drop_lock()
    os.unlink(path)
    lease = files.take("anna", path, HOLDER, is_shared=False)
    assert lease.is_held
    lease.drop_lock()


def test_sharers_each_have_a_file_of_their_own(files, path):
    files.take("anna", path, HOLDER, is_shared=False).drop_lock()
    first, second = (files.take("anna", path, holder, is_shared=True) for holder in (HOLDER, OTHER))
    second.drop_lock()
    assert isinstance(take("anna", path, OTHER, Unmapped()), Taken), "the first one has it still"
    first.drop_lock()
    take("anna", path, OTHER, Unmapped()).drop_lock()


def test_only_some_stay_open(files, tmp_path, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 100))
    for number in range(10):
        files.take(f"drop{number}", str(tmp_path / f"lease{number}"), HOLDER, is_shared=False).drop_lock()
    assert len(files._kept) == 3 < KEPT
    files.close()
    assert len(files._kept) == 0


def taken_by(path):
    """Who has it, as another one is told."""
    taken = take("anna", path, OTHER, Unmapped())
    assert isinstance(taken, Taken)
    return taken.holder and dataclasses.replace(taken.holder, last_seen=None)


def last_seen(path):
    """When the holder was last at work, as another one is told."""
    return take("anna", path, OTHER, Unmapped()).holder.last_seen
