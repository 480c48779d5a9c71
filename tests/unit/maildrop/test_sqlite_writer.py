"""Transactions of several jobs: one job's error is its own, the file's error is everybody's; files shrink."""

import os
import sqlite3

import pytest

from postane.maildrop.base import MaildropError, QuotaExceeded, StoreDamaged, StoreFull, StoreUnavailable
from postane.maildrop.folders import Folders
from postane.maildrop.reserve import Reserve
from postane.maildrop.sides import Step, ignore_step
from postane.maildrop.sqlite_schema import connect_reader, make_index
from postane.maildrop.sqlite_writer import Job, Writer


@pytest.fixture
def steps():
    return []


@pytest.fixture
def writer(tmp_path, steps):
    folders = Folders(tmp_path)
    make_index(folders, "anna", ignore_step)
    writer = Writer(folders.drop("anna"), Reserve(folders.root), steps.append)
    yield writer
    writer.close()


def deposit(work):
    return Job(work, Step.ROW_WRITTEN, Step.ROW_DURABLE)


def removal(work):
    return Job(work, Step.ROWS_DELETED, Step.ROWS_GONE)


def add(now):
    now.connection.execute("INSERT INTO body VALUES (?, ?)", (now.next_uid, bytes(4000)))
    now.next_uid += 1
    now.messages += 1
    return now.next_uid - 1


def refuse(now):
    raise QuotaExceeded("maildrop is full")


def fail(now):
    raise sqlite3.OperationalError("disk I/O error")


def full(now):
    add(now)
    raise_full()


def raise_full():
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise error


def held(writer):
    connection = connect_reader(writer._path)
    try:
        return connection.execute("SELECT messages, (SELECT count(*) FROM body) FROM meta").fetchone()
    finally:
        connection.close()


def test_several_jobs_are_one_transaction(writer, steps):
    assert list(writer.commit([deposit(add)] * 3)) == [1, 2, 3]
    assert steps == [Step.ROW_WRITTEN] * 3 + [Step.ROW_DURABLE] * 3
    assert held(writer) == (3, 3)


def test_a_refused_job_is_refused_alone(writer, steps):
    first, second, third = writer.commit([deposit(add), deposit(refuse), deposit(add)])
    assert (first, type(second), third) == (1, QuotaExceeded, 2)
    assert len(steps) == 4
    assert held(writer) == (2, 2)


def test_nothing_but_refusals_is_no_transaction(writer, steps):
    (outcome,) = writer.commit([deposit(refuse)])
    assert isinstance(outcome, QuotaExceeded)
    assert steps == []
    assert list(writer.commit([deposit(add)])) == [1]


def test_an_error_of_the_file_undoes_all(writer, steps):
    outcomes = writer.commit([deposit(add), deposit(fail), deposit(add)])
    assert all(isinstance(outcome, MaildropError) for outcome in outcomes)
    assert steps == []
    assert held(writer) == (0, 0)
    assert list(writer.commit([deposit(add)])) == [1], "it goes on"


def test_a_bug_undoes_all_and_is_not_hidden(writer):
    with pytest.raises(ZeroDivisionError):
        writer.commit([deposit(add), deposit(lambda now: 1 // 0)])
    assert held(writer) == (0, 0)
    assert list(writer.commit([deposit(add)])) == [1]


def test_a_removal_gets_the_reserve_and_a_deposit_does_not(writer, tmp_path):
    attempts = []

    def remove(now):
        attempts.append(os.path.exists(tmp_path / "reserve"))
        if attempts[-1]:
            raise_full()
        return "removed"

    (tmp_path / "reserve").write_bytes(b"kept back")
    (outcome,) = writer.commit([deposit(full)])
    assert isinstance(outcome, StoreFull)
    assert (tmp_path / "reserve").exists()
    first, second = writer.commit([removal(remove), deposit(add)])
    assert (first, type(second)) == ("removed", StoreFull)
    assert attempts == [True, False]
    (outcome,) = writer.commit([removal(lambda now: raise_full())])
    assert isinstance(outcome, StoreFull), "there is no second reserve"


def test_a_file_that_was_exchanged_takes_nothing(writer):
    assert list(writer.commit([deposit(add)])) == [1]
    os.rename(writer._path, f"{writer._path}.old")
    (outcome,) = writer.commit([deposit(add)])
    assert isinstance(outcome, StoreUnavailable)
    assert "replaced" in outcome.log
    os.rename(f"{writer._path}.old", writer._path)


def test_lost_totals_are_damage(writer):
    def lose(now):
        now.connection.execute("DELETE FROM meta")

    writer.commit([deposit(lose)])
    (outcome,) = writer.commit([deposit(add)])
    assert isinstance(outcome, StoreDamaged)


def empty(now):
    now.connection.execute("DELETE FROM body")
    now.messages = 0
    now.removals += 1


def test_a_file_that_is_mostly_free_is_made_smaller(writer):
    for _ in range(5):
        writer.commit([deposit(add)] * 250)
    writer.commit([deposit(add)])
    assert not writer.wants_compacting
    writer.commit([removal(empty)])
    assert writer.wants_compacting
    writer.compact()
    assert not writer.wants_compacting
    assert os.path.getsize(writer._path) < 100_000
    assert list(writer.commit([deposit(add)])) == [1252], "uids go on"
    assert held(writer) == (1, 1)


def test_a_little_free_space_is_left_for_the_next_mail(writer):
    writer.commit([deposit(add)] * 200)
    writer.commit([removal(empty)])
    size = os.path.getsize(writer._path)
    writer.compact()
    assert not writer.wants_compacting
    assert os.path.getsize(writer._path) == size


def test_the_mark_of_a_removed_drop_goes_with_its_first_message(writer):
    mark = os.path.join(os.path.dirname(writer._path), "removed")
    with open(mark, "w"):
        pass
    writer.commit([deposit(refuse)])
    assert os.path.exists(mark)
    writer.commit([deposit(add)])
    assert not os.path.exists(mark)
