"""A journal whose file may not grow refuses, tells why, and goes on when it may again: nothing acknowledged is lost.

And a long listing takes no more memory than a short one.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from postane.journal.base import JournalError, Step
from postane.journal.sqlite import SqliteJournal
from support import journal_child
from support.disks import enlarge, small_disk
from support.journals import entries, listed

LISTED = 200_000
ALLOWED = 24  # MiB over what a short listing needs: caches, which have a limit; the keys alone would take 40


def run_child(*arguments: object) -> list[list[str]]:
    """What a child said that ended by itself."""
    command = [sys.executable, journal_child.__file__, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=100)
    return [line.split(maxsplit=1) for line in done.stdout.decode().splitlines()]


async def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    said = run_child("full", tmp_path / "fetch.db", 400_000)
    acknowledged = [rest for word, rest in said if word == "delivered"]
    errors = [rest for word, rest in said if word == "refused"]
    assert len(errors) == 3
    assert all("no space is left" in each or "cannot be read or written" in each for each in errors), errors
    assert said[-1][0] == "delivered", "it went on when the file could grow again"
    journal = SqliteJournal(tmp_path / "fetch.db")
    try:
        known = {each.key: each.step for each in await entries(journal, "one")}
    finally:
        await journal.close()
    assert {known[key] for key in acknowledged} == {Step.DELIVERED}


@pytest.mark.parametrize("size", ["60k", "80k", "100k", "104k", "116k"])
async def test_no_room_for_a_new_file_leaves_none_that_is_damaged(tmp_path: Path, size: str) -> None:
    with small_disk(tmp_path / "disk", size) as disk:
        for _ in range(2):
            try:
                await run_through(SqliteJournal(disk / "fetch.db"))
            except JournalError as error:
                assert "no space is left" in error.text
        enlarge(disk, "8m")
        await run_through(SqliteJournal(disk / "fetch.db"))


async def run_through(journal: SqliteJournal) -> None:
    """A run that delivers a message."""
    try:
        run = await journal.begin("work")
        await listed(run, "a")
        await run.record_delivered("a")
        await run.finish(is_clean=True)
    finally:
        await journal.close()


def test_a_long_listing_takes_no_more_memory(tmp_path: Path) -> None:
    said = dict(run_child("listing", tmp_path / "fetch.db", LISTED))
    short, long = int(said["short"]), int(said["long"])
    print(f"peak memory in MiB: {short} after 1,000 messages, {long} after {LISTED:,}")
    assert said["compared"] == str(LISTED)
    assert long - short < ALLOWED
