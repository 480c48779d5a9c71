"""Rows as they are in an index, and what is told of them."""

import sqlite3

import pytest

from postane.mail.measure import Facts
from postane.maildrop.base import Blob, MaildropError, Usage
from postane.maildrop.columns import KeptColumns, extend
from postane.maildrop.folders import Folders
from postane.maildrop.sides import Stored, Totals, ignore_step
from postane.maildrop.sqlite_rows import DELETED, ROWS, as_rows, read_apart, stored, usage
from postane.maildrop.sqlite_schema import make_index

TOTALS = Totals(2, 30, 3, 0)


@pytest.fixture
def path(tmp_path):
    folders = Folders(tmp_path)
    make_index(folders, "anna", ignore_step)
    return f"{folders.drop('anna')}/index.sqlite"


@pytest.fixture
def read(path):
    connection = sqlite3.connect(path, isolation_level=None)
    for row in [
        (1, 10, 4, 0, b"d1", 100.0, "sender@a", None, None, None, None, None),
        (3, 20, 5, 1, b"d3", 300.0, "", "given", "blob", 12, b"check", 7),
    ]:
        connection.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute("INSERT INTO body VALUES (?, ?)", (row[0], b"head"))
    yield lambda sql, values=(): connection.execute(sql, values).fetchall()
    connection.close()


def test_rows_are_told_in_order_from_a_uid_on(read):
    first, second = as_rows("token", read(ROWS, (0, None, 10)))
    assert (first.uid, first.facts, first.arrived, first.sender) == (
        1,
        Facts(10, 4, False, b"d1", None),
        100.0,
        "sender@a",
    )
    assert first.uidl.startswith("token")
    assert first.blob is None
    assert (second.uidl, second.facts, second.blob) == (
        "given",
        Facts(20, 5, True, b"d3", 7),
        Blob("blob", 12, b"check"),
    )
    assert [row.uid for row in as_rows("token", read(ROWS, (1, None, 10)))] == [3]
    assert [row.uid for row in as_rows("token", read(ROWS, (0, 200.0, 10)))] == [1]
    assert [row.uid for row in as_rows("token", read(ROWS, (0, None, 1)))] == [1]
    assert list(as_rows("token", read(DELETED, (0, None, 10)))) == []


def test_messages_come_with_their_heads(read):
    assert stored(read, 2, 9) == [Stored(3, Facts(20, 5, True, b"d3", 7), b"head", Blob("blob", 12, b"check"))]
    assert [each.uid for each in stored(read, 1, 3)] == [1, 3]


def test_usage_is_what_is_counted_and_when_the_newest_came(read):
    assert usage(lambda: TOTALS, read) == Usage(2, 30, 300.0, 0, 0)


def test_much_is_read_by_a_connection_of_its_own(path, read):
    def work(query):
        return extend(KeptColumns(0), TOTALS, query)

    assert list(read_apart(path, work).uids) == [1, 3]
    with pytest.raises(MaildropError):
        read_apart(path, lambda query: query("SELECT nothing FROM nowhere", ()))
