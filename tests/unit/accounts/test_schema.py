import multiprocessing
import sqlite3
import stat
from contextlib import closing

import pytest

from postane.accounts.base import AccountsUnavailable
from postane.accounts.schema import FILE_NAME, GENERATION, VERSION, look, open_database, transaction

TABLES = ("account", "alias", "device", "own", "share", "scram")

TO_THE_FOURTH = "DROP TABLE generation;" + "".join(
    f"DROP TRIGGER {table}_{what};" for table in TABLES for what in ("added", "changed", "removed")
)
"""Takes away what the fifth version has."""

TO_THE_THIRD = f"{TO_THE_FOURTH} DROP TRIGGER scram_ends; DROP TRIGGER scram_of_device_ends; DROP TABLE scram;"
"""And the fourth."""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "storage of ours?#%20"


@pytest.fixture
def database(folder):
    database = open_database(folder)
    yield database
    database.close()


def test_a_new_file_is_durable_and_its_owners_alone(folder, database):
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database.execute("PRAGMA synchronous").fetchone() == (2,)
    assert database.execute("PRAGMA foreign_keys").fetchone() == (1,)
    assert database.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    database.execute("INSERT INTO account VALUES ('mrose', '', NULL, 1, NULL, NULL, 0)")
    assert {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {0o600}


def test_no_temporary_file_stays(folder):
    open_database(folder).close()
    assert [each.name for each in folder.iterdir()] == [FILE_NAME]


def test_what_was_written_is_there_again(folder):
    for number in range(2):
        database = open_database(folder)
        assert database.execute("SELECT count(*) FROM account").fetchone() == (number,)
        database.execute("INSERT INTO account VALUES (?, '', NULL, 1, NULL, NULL, 0)", (f"user{number}",))
        database.close()


def test_a_newer_file_is_refused_and_left_alone(folder):
    database = open_database(folder)
    database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.close()
    with pytest.raises(AccountsUnavailable, match="written by a newer Postane") as caught:
        open_database(folder)
    assert "newer" not in caught.value.text
    with closing(sqlite3.connect(folder / FILE_NAME)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (VERSION + 1,)


def test_somebody_elses_database_is_refused(folder):
    folder.mkdir()
    other = sqlite3.connect(folder / FILE_NAME)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    (folder / FILE_NAME).chmod(0o600)
    with pytest.raises(AccountsUnavailable, match="not a file of Postane's accounts"):
        open_database(folder)


@pytest.mark.parametrize("is_running", [False, True])
def test_who_only_looks_changes_nothing(folder, is_running):
    database = open_database(folder)
    database.executescript(TO_THE_THIRD)
    database.execute("PRAGMA user_version = 3")
    if not is_running:
        database.close()
    before = {each.name: each.read_bytes() for each in folder.iterdir() if not each.name.endswith("-shm")}
    names = {each.name for each in folder.iterdir()}
    assert look(folder) == 3
    assert {each.name for each in folder.iterdir()} == names
    assert {name: (folder / name).read_bytes() for name in before} == before
    database.close()
    open_database(folder).close()
    assert look(folder) == VERSION


@pytest.mark.parametrize("spoil", [b"this is no database\n" * 100, b""])
def test_who_looks_is_told_what_is_wrong(folder, spoil):
    open_database(folder).close()
    (folder / FILE_NAME).write_bytes(spoil)
    with pytest.raises(AccountsUnavailable, match=FILE_NAME):
        look(folder)


@pytest.mark.parametrize("octets", [b"this is no database\n" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_told_with_its_path(folder, octets):
    folder.mkdir()
    (folder / FILE_NAME).write_bytes(octets)
    (folder / FILE_NAME).chmod(0o600)
    with pytest.raises(AccountsUnavailable, match=FILE_NAME):
        open_database(folder)
    assert (folder / FILE_NAME).read_bytes() == octets


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AccountsUnavailable, match=r"Not a directory|File exists"):
        open_database(tmp_path / "file" / "storage")


def test_a_transaction_is_all_or_nothing(database):
    def fail_half_way():
        with transaction(database):
            database.execute("INSERT INTO account VALUES ('mrose', '', NULL, 1, NULL, NULL, 0)")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert database.execute("SELECT count(*) FROM account").fetchone() == (0,)
    with transaction(database):
        database.execute("INSERT INTO account VALUES ('mrose', '', NULL, 1, NULL, NULL, 0)")
    assert database.execute("SELECT count(*) FROM account").fetchone() == (1,)


def _open(folder, barrier, name):
    barrier.wait()
    database = open_database(folder)
    with transaction(database):
        database.execute("INSERT INTO account VALUES (?, '', NULL, 1, NULL, NULL, 0)", (name,))
    database.close()


def test_processes_that_make_it_at_once_share_one_file(folder):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(4)
    workers = [context.Process(target=_open, args=(folder, barrier, f"user{n}")) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    database = open_database(folder)
    assert database.execute("SELECT count(*) FROM account").fetchone() == (4,)
    database.close()


def test_a_file_of_the_first_version_is_brought_up(folder):
    database = open_database(folder)
    database.execute("INSERT INTO account VALUES ('mrose', '', 'hash', 1, 5, NULL, 0)")
    database.executescript(f"{TO_THE_THIRD} DROP TABLE own; DROP TABLE share;")
    database.execute("PRAGMA user_version = 1")
    database.close()
    again = open_database(folder)
    assert again.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert again.execute("SELECT name, password, quota_octets FROM account").fetchall() == [("mrose", "hash", 5)]
    again.execute("INSERT INTO own VALUES ('mrose', 'share', 60, NULL, 0)")
    again.close()
    database = open_database(folder)
    assert database.execute("SELECT account, lock FROM own").fetchall() == [("mrose", "share")]
    database.close()


def test_a_file_of_the_second_version_is_brought_up(folder):
    database = open_database(folder)
    for name in ("mrose", "anna"):
        database.execute("INSERT INTO account VALUES (?, '', NULL, 1, NULL, NULL, 0)", (name,))
    database.execute("INSERT INTO own VALUES ('mrose', 'share', 60, NULL, 0)")
    database.executescript(f"{TO_THE_THIRD} DROP TABLE share;")
    database.execute("PRAGMA user_version = 2")
    database.close()
    again = open_database(folder)
    assert again.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert again.execute("SELECT account, lock FROM own").fetchall() == [("mrose", "share")]
    again.execute("INSERT INTO share VALUES ('mrose', 'anna')")
    again.close()


def test_a_file_of_the_third_version_is_brought_up(folder):
    database = open_database(folder)
    database.execute("INSERT INTO account VALUES ('mrose', '', 'hash', 1, NULL, NULL, 0)")
    database.executescript(TO_THE_THIRD)
    database.execute("PRAGMA user_version = 3")
    database.close()
    again = open_database(folder)
    assert again.execute("PRAGMA user_version").fetchone() == (VERSION,)
    again.execute("INSERT INTO scram VALUES ('mrose', 'sha1', '', x'00')")
    again.execute("UPDATE account SET password = 'new'")
    assert again.execute("SELECT * FROM scram").fetchall() == []
    again.close()


def test_a_file_of_the_fourth_version_is_brought_up(folder):
    database = open_database(folder)
    database.execute("INSERT INTO account VALUES ('mrose', '', 'hash', 1, NULL, NULL, 0)")
    database.executescript(TO_THE_FOURTH)
    database.execute("PRAGMA user_version = 4")
    database.close()
    again = open_database(folder)
    assert again.execute("PRAGMA user_version").fetchone() == (VERSION,)
    before = again.execute(GENERATION).fetchone()
    again.execute("UPDATE account SET password = 'new'")
    after = again.execute(GENERATION).fetchone()
    assert after != before
    assert None not in before + after
    again.close()


@pytest.fixture
def full(database):
    """A row in each table."""
    database.execute("INSERT INTO account VALUES ('mrose', '', 'hash', 1, NULL, NULL, 0), ('anna', '', '', 1, 1, 1, 0)")
    database.execute("INSERT INTO alias VALUES ('info', '', 'mrose')")
    database.execute("INSERT INTO device VALUES ('mrose', 'phone', x'00', 0, NULL)")
    database.execute("INSERT INTO own VALUES ('mrose', 'share', 60, NULL, 0)")
    database.execute("INSERT INTO share VALUES ('mrose', 'anna')")
    database.execute("INSERT INTO scram VALUES ('mrose', 'sha1', 'phone', x'00')")
    return database


def columns(database):
    return [
        (table, row[1])
        for table in TABLES
        for row in database.execute(f"PRAGMA table_info({table})")
        if row[1] != "name"
    ]


def test_a_generation_ends_with_every_change_but_a_use(full):
    tables = {row[0] for row in full.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {*TABLES, "generation"}
    full.execute("PRAGMA foreign_keys = OFF")
    seen = {full.execute(GENERATION).fetchone()}
    statements = [f"UPDATE {table} SET {column} = {column}" for table, column in columns(full)]
    statements += ["UPDATE account SET name = 'ada' WHERE name = 'anna'"]
    statements += [f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}" for table in TABLES]
    statements += [f"DELETE FROM {table}" for table in reversed(TABLES)]
    statements += ["DROP TRIGGER own_added", "ALTER TABLE own ADD COLUMN more", "DROP TABLE share"]
    for statement in statements:
        full.execute(statement)
        assert (full.execute(GENERATION).fetchone() in seen) == ("last_used" in statement), statement
        seen.add(full.execute(GENERATION).fetchone())


def test_a_generation_ends_with_what_goes_along_and_not_with_what_failed(full):
    before = full.execute(GENERATION).fetchone()
    with pytest.raises(sqlite3.IntegrityError):
        full.execute("INSERT INTO alias VALUES ('info', '', 'anna')")

    def fail_half_way():
        with transaction(full):
            full.execute("DELETE FROM account")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert full.execute(GENERATION).fetchone() == before
    full.execute("CREATE TEMP TRIGGER watched AFTER DELETE ON device BEGIN INSERT INTO seen VALUES (OLD.label); END")
    full.execute("CREATE TEMP TABLE seen (label)")
    full.execute("DELETE FROM account WHERE name = 'mrose'")
    assert full.execute("SELECT * FROM seen").fetchall() == [("phone",)]
    assert full.execute(GENERATION).fetchone() != before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE account SET password = 'new' WHERE name = 'mrose'",
        "UPDATE account SET password = NULL",
        "INSERT INTO account VALUES ('mrose', '', 'new', 1, NULL, NULL, 0)"
        " ON CONFLICT (name) DO UPDATE SET password = excluded.password",
        "DELETE FROM account WHERE name = 'mrose'",
    ],
)
def test_keys_end_with_the_password_whatever_changes_it(database, statement):
    for name in ("mrose", "anna"):
        database.execute("INSERT INTO account VALUES (?, '', 'hash', 1, NULL, NULL, 0)", (name,))
    database.execute("INSERT INTO scram VALUES ('mrose', 'sha1', '', x'00'), ('mrose', 'sha256', '', x'00')")
    database.execute("UPDATE account SET enabled = 0")
    database.execute("UPDATE account SET password = 'new' WHERE name = 'anna'")
    assert database.execute("SELECT count(*) FROM scram").fetchone() == (2,)
    database.execute(statement)
    assert database.execute("SELECT count(*) FROM scram").fetchone() == (0,)


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ("DELETE FROM device WHERE label = 'phone'", [("", "sha1"), ("tablet", "sha1")]),
        ("UPDATE account SET password = 'new'", [("phone", "sha1"), ("phone", "sha256"), ("tablet", "sha1")]),
        ("DELETE FROM account", []),
    ],
)
def test_the_keys_of_a_device_end_with_it_alone(database, statement, left):
    database.execute("INSERT INTO account VALUES ('mrose', '', 'hash', 1, NULL, NULL, 0)")
    for label in ("phone", "tablet"):
        database.execute("INSERT INTO device VALUES ('mrose', ?, x'00', 0, NULL)", (label,))
    kept = [("", "sha1"), ("phone", "sha1"), ("phone", "sha256"), ("tablet", "sha1")]
    database.executemany("INSERT INTO scram (account, label, digest, keys) VALUES ('mrose', ?, ?, x'00')", kept)
    database.execute("UPDATE device SET last_used = 1")
    database.execute(statement)
    assert database.execute("SELECT label, digest FROM scram ORDER BY label, digest").fetchall() == left


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_files_that_others_may_touch_are_refused(folder, database, suffix, mode):
    database.execute("INSERT INTO account VALUES ('mrose', '', NULL, 1, NULL, NULL, 0)")  # so that -wal is there
    path = folder / f"{FILE_NAME}{suffix}"
    path.chmod(mode)
    with pytest.raises(AccountsUnavailable) as caught:
        open_database(folder)
    assert f"its mode is {mode:04o}" in caught.value.log
    assert f"chmod 600 {path}" in caught.value.log
    assert str(folder) not in caught.value.text, "a client is not told of paths"


def test_processes_that_bring_it_up_at_once_do_it_once(folder):
    database = open_database(folder)
    database.executescript(f"{TO_THE_THIRD} DROP TABLE own; DROP TABLE share;")
    database.execute("PRAGMA user_version = 1")
    database.close()
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    workers = [context.Process(target=_open, args=(folder, barrier, f"user{n}")) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
