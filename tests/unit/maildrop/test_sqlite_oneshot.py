"""A deposit as one statement: all of it or nothing, and nothing where somebody else has written."""

import contextlib
import sqlite3

import pytest

from postane.maildrop import sqlite_oneshot as oneshot
from postane.maildrop.folders import Folders
from postane.maildrop.sides import ignore_step
from postane.maildrop.sqlite_schema import connect_writer, make_index

TOTALS = "SELECT next_uid, messages, octets, removals, excess FROM meta"


@pytest.fixture
def path(tmp_path):
    folders = Folders(tmp_path)
    make_index(folders, "anna", ignore_step)
    return f"{folders.drop('anna')}/index.sqlite"


@pytest.fixture
def connection(path):
    with contextlib.closing(connect_writer(path)) as connection:
        oneshot.prepare(connection, None)
        yield connection


def row(uid, octets=0, excess=0, lack=None):
    held = (uid, uid - 1, octets, 0, excess)
    return (*held, 6, 2, True, b"digest", 1.5, "joe@foo.com", "blob", 5, b"check", lack, b"head")


def held(connection):
    return connection.execute(TOTALS).fetchone()


def test_the_message_and_the_totals_are_written(connection, path):
    oneshot.deposit(connection, row(1, lack=3))
    assert not connection.in_transaction
    with contextlib.closing(connect_writer(path)) as other:
        assert held(other) == (2, 1, 6, 0, 3)
        message = (1, 6, 2, 1, b"digest", 1.5, "joe@foo.com", None, "blob", 5, b"check", 3)
        assert other.execute("SELECT * FROM message").fetchall() == [message]
        assert other.execute("SELECT * FROM body").fetchall() == [(1, b"head")]


def test_some_are_one_transaction(connection):
    connection.execute("BEGIN IMMEDIATE")
    oneshot.deposit_all(connection, [row(1), row(2, octets=6, excess=0)])
    connection.execute("ROLLBACK")
    assert held(connection) == (1, 0, 0, 0, 0)
    connection.execute("BEGIN IMMEDIATE")
    oneshot.deposit_all(connection, [row(1), row(2, octets=6, excess=0)])
    connection.execute("COMMIT")
    assert held(connection) == (3, 2, 12, 0, 0)


@pytest.mark.parametrize("change", ["next_uid", "messages", "octets", "removals", "excess"])
def test_nothing_is_written_where_somebody_else_has_written(connection, path, change):
    with contextlib.closing(connect_writer(path)) as other:
        other.execute(f"UPDATE meta SET {change} = {change} + 1")
    before = held(connection)
    with pytest.raises(sqlite3.IntegrityError) as caught:
        oneshot.deposit(connection, row(1))
    assert oneshot.is_stale(caught.value)
    assert not connection.in_transaction
    assert held(connection) == before
    assert connection.execute("SELECT * FROM message").fetchall() == []


def test_another_error_is_another_error(connection):
    connection.execute("INSERT INTO body VALUES (1, x'00')")
    with pytest.raises(sqlite3.IntegrityError) as caught:
        oneshot.deposit(connection, row(1))
    assert not oneshot.is_stale(caught.value)
    assert held(connection) == (1, 0, 0, 0, 0), "all of it or nothing"


def test_before_the_commit_somebody_may_have_a_word(path):
    seen = []

    def look():
        with contextlib.closing(connect_writer(path)) as other:
            seen.append(held(other))
        if len(seen) == 2:
            raise OSError

    with contextlib.closing(connect_writer(path)) as connection:
        oneshot.prepare(connection, look)
        oneshot.deposit(connection, row(1))
        with pytest.raises(sqlite3.OperationalError):
            oneshot.deposit(connection, row(2, octets=6))
        assert seen == [(1, 0, 0, 0, 0), (2, 1, 6, 0, 0)], "nothing was seen before it"
        assert held(connection) == (2, 1, 6, 0, 0), "and it may say no"


@pytest.mark.parametrize("octets", [100, 4400, 12_000, 60_000])
def test_so_many_pages_a_message_takes_and_seldom_more(path, octets):
    with contextlib.closing(connect_writer(path)) as connection:
        oneshot.prepare(connection, None)
        rows = [(*row(uid, octets=6 * (uid - 1))[:-1], bytes(octets)) for uid in range(1, 21)]
        before = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[1]
        for each in rows:
            oneshot.deposit(connection, each)
        _, in_log, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    assert before == 0
    assert in_log * 0.9 <= sum(map(oneshot.pages, rows)) <= in_log * 2
