"""Room in a write-ahead log: made in time, never more than the limit, and nothing that SQLite would read."""

import contextlib
import os

import pytest

from postane.maildrop.folders import Folders
from postane.maildrop.sides import ignore_step
from postane.maildrop.sqlite_log import FACTOR, FRAME, Log
from postane.maildrop.sqlite_schema import connect_reader, connect_writer, make_index

LIMIT = 1024 * 1024


@pytest.fixture
def path(tmp_path):
    folders = Folders(tmp_path)
    make_index(folders, "anna", ignore_step)
    return f"{folders.drop('anna')}/index.sqlite"


def write(connection, log, count):
    """As many transactions of a page or so, each of which makes room where it is wanted; how often that was."""
    made = 0
    for _ in range(count):
        made += log.is_short()
        connection.execute("BEGIN IMMEDIATE")
        log.make_room()
        connection.execute("INSERT INTO body VALUES (NULL, zeroblob(4000))")
        connection.execute("COMMIT")
    return made


def bodies(path):
    with contextlib.closing(connect_reader(path)) as connection:
        return connection.execute("SELECT count(*) FROM body").fetchone()[0]


def test_a_log_grows_in_few_steps(path):
    log = Log(path, LIMIT)
    with contextlib.closing(connect_writer(path)) as connection:
        write(connection, log, 1)
        assert log.is_short()
        before = os.path.getsize(f"{path}-wal")
        write(connection, log, 1)
        assert os.path.getsize(f"{path}-wal") >= FACTOR * before
        assert write(connection, log, 100) <= 4
        assert bodies(path) == 102


def test_a_log_that_was_left_by_a_crash_is_read_to_its_last_frame(path, tmp_path):
    log = Log(path, LIMIT)
    with contextlib.closing(connect_writer(path)) as connection:
        write(connection, log, 3)
        left = tmp_path / "left"
        left.mkdir()
        for end in ("", "-wal"):
            with open(path + end, "rb") as one:
                (left / f"index.sqlite{end}").write_bytes(one.read())
    assert (left / "index.sqlite-wal").read_bytes().endswith(bytes(4096)), "there was room in it"
    assert bodies(str(left / "index.sqlite")) == 3


def test_processes_that_take_turns_make_no_more_room_than_one(path):
    logs = [Log(path, 4 * LIMIT) for _ in range(4)]
    with contextlib.closing(connect_writer(path)) as connection:
        for log in logs * 4:
            write(connection, log, 1)
        frames = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
        assert frames * FRAME < os.path.getsize(f"{path}-wal") <= FACTOR * frames * FRAME


def test_a_long_log_is_left_as_it_is(path):
    log = Log(path, 10_000)
    with contextlib.closing(connect_writer(path)) as connection:
        write(connection, log, 5)
        before = os.path.getsize(f"{path}-wal")
        assert not log.is_short()
        connection.execute("BEGIN IMMEDIATE")
        log.make_room()
        assert os.path.getsize(f"{path}-wal") == before
        connection.execute("ROLLBACK")


def test_where_there_is_no_log_nothing_is_made(path):
    log = Log(path, LIMIT)
    assert not log.is_short()
    log.make_room()
    assert not os.path.exists(f"{path}-wal")


def test_a_full_disk_gets_its_space_back(path, monkeypatch):
    """What cannot be written whole is taken away again."""

    def full(descriptor, octets, offset):
        os.truncate(descriptor, offset + 10)
        raise OSError(28, "No space left on device")

    log = Log(path, LIMIT)
    with contextlib.closing(connect_writer(path)) as connection:
        write(connection, log, 1)
        before = os.path.getsize(f"{path}-wal")
        monkeypatch.setattr("os.pwrite", full)
        connection.execute("BEGIN IMMEDIATE")
        log.make_room()
        assert os.path.getsize(f"{path}-wal") == before
        assert not log.is_short(), "it is not tried again before there is more"
        connection.execute("ROLLBACK")
