"""A message on the short way and on the long one: the same rows, and what is remembered is never believed blindly."""

import itertools
import os

import pytest

from postane.mail.measure import measure
from postane.maildrop.base import Blob, Letter, Quota, QuotaExceeded, Receipt, UidlRefused
from postane.maildrop.folders import Folders
from postane.maildrop.reserve import Reserve
from postane.maildrop.sides import Entry, Step, ignore_step
from postane.maildrop.sqlite_deposit import deposit_job
from postane.maildrop.sqlite_schema import connect_writer, make_index
from postane.maildrop.sqlite_writer import CHECKPOINT, Job, Writer

HEAD = "Subject: grüße\r\n\r\n.hello\r\n".encode()


@pytest.fixture
def folders(tmp_path):
    folders = Folders(tmp_path)
    for drop in ("short", "long"):
        make_index(folders, drop, ignore_step)
    return folders


@pytest.fixture
def writer(folders):
    yield from _writer(folders, "short")


@pytest.fixture
def other(folders):
    yield from _writer(folders, "short")


def _writer(folders, drop):
    writer = Writer(folders.drop(drop), Reserve(folders.root), ignore_step)
    yield writer
    writer.close()


def entry(number=1, *, blob=None, quota=None, uidl=None):
    letter = Letter(f"{number}@foo.com", float(number), is_international=True)
    return Entry(letter, measure(HEAD * number), HEAD * number, blob, quota or Quota(), uidl)


def long_way(job):
    return Job(job.work, job.written, job.durable)


def stored(folders, drop):
    connection = connect_writer(f"{folders.drop(drop)}/index.sqlite")
    try:
        totals = "SELECT next_uid, messages, octets, removals, excess FROM meta"
        return [connection.execute(sql).fetchall() for sql in (totals, "SELECT * FROM message", "SELECT * FROM body")]
    finally:
        connection.close()


def test_both_ways_write_the_same(folders, writer):
    (by_long_way,) = itertools.islice(_writer(folders, "long"), 1)
    for number in range(1, 6):
        blob = Blob("name", 5, b"check") if number == 3 else None
        (first,) = writer.commit([deposit_job("short", entry(number, blob=blob))])
        (second,) = by_long_way.commit([long_way(deposit_job("long", entry(number, blob=blob)))])
        assert (first.uid, first.octets) == (second.uid, second.octets) == (number, number * len(HEAD))
    by_long_way.close()
    assert stored(folders, "short") == stored(folders, "long")


def test_many_at_once_are_counted_on(folders, writer):
    writer.commit([deposit_job("short", entry())])
    receipts = writer.commit([deposit_job("short", entry(number)) for number in (1, 2, 3)])
    assert [receipt.uid for receipt in receipts] == [2, 3, 4]
    assert stored(folders, "short")[0] == [(5, 4, 7 * len(HEAD), 0, 4 * entry().facts.excess)]


def test_what_another_process_wrote_is_seen(folders, writer, other):
    for one, uid in ((writer, 1), (other, 2), (writer, 3), (writer, 4), (other, 5)):
        (receipt,) = one.commit([deposit_job("short", entry())])
        assert receipt.uid == uid
    assert stored(folders, "short")[0] == [(6, 5, 5 * len(HEAD), 0, 5 * entry().facts.excess)]


def test_a_quota_is_asked_of_what_the_drop_holds_and_not_of_what_is_remembered(writer, other):
    quota = Quota(messages=2)
    writer.commit([deposit_job("short", entry())] * 2)

    def delete(now):
        now.connection.execute("DELETE FROM message")
        now.connection.execute("DELETE FROM body")
        now.messages = now.octets = now.excess = 0
        now.removals += 1

    (outcome,) = writer.commit([deposit_job("short", entry(quota=quota))])
    assert isinstance(outcome, QuotaExceeded)
    other.commit([Job(delete, Step.ROWS_DELETED, Step.ROWS_GONE)])
    first, second, third = writer.commit([deposit_job("short", entry(quota=quota)) for _ in range(3)])
    assert isinstance(first, Receipt)
    assert isinstance(second, Receipt)
    assert isinstance(third, QuotaExceeded)


def test_a_unique_id_of_its_own_is_kept_and_is_nobody_elses(writer):
    writer.commit([deposit_job("short", entry())])
    first, second = writer.commit([deposit_job("short", entry(uidl="mine")), deposit_job("short", entry(uidl="mine"))])
    assert first.uidl == "mine"
    assert isinstance(second, UidlRefused)


def test_a_step_on_the_short_way_may_fail_and_then_nothing_is_written(folders):
    failing = []

    def on_step(step):
        if step is Step.ROW_WRITTEN and failing:
            raise OSError(5, "Input/output error")

    writer = Writer(folders.drop("short"), Reserve(folders.root), on_step)
    writer.commit([deposit_job("short", entry())])
    before = stored(folders, "short")
    failing.append(True)
    for count in (1, 2):
        outcomes = writer.commit([deposit_job("short", entry())] * count)
        assert {type(outcome).__name__ for outcome in outcomes} == {"StoreUnavailable"}
        assert stored(folders, "short") == before
    failing.clear()
    (receipt,) = writer.commit([deposit_job("short", entry())])
    assert receipt.uid == 2
    writer.close()


def test_a_long_log_is_put_back_when_nobody_waits_for_it_and_not_in_a_deposit(writer, folders):
    path = f"{folders.drop('short')}/index.sqlite"
    size, taken = os.path.getsize(path), 0
    while not writer.wants_compacting:
        assert isinstance(writer.commit([deposit_job("short", entry(200))])[0], Receipt)
        taken += 1
    assert os.path.getsize(path) == size, "no deposit has put it back"
    assert taken > CHECKPOINT / 10
    writer.compact()
    assert not writer.wants_compacting
    assert os.path.getsize(path) > size
    assert stored(folders, "short")[0] == [(taken + 1, taken, taken * len(HEAD) * 200, 0, taken * entry().facts.excess)]
    writer.commit([deposit_job("short", entry(200))])
    assert not writer.wants_compacting
