"""What a drop held is told again while nothing has changed, and never where it is not certain."""

import os
import shutil
import time

import pytest

from postane.maildrop import remembered
from postane.maildrop.changes import LOOK
from postane.maildrop.folders import Folders
from postane.maildrop.remembered import Remembered
from postane.maildrop.sides import Totals

TOTALS = Totals(3, 300, 3, 0)
LONG_AGO = time.time_ns() - 3600 * 1_000_000_000


@pytest.fixture
def folders(tmp_path):
    folders = Folders(tmp_path)
    write(folders, "index.sqlite", b"an index")
    return folders


@pytest.fixture
def clock(monkeypatch):
    """The monotonic one, to be set."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr(time, "monotonic", lambda: Clock.now)
    return Clock


def write(folders, name, octets, when=LONG_AGO):
    path = f"{folders.make_drop('anna')}/{name}"
    with open(path, "wb") as file:
        file.write(octets)
    os.utime(path, ns=(when, when))
    return path


def learned(folders):
    known = Remembered(folders).require("anna")
    known.learn(known.moment(), TOTALS)
    return known


def test_what_was_learned_is_told_until_the_drop_is_changed_by_anybody(folders, clock):
    known = learned(folders)
    for _ in range(5):
        assert known.totals() == TOTALS
        clock.now += LOOK
    Remembered(folders).require("anna").change()
    assert known.totals() is None
    assert known.totals() is None


def test_nothing_is_told_of_what_changed_while_it_was_asked(folders, clock):
    known = learned(folders)
    moment = known.moment()
    changed = known.change()
    assert known.moment() is None, "somebody is writing, or was killed while it wrote"
    changed()
    known.learn(moment, TOTALS)
    assert known.totals() is None
    known.learn(known.moment(), TOTALS)
    assert known.totals() == TOTALS


def test_another_drop_is_not_concerned(folders, clock):
    known = learned(folders)
    Remembered(folders).require("berta").change()
    assert known.totals() == TOTALS


@pytest.mark.parametrize(
    "meddle",
    [
        lambda folders: os.replace(write(folders, "backup", b"an index"), f"{folders.drop('anna')}/index.sqlite"),
        lambda folders: write(folders, "index.sqlite", b"an index and more"),
        lambda folders: write(folders, "index.sqlite", b"an index", LONG_AGO + 1),
        lambda folders: write(folders, "index.sqlite-wal", b"written to"),
        lambda folders: os.unlink(f"{folders.drop('anna')}/index.sqlite"),
        lambda folders: shutil.rmtree(folders.drop("anna")),
    ],
    ids=["another file", "longer", "written over", "log", "gone", "folder gone"],
)
def test_who_writes_without_saying_so_is_noticed_after_a_while(folders, clock, meddle):
    known = learned(folders)
    meddle(folders)
    assert known.totals() == TOTALS, "it is not looked at for each poll"
    clock.now += LOOK
    assert known.totals() is None


def test_an_empty_log_says_nothing(folders, clock):
    known = learned(folders)
    log = write(folders, "index.sqlite-wal", b"", time.time_ns())
    clock.now += LOOK
    assert known.totals() == TOTALS
    os.unlink(log)
    clock.now += LOOK
    assert known.totals() == TOTALS


@pytest.mark.parametrize("name", ["index.sqlite", "index.sqlite-wal"])
def test_a_file_that_was_just_written_to_proves_nothing(folders, clock, name):
    """It may be written to again within the same tick of the file system's clock."""
    write(folders, name, b"an index", time.time_ns())
    known = learned(folders)
    assert known.totals() == TOTALS
    clock.now += LOOK
    assert known.totals() is None


@pytest.mark.parametrize(("octets", "is_new"), [(b"frames", True), (b"", False)])
def test_who_opens_an_index_with_a_log_expects_something_to_come_back(folders, clock, octets, is_new):
    write(folders, "index.sqlite-wal", octets)
    known = learned(folders)
    Remembered(folders).require("anna").opening()
    assert (known.totals() is None) is is_new


def test_where_there_are_no_numbers_nothing_is_remembered(folders, tmp_path, clock):
    (tmp_path / "changes").mkdir()
    known = learned(folders)
    assert known.totals() is None
    known.opening()
    with pytest.raises(OSError, match="changes"):
        known.change()


def test_the_drop_that_was_asked_for_longest_ago_is_forgotten_first(folders, monkeypatch):
    monkeypatch.setattr(remembered, "DROPS", 2)
    drops = Remembered(folders)
    assert drops.get("a") is None
    a, b = drops.require("a"), drops.require("b")
    assert drops.get("a") is a
    drops.require("c")
    assert (drops.get("a"), drops.get("b")) == (a, None)
    assert drops.require("b") is not b
