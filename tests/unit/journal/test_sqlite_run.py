"""A run in a file: what is written, and when."""

import sqlite3

import pytest

from postane.journal.base import JournalError, Step
from postane.journal.locks import RunLock
from postane.journal.scribe import Scribe
from postane.journal.sqlite_run import FETCHED_LIMIT, SqliteRun
from postane.journal.sqlite_schema import open_file
from support.clock import Clock
from support.journals import NOW, keys_at, listed


class Desk:
    """A run, its database and the statements that were carried out."""

    def __init__(self, folder):
        self.said = []
        self.database = None
        self.clock = Clock(NOW)
        self.scribe = Scribe(lambda: self.opened(folder), lambda error: JournalError(str(error)))
        self.run = SqliteRun(self.scribe, RunLock(folder, "work"), 1, False, self.clock)

    def opened(self, folder):
        self.database = open_file(folder / "fetch.db")
        self.database.execute("INSERT INTO account (id, name, is_running) VALUES (1, 'work', 1)")
        self.database.set_trace_callback(self.said.append)
        return self.database

    def take(self):
        said = [words.split()[0] for words in self.said]
        self.said.clear()
        return said

    async def steps(self):
        rows = await self.scribe.read(lambda database: database.execute("SELECT key, step FROM message").fetchall())
        return dict(rows)


@pytest.fixture
async def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.run.release()
    await desk.scribe.close()


async def test_a_delivery_is_one_commit_with_what_was_fetched(desk):
    await listed(desk.run, "abc")
    desk.take()
    await desk.run.record_fetched("ab")
    assert desk.take() == []
    desk.clock.time += 5
    await desk.run.record_delivered("ab")
    assert desk.take() == ["BEGIN", "INSERT", "INSERT", "COMMIT"]
    question = "SELECT fetched, delivered FROM message WHERE key = 'a'"
    assert await desk.scribe.read(lambda database: database.execute(question).fetchone()) == (NOW, NOW + 5)


async def test_what_is_fetched_and_not_delivered_goes_with_the_next_commit(desk):
    await desk.run.record_fetched("ab")
    await desk.run.record_delivered("b")
    assert await desk.steps() == {"a": 1, "b": 2}


async def test_fetched_ones_are_not_gathered_for_ever(desk):
    await desk.run.record_fetched(map(str, range(FETCHED_LIMIT)))
    assert await desk.steps() == {}
    await desk.run.record_fetched(["one more"])
    assert len(await desk.steps()) == FETCHED_LIMIT + 1


async def test_fetched_ones_are_written_again_where_that_failed(desk):
    def fail(database):
        raise sqlite3.OperationalError("disk I/O error")

    await desk.run.record_fetched("a")
    with pytest.raises(JournalError, match="disk I/O error"):
        await desk.run._write([], fail)
    await desk.run.remember("a", "word")
    assert await desk.steps() == {"a": 1}


async def test_a_finish_that_cannot_be_written_lets_go_all_the_same(desk, tmp_path):
    await listed(desk.run, "a")
    await desk.scribe.read(lambda database: database.execute("PRAGMA query_only = ON").fetchall())
    with pytest.raises(JournalError):
        await desk.run.finish(is_clean=True)
    assert not desk.run.is_going
    RunLock(tmp_path, "work").close()


async def test_the_table_of_a_listing_ends_with_the_run(desk):
    await listed(desk.run, "a")
    assert await keys_at(desk.run, None, Step.SEEN) == ["a"]
    await desk.run.finish(is_clean=True)
    tables = "SELECT count(*) FROM sqlite_temp_master"
    assert await desk.scribe.read(lambda database: database.execute(tables).fetchone()) == (0,)
