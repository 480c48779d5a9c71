"""The number that changes with each takeover: seen by all processes, and never as it was where it cannot be mapped."""

import errno
import os
import subprocess
import sys

from postane.maildrop.takeovers import Takeovers, Unmapped, note

CHILD = """
import sys
from postane.maildrop.takeovers import Takeovers, note
note(Takeovers(sys.argv[1]).number)
"""


def test_it_changes_for_everyone_and_only_then(tmp_path):
    first, second = Takeovers(str(tmp_path)), Takeovers(str(tmp_path))
    seen = first.number[0]
    assert first.number is first.number
    assert second.number[0] == seen
    note(second.number)
    assert first.number[0] == second.number[0] != seen


def test_it_changes_over_processes_and_a_number_never_returns(tmp_path):
    number = Takeovers(str(tmp_path)).number
    seen = {number[0]}
    for _ in range(3):
        subprocess.run([sys.executable, "-c", CHILD, str(tmp_path)], check=True)
        seen.add(number[0])
    assert len(seen) == 4


def test_it_outlives_who_made_it(tmp_path):
    seen = Takeovers(str(tmp_path)).number[0]
    assert Takeovers(str(tmp_path)).number[0] == seen


def test_what_cannot_be_mapped_is_never_as_it_was(tmp_path, monkeypatch):
    (tmp_path / "takeovers").mkdir()
    number = Takeovers(str(tmp_path)).number
    assert isinstance(number, Unmapped)
    note(number)
    assert len({number[0] for _ in range(10)}) == 10


def test_a_full_disk_leaves_nothing_half_mapped(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        assert isinstance(Takeovers(str(tmp_path)).number, Unmapped)
    assert not isinstance(Takeovers(str(tmp_path)).number, Unmapped)
