"""The journal in a file; what every journal promises is in tests/contract/test_journal.py."""

import asyncio
import os
import shutil
import sqlite3
import stat

import pytest

from postane.journal.base import JournalError, Step
from postane.journal.sqlite import SqliteJournal
from support.journals import NOW, entries, listed, lock_holder


@pytest.fixture
async def journal(tmp_path):
    journal = SqliteJournal(tmp_path / "new" / "state" / "fetch.db", lambda: NOW)
    yield journal
    await journal.close()


async def test_files_and_folders_are_their_owners_alone(journal, tmp_path):
    mask = os.umask(0)
    try:
        run = await journal.begin("work")
        await listed(run, "a")
    finally:
        os.umask(mask)
    modes = {path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert {mode for name, mode in modes.items() if (tmp_path / name).is_dir()} == {0o700}
    assert {mode for name, mode in modes.items() if (tmp_path / name).is_file()} == {0o600}
    assert {"new/state/fetch.db", "new/state/fetch.db-wal", "new/state/fetch.db.locks"} < set(modes)


async def test_a_folder_that_is_there_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o755)
    journal = SqliteJournal(tmp_path / "fetch.db")
    await journal.counts()
    await journal.close()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


async def test_two_processes_run_two_accounts_of_one_file(journal, tmp_path):
    other = SqliteJournal(tmp_path / "new" / "state" / "fetch.db", lambda: NOW)
    try:
        one, two = await asyncio.gather(journal.begin("one"), other.begin("two"))
        with pytest.raises(JournalError, match="two is in use"):
            await journal.begin("two")
        for _ in range(20):
            await asyncio.gather(one.record_delivered(["a"]), two.record_delivered(["b"]))
        assert [each.key for each in await entries(other, "one")] == ["a"]
        await asyncio.gather(one.finish(is_clean=True), two.finish(is_clean=True))
        await (await journal.begin("two")).finish(is_clean=True)
    finally:
        await other.close()


async def test_an_older_copy_is_known_by_what_it_does_not_know(journal, tmp_path):
    path = tmp_path / "new" / "state" / "fetch.db"
    for run in (await journal.begin("work"), await journal.begin("other")):
        await run.finish(is_clean=True)
    await journal.close()
    older = path.read_bytes()
    again = SqliteJournal(path, lambda: NOW)
    run = await again.begin("work")
    assert not run.is_suspect
    await run.finish(is_clean=True)
    await again.prune("work", NOW)
    await again.close()
    path.write_bytes(older)
    restored = SqliteJournal(path, lambda: NOW)
    try:
        for name, is_suspect in (("other", False), ("work", True), ("work", False)):
            run = await restored.begin(name)
            assert run.is_suspect is is_suspect, name
            await run.finish(is_clean=True)
    finally:
        await restored.close()


async def test_without_its_locks_a_journal_is_believed(journal, tmp_path):
    await (await journal.begin("work")).finish(is_clean=True)
    shutil.rmtree(tmp_path / "new" / "state" / "fetch.db.locks")
    assert not (await journal.begin("work")).is_suspect


async def test_who_runs_an_account_is_told(journal, tmp_path):
    with lock_holder(tmp_path / "new" / "state" / "fetch.db.locks", "work") as child:
        with pytest.raises(JournalError, match=f"work is in use by process {child.pid} since .*: wait until"):
            await journal.begin("work")
        child.kill()
    await (await journal.begin("work")).finish(is_clean=True)


async def test_a_beginning_that_is_cancelled_leaves_the_account_free(journal):
    await journal.counts()
    beginning = asyncio.ensure_future(journal.begin("work"))
    await asyncio.sleep(0)
    beginning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await beginning
    await (await journal.begin("work")).finish(is_clean=True)


async def test_a_beginning_that_fails_leaves_the_account_free(tmp_path):
    path = tmp_path / "fetch.db"
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    journal = SqliteJournal(path)
    for _ in range(2):
        with pytest.raises(JournalError, match=r"fetch.db: the state is damaged .* move it away"):
            await journal.begin("work")
    await journal.close()
    path.unlink()
    journal = SqliteJournal(path)
    await (await journal.begin("work")).finish(is_clean=True)
    await journal.close()


async def test_damage_that_is_found_later_is_told(journal, tmp_path):
    run = await journal.begin("work")
    await listed(run, [f"key number {number}" for number in range(5000)])
    await run.finish(is_clean=True)
    await journal.close()
    path = tmp_path / "new" / "state" / "fetch.db"
    octets = bytearray(path.read_bytes())
    octets[20 * 4096 :] = b"\xa5" * (len(octets) - 20 * 4096)
    path.write_bytes(octets)
    with pytest.raises(JournalError, match="the state is damaged"):
        await entries(journal, "work")


async def test_an_old_reader_does_not_keep_others_from_writing(journal, tmp_path):
    await listed(await journal.begin("work"), "ab")
    reader = sqlite3.connect(tmp_path / "new" / "state" / "fetch.db", isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM message").fetchone() == (2,)
    await (await journal.begin("other")).record_delivered("x")
    assert reader.execute("SELECT count(*) FROM message").fetchone() == (2,)
    reader.close()


async def test_entries_are_read_in_pieces_while_others_record(journal):
    run = await journal.begin("work")
    keys = [f"{number:05}" for number in range(2500)]
    await listed(run, keys)
    found = []
    async for each in journal.entries("work", steps=[Step.SEEN]):
        found.append(each.key)
        if len(found) == 500:
            await run.record_delivered(keys[:1500])
    assert found == keys[:1000] + keys[1500:], "the first piece was read before"
