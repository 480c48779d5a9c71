"""A handle on the accounts' file, and what it tells of changes."""

import sqlite3
from contextlib import closing

import pytest

from postane.accounts.base import AccountsUnavailable
from postane.accounts.reader import Reader
from postane.accounts.schema import FILE_NAME, open_database

COUNT = "SELECT count(*) FROM account"
INSERT = "INSERT INTO account VALUES (?, '', NULL, 1, NULL, NULL, 0)"


@pytest.fixture
def other(tmp_path):
    with closing(open_database(tmp_path)) as database:
        yield database


@pytest.fixture
def reader(tmp_path, other):
    reader = Reader(tmp_path)
    yield reader
    reader.forget()


def test_a_version_holds_until_somebody_commits(reader, other):
    version = reader.version()
    assert reader.is_still(version)
    reader.ask(COUNT, {})
    other.execute("BEGIN")
    other.execute(INSERT, ("ada",))
    assert reader.is_still(version), "nothing is committed yet"
    other.execute("COMMIT")
    assert not reader.is_still(version)
    assert reader.version() != version
    assert reader.is_still(reader.version())


def test_what_was_asked_meanwhile_hides_no_change(reader, other):
    version = reader.version()
    other.execute(INSERT, ("ada",))
    assert reader.ask(COUNT, {}) == [(1,)]
    assert not reader.is_still(version)


def test_another_handle_has_no_version_of_the_one_before(reader, other):
    """SQLite begins to count anew with each handle: what it reached before may come again, after changes."""
    seen = {reader.version()}
    for number in range(3):
        reader.forget()
        other.execute(INSERT, (f"user{number}",))
        assert not any(map(reader.is_still, seen)), "nothing is open"
        assert reader.version() not in seen
        assert not any(map(reader.is_still, seen))
        seen.add(reader.version())


def test_after_an_error_it_is_opened_anew(reader, other, tmp_path):
    version = reader.version()
    with pytest.raises(AccountsUnavailable, match="no such table") as caught:
        reader.ask("SELECT * FROM missing", {})
    assert str(tmp_path / FILE_NAME) in caught.value.log
    assert not reader.is_still(version)
    assert reader.ask(COUNT, {}) == [(0,)]


def test_nothing_is_still_so_that_cannot_be_asked(reader, monkeypatch):
    class Broken:
        def execute(self, question):
            raise sqlite3.OperationalError("disk I/O error")

    version = reader.version()
    opened = reader._opened
    reader._opened = Broken()
    assert not reader.is_still(version)
    reader._opened = opened
    assert reader.is_still(version)
