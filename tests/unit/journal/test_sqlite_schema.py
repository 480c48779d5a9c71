"""The journal's file: made whole, brought up to date, and refused where it cannot be right."""

import sqlite3
import threading

import pytest

from postane.journal import sqlite_schema
from postane.journal.base import JournalError
from postane.journal.sqlite_schema import VERSION, journal_error, open_file


def test_a_new_file_syncs_what_is_committed(tmp_path):
    database = open_file(tmp_path / "fetch.db")
    pragmas = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]
    assert database.execute("PRAGMA user_version").fetchone() == (VERSION,)
    database.close()
    assert [path.name for path in tmp_path.iterdir()] == ["fetch.db"], "nothing is left beside it"


def test_many_who_make_it_at_once_have_the_same(tmp_path):
    path = tmp_path / "a" / "b" / "fetch.db"
    start, failures = threading.Barrier(6), []

    def make(number):
        start.wait()
        try:
            database = open_file(path)
            database.execute("INSERT INTO account (name, is_running) VALUES (?, 0)", (str(number),))
            database.close()
        except (JournalError, sqlite3.Error) as error:
            failures.append(error)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    database = open_file(path)
    assert database.execute("SELECT count(*) FROM account").fetchone() == (6,)
    database.close()


def test_an_older_file_is_brought_up_to_date(tmp_path, monkeypatch):
    open_file(tmp_path / "fetch.db").close()
    monkeypatch.setattr(sqlite_schema, "VERSION", VERSION + 1)
    newer = {**sqlite_schema._VERSIONS, VERSION + 1: "ALTER TABLE account ADD COLUMN colour TEXT;\n"}
    monkeypatch.setattr(sqlite_schema, "_VERSIONS", newer)
    for _ in range(2):
        database = open_file(tmp_path / "fetch.db")
        assert database.execute("SELECT colour FROM account").fetchall() == []
        assert database.execute("PRAGMA user_version").fetchone() == (VERSION + 1,)
        database.close()


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "fetch.db"
    open_file(path).close()
    with monkeypatch.context() as changed:
        changed.setattr(sqlite_schema, "VERSION", VERSION + 1)
        broken = "ALTER TABLE account ADD COLUMN colour TEXT;\nALTER TABLE nothing ADD COLUMN colour TEXT;\n"
        changed.setattr(sqlite_schema, "_VERSIONS", {**sqlite_schema._VERSIONS, VERSION + 1: broken})
        with pytest.raises(JournalError):
            open_file(path)
    database = open_file(path)
    assert "colour" not in str(database.execute("SELECT sql FROM sqlite_master").fetchall())
    database.close()


def test_a_newer_file_is_refused(tmp_path):
    database = open_file(tmp_path / "fetch.db")
    database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.close()
    with pytest.raises(JournalError, match=r"fetch.db was written by a newer Postane .*: install that version again"):
        open_file(tmp_path / "fetch.db")


def test_a_database_of_somebody_else_is_refused(tmp_path):
    database = sqlite3.connect(tmp_path / "cookies.sqlite")
    database.execute("CREATE TABLE cookie (name TEXT)")
    database.close()
    with pytest.raises(JournalError, match=r"is no state .*: name another file"):
        open_file(tmp_path / "cookies.sqlite")


@pytest.mark.parametrize(
    ("octets", "words"), [(b"", "it is empty"), (b"SQLite format 3\0" + b"x" * 9000, "damaged"), (b"x" * 50, "damaged")]
)
def test_a_file_that_is_none_is_refused(tmp_path, octets, words):
    (tmp_path / "fetch.db").write_bytes(octets)
    with pytest.raises(JournalError, match=words):
        open_file(tmp_path / "fetch.db")
    assert (tmp_path / "fetch.db").read_bytes() == octets


def test_a_place_where_no_file_can_be_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match=r"file.*: the state cannot be opened"):
        open_file(tmp_path / "file" / "fetch.db")
    (tmp_path / "fetch.db").mkdir()
    with pytest.raises(JournalError, match=r"fetch.db: the state cannot be opened"):
        open_file(tmp_path / "fetch.db")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (sqlite3.SQLITE_FULL, "no space is left"),
        (sqlite3.SQLITE_BUSY, "another process has it locked"),
        (sqlite3.SQLITE_READONLY, "who may write there"),
        (sqlite3.SQLITE_IOERR, "cannot be read or written: why"),
        (sqlite3.SQLITE_CORRUPT, "is damaged"),
        (267, "is damaged"),  # SQLITE_CORRUPT_VTAB, one of the extended ones
    ],
)
def test_what_an_error_means(tmp_path, code, words):
    error = sqlite3.OperationalError("why")
    error.sqlite_errorcode = code
    told = journal_error(tmp_path, error)
    assert words in told.text
    assert told.may_pass is (code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY))


def test_a_misuse_is_no_error_of_the_file(tmp_path):
    with pytest.raises(sqlite3.ProgrammingError):
        journal_error(tmp_path, sqlite3.ProgrammingError("wrong number of bindings"))
