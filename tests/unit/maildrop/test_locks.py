"""Leases as locked files: one holder, over processes too, and free when the process dies."""

import errno
import os
import subprocess
import sys

import pytest

from postane.maildrop.base import Holder
from postane.maildrop.leases import Taken
from postane.maildrop.locks import FileLease, format_holder, parse_holder, take

HOLDER = Holder("s1", "[2001:db8::1]:4321", "pop3", 1_700_000_000.25)
CHILD = """
import signal, sys
from postane.maildrop.base import Holder
from postane.maildrop.locks import take
lease = take("anna", sys.argv[1], Holder("s1", "[2001:db8::1]:4321", "pop3", 1_700_000_000.25))
print("taken", flush=True)
signal.pause()
"""

OTHER = Holder("s2", "", "local", 1.0)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "lease")


async def test_one_holder_at_a_time(path):
    lease = take("anna", path, HOLDER)
    assert isinstance(lease, FileLease)
    assert lease.is_held
    assert take("anna", path, OTHER) == Taken(HOLDER)
    await lease.release()
    await lease.release()
    assert not lease.is_held
    second = take("anna", path, OTHER)
    assert take("anna", path, HOLDER) == Taken(OTHER), "a shorter line hides the longer one before it"
    second.drop_lock()


def test_it_is_free_when_its_process_is_killed(path):
    with subprocess.Popen([sys.executable, "-c", CHILD, path], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"taken\n"
        assert take("anna", path, OTHER) == Taken(HOLDER)
        child.kill()
    lease = take("anna", path, OTHER)
    assert isinstance(lease, FileLease)
    lease.drop_lock()


def test_a_removed_file_holds_nothing(path):
    lease = take("anna", path, HOLDER)
    os.unlink(path)
    assert not lease.is_held
    second = take("anna", path, OTHER)
    assert second.is_held
    assert not lease.is_held
    lease.drop_lock()
    second.drop_lock()


def test_it_can_be_taken_on_a_full_disk(path, monkeypatch):
    take("anna", path, HOLDER).drop_lock()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    lease = take("anna", path, OTHER)
    assert lease.is_held
    assert take("anna", path, OTHER) == Taken(None), "rather nobody than the holder before"
    lease.drop_lock()


def test_the_line_has_an_inverse():
    assert parse_holder(format_holder(HOLDER)) == HOLDER
    assert parse_holder(format_holder(HOLDER) + b"rest of a longer line\n") == HOLDER


@pytest.mark.parametrize("line", [b"", b"\n", b"a\tb\tc\n", b"a\tb\tc\tsoon\t1\n", b"\xff" * 100])
def test_what_is_no_line_names_nobody(line):
    assert parse_holder(line) is None
