"""A handle on the accounts' file, and what it tells of changes."""

import sqlite3
from contextlib import closing

import pytest

from postane.accounts.base import AccountsUnavailable
from postane.accounts.changes import FILE_NAME as CHANGES
from postane.accounts.changes import Changes
from postane.accounts.reader import LOOK_EVERY, Reader
from postane.accounts.records import Place
from postane.accounts.schema import FILE_NAME, GENERATION, open_database
from support.clock import Clock

COUNT = "SELECT count(*) FROM account"
INSERT = "INSERT INTO account VALUES (?, '', NULL, 1, NULL, NULL, 0)"


@pytest.fixture
def other(tmp_path):
    with closing(open_database(tmp_path)) as database:
        yield database


@pytest.fixture
def clock():
    return Clock(1000.0)


@pytest.fixture
def reader(tmp_path, other, clock):
    reader = Reader(Place(tmp_path), clock)
    yield reader
    reader.forget()


@pytest.fixture
def change(tmp_path, other):
    """Changes something, and tells of it as the registry does."""
    changes = Changes(tmp_path)

    def change(name):
        other.execute(INSERT, (name,))
        changes.note()

    return change


def settled(reader):
    """A version, and the shared number that it is known by."""
    reader.version()
    return reader.version()


def test_a_version_holds_until_somebody_has_changed_something(reader, other, tmp_path):
    version = settled(reader)
    assert reader.is_still(version)
    reader.ask(COUNT, {})
    other.execute("BEGIN")
    other.execute(INSERT, ("ada",))
    assert reader.is_still(version), "nothing is committed yet"
    other.execute("COMMIT")
    Changes(tmp_path).note()
    assert not reader.is_still(version)
    assert reader.version() != version
    assert reader.is_still(reader.version())


def test_while_nobody_has_sqlite_is_not_asked(reader, change, clock):
    version = settled(reader)
    asked = []
    reader._opened.set_trace_callback(asked.append)
    for _ in range(3):
        assert reader.is_still(version)
        assert reader.version() == version
    assert asked == []
    clock.time += LOOK_EVERY
    assert reader.is_still(version)
    assert reader.is_still(version)
    assert asked == ["PRAGMA data_version"]
    change("ada")
    assert not reader.is_still(version)
    assert asked[1] == "PRAGMA data_version"
    assert asked[2].startswith(GENERATION), "and whether it was anything"
    assert not reader.is_still(version)
    assert asked.count("PRAGMA data_version") == 2


def test_what_nobody_has_told_of_is_seen_soon(reader, other, clock):
    """A hand on the file itself, or a writer that was killed before it could tell."""
    version = settled(reader)
    other.execute(INSERT, ("ada",))
    clock.time += LOOK_EVERY
    assert not reader.is_still(version)


def test_that_a_device_was_used_is_no_change_and_hides_none(reader, other, clock):
    other.execute(INSERT, ("ada",))
    other.execute("INSERT INTO device VALUES ('ada', 'phone', x'00', 0, NULL)")
    version = settled(reader)
    for when in range(3):
        other.execute("UPDATE device SET last_used = ?", (when,))
        clock.time += LOOK_EVERY
        assert reader.is_still(version)
    other.execute("BEGIN")
    other.execute("UPDATE account SET enabled = 0")
    other.execute("UPDATE device SET last_used = 9")
    other.execute("COMMIT")
    clock.time += LOOK_EVERY
    assert not reader.is_still(version)


def test_what_comes_between_the_two_questions_is_not_overlooked(reader, other, change, clock, monkeypatch):
    """How often was committed, and then: was it anything. What is remembered was read after both."""
    version = settled(reader)
    other.execute(INSERT, ("ada",))
    ask = reader.ask

    def asking(question, values):
        rows = ask(question, values)
        if question == GENERATION:
            monkeypatch.undo()
            change("eve")
        return rows

    monkeypatch.setattr(reader, "ask", asking)
    clock.time += LOOK_EVERY
    assert reader.version() != version
    version = reader.version()
    assert reader.ask(COUNT, {}) == [(2,)]
    other.execute("DELETE FROM account WHERE name = 'eve'")
    clock.time += LOOK_EVERY
    assert not reader.is_still(version)


def test_without_a_generation_every_commit_counts(reader, other, clock):
    other.execute("DELETE FROM generation")
    seen = {settled(reader)}
    for name in ("ada", "eve"):
        other.execute(INSERT, (name,))
        clock.time += LOOK_EVERY
        assert reader.version() not in seen
        seen.add(reader.version())


def test_a_number_without_a_change_is_none(reader, tmp_path):
    version = settled(reader)
    Changes(tmp_path).note()
    assert reader.is_still(version)
    assert reader.version() == version


def test_without_a_shared_number_sqlite_is_asked_each_time(tmp_path, other, clock):
    (tmp_path / CHANGES).mkdir()
    reader = Reader(Place(tmp_path), clock)
    version = settled(reader)
    assert reader.is_still(version)
    other.execute(INSERT, ("ada",))
    assert not reader.is_still(version)
    reader.forget()


def test_what_is_changed_while_sqlite_is_asked_is_not_overlooked(reader, change, monkeypatch):
    """The number is read first: who commits after the question writes another one."""
    version = settled(reader)
    change("ada")
    ask = reader.ask

    def asking(question, values):
        rows = ask(question, values)
        monkeypatch.undo()
        change("eve")
        return rows

    monkeypatch.setattr(reader, "ask", asking)
    assert reader.version() != version
    version = reader.version()
    assert reader.is_still(version)
    assert reader.ask(COUNT, {}) == [(2,)]
    assert reader.version() == version


def test_what_was_asked_meanwhile_hides_no_change(reader, change):
    version = settled(reader)
    change("ada")
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


def test_nothing_is_still_so_that_cannot_be_asked(reader, clock):
    class Broken:
        def execute(self, question, values):
            raise sqlite3.OperationalError("disk I/O error")

        def close(self):
            opened.close()

    version = settled(reader)
    opened, reader._opened = reader._opened, Broken()
    assert reader.is_still(version), "nobody needs to be asked"
    clock.time += LOOK_EVERY
    assert not reader.is_still(version)
    assert not reader.is_still(version)
    assert reader.is_still(reader.version()), "it is opened anew"
