"""The thread that has the database, and what shares a commit."""

import asyncio
import sqlite3
import threading
from functools import partial

import pytest

from postane.journal.base import JournalError
from postane.journal.scribe import Scribe


@pytest.fixture
async def scribe(tmp_path):
    said = []

    def opens():
        database = sqlite3.connect(tmp_path / "a.db", isolation_level=None)  # of the thread that made it
        database.execute("CREATE TABLE IF NOT EXISTS word (text TEXT UNIQUE)")
        database.set_trace_callback(said.append)
        return database

    scribe = Scribe(opens, lambda error: JournalError(f"told: {error}"))
    scribe.said = said
    yield scribe
    await scribe.close()


def put(text, database):
    return database.execute("INSERT INTO word VALUES (?)", (text,)).rowcount


def texts(database):
    return [text for (text,) in database.execute("SELECT text FROM word ORDER BY rowid")]


def commits(scribe):
    return scribe.said.count("COMMIT")


async def test_a_job_gives_what_it_gives(scribe):
    assert await scribe.write(partial(put, "a")) == 1
    assert await scribe.read(texts) == ["a"]


async def test_what_is_asked_while_it_is_busy_is_one_commit(scribe):
    may_go_on = threading.Event()
    first = asyncio.ensure_future(scribe.read(lambda database: may_go_on.wait()))
    await asyncio.sleep(0)
    rest = [asyncio.ensure_future(scribe.write(partial(put, str(number)))) for number in range(20)]
    await asyncio.sleep(0)
    may_go_on.set()
    await asyncio.gather(first, *rest)
    assert commits(scribe) == 2
    assert await scribe.read(texts) == [str(number) for number in range(20)]


async def test_who_fails_in_company_fails_alone(scribe):
    results = await asyncio.gather(
        *(scribe.write(partial(put, text)) for text in ("a", "b", "b", "c")), return_exceptions=True
    )
    assert [str(result) for result in results] == ["1", "1", "told: UNIQUE constraint failed: word.text", "1"]
    assert await scribe.read(texts) == ["a", "b", "c"]


async def test_a_failed_job_leaves_nothing(scribe):
    def half(database):
        put("half", database)
        put("half", database)

    with pytest.raises(JournalError, match="told: UNIQUE"):
        await scribe.write(half)
    assert await scribe.read(texts) == []


async def test_a_bug_is_raised_as_it_is(scribe):
    def bug(database):
        put("half", database)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await scribe.write(bug)
    assert await scribe.read(texts) == []


async def test_a_cursor_is_no_result(scribe):
    """It would be ended by the event loop's thread, while this one uses its statement."""
    with pytest.raises(AssertionError):
        await scribe.write(lambda database: database.execute("SELECT 1"))


async def test_it_is_opened_anew_after_it_could_not_be(tmp_path):
    answers = [JournalError("not now"), sqlite3.OperationalError("nor now"), None]

    def opens():
        answer = answers.pop(0)
        if answer is not None:
            raise answer
        return sqlite3.connect(":memory:", isolation_level=None)

    scribe = Scribe(opens, lambda error: JournalError(f"told: {error}"))
    for words in ("not now", "told: nor now"):
        with pytest.raises(JournalError, match=words):
            await scribe.read(texts)
    assert await scribe.read(lambda database: 7) == 7
    await scribe.close()


async def test_closing_does_what_is_waiting_and_it_may_be_used_again(scribe):
    jobs = [asyncio.ensure_future(scribe.write(partial(put, str(number)))) for number in range(3)]
    await asyncio.sleep(0)
    await scribe.close()
    await scribe.close()
    assert [job.done() for job in jobs] == [True] * 3
    assert await scribe.read(texts) == ["0", "1", "2"]


async def test_a_job_that_nobody_waits_for_is_done(scribe):
    job = asyncio.ensure_future(scribe.write(partial(put, "a")))
    await asyncio.sleep(0)
    job.cancel()
    assert await scribe.read(texts) == ["a"]
    assert job.cancelled()
