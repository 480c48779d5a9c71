"""The index file: how it is made, how it is opened, what its errors mean."""

import os
import sqlite3
import subprocess
import sys

import pytest

from postane.maildrop.base import StoreDamaged, StoreFull, StoreTooNew, StoreUnavailable
from postane.maildrop.folders import Folders
from postane.maildrop.sides import Step, ignore_step
from postane.maildrop.sqlite_schema import VERSION, connect_reader, connect_writer, index_error, make_index


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path)


@pytest.fixture
def path(folders):
    make_index(folders, "anna", ignore_step)
    return f"{folders.drop('anna')}/index.sqlite"


def ask(connection, sql):
    try:
        return connection.execute(sql).fetchone()[0]
    finally:
        connection.close()


def test_it_is_made_once(folders, path):
    token = ask(connect_reader(path), "SELECT token FROM meta")
    make_index(folders, "anna", ignore_step)
    assert ask(connect_reader(path), "SELECT token FROM meta") == token
    assert sorted(os.listdir(folders.drop("anna"))) == ["blobs", "index.sqlite"]


def test_its_steps_are_told(folders):
    steps = []
    make_index(folders, "anna", steps.append)
    assert steps == [Step.FOLDER_MADE, Step.INDEX_MADE]
    make_index(folders, "anna", steps.append)
    assert steps == [Step.FOLDER_MADE, Step.INDEX_MADE, Step.FOLDER_MADE], "the folder is there, that is all"


def test_what_a_crash_left_is_written_anew(folders):
    folder = folders.make_drop("anna")
    for name in ("index.new", "index.new-wal", "index.new-journal"):
        with open(f"{folder}/{name}", "wb") as file:
            file.write(b"half")
    make_index(folders, "anna", ignore_step)
    assert ask(connect_reader(f"{folder}/index.sqlite"), "PRAGMA integrity_check") == "ok"


def test_many_processes_make_one_index(folders, tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\nfrom postane.maildrop.folders import Folders\n"
        "from postane.maildrop.sqlite_schema import make_index\n"
        "made = []\nsys.stdin.read()\nmake_index(Folders(Path(sys.argv[1])), 'anna', made.append)\nprint(len(made))"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path)]
    children = [subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(4)]
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
    told = []
    for child in children:
        assert child.stdout is not None
        told.append(int(child.stdout.read()))
        child.stdout.close()
        assert child.wait() == 0
    assert sorted(told) == [1, 1, 1, 2], "one made it, the others found it"


def test_durability_does_not_depend_on_how_sqlite_was_built(path):
    assert ask(connect_writer(path), "PRAGMA synchronous") == 2  # FULL
    assert ask(connect_writer(path), "PRAGMA journal_mode") == "wal"
    assert ask(connect_writer(path), "PRAGMA secure_delete") == 2  # FAST


def test_a_reader_changes_nothing(path):
    connection = connect_reader(path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("UPDATE meta SET messages = 7")
    connection.close()


@pytest.mark.parametrize(("version", "kind"), [(VERSION + 1, StoreTooNew), (0, StoreDamaged), (-1, StoreDamaged)])
def test_another_version_is_not_touched(path, version, kind):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    for connect in (connect_reader, connect_writer):
        with pytest.raises(kind):
            connect(path)


def test_an_index_that_is_gone_is_not_made_anew_over_its_mail(folders, path):
    os.unlink(path)
    with open(f"{os.path.dirname(path)}/lease", "w"):
        pass
    with pytest.raises(StoreDamaged, match="missing"):
        make_index(folders, "anna", ignore_step)


def error(kind, code):
    made = kind("words of sqlite")
    made.sqlite_errorcode = code
    made.sqlite_errorname = "SQLITE_NAME"
    return made


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_FULL, StoreFull),
        (sqlite3.SQLITE_CORRUPT, StoreDamaged),
        (sqlite3.SQLITE_CORRUPT_VTAB, StoreDamaged),
        (sqlite3.SQLITE_NOTADB, StoreDamaged),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, StoreDamaged),
        (sqlite3.SQLITE_ERROR, StoreDamaged),
        (sqlite3.SQLITE_BUSY, StoreUnavailable),
        (sqlite3.SQLITE_IOERR_FSYNC, StoreUnavailable),
        (sqlite3.SQLITE_CANTOPEN, StoreUnavailable),
        (sqlite3.SQLITE_READONLY, StoreUnavailable),
        (sqlite3.SQLITE_NOMEM, StoreUnavailable),
    ],
)
def test_what_an_error_means(code, kind):
    made = index_error(error(sqlite3.OperationalError, code), "/a/path")
    assert type(made) is kind
    assert made.log == "/a/path: words of sqlite (SQLITE_NAME)"
    assert "sqlite" not in made.text


def test_an_error_of_the_module_itself_is_damage_and_its_misuse_a_bug():
    assert type(index_error(sqlite3.OperationalError("Could not decode to UTF-8"), "/a/path")) is StoreDamaged
    with pytest.raises(sqlite3.ProgrammingError):
        index_error(sqlite3.ProgrammingError("Cannot operate on a closed database."), "/a/path")
