"""A process that records deliveries as fast as it can, and says what is acknowledged, until somebody kills it.

    journal_child.py FILE BEGIN

Two accounts record at the same time, in groups of 1 to 5; keys grow from BEGIN. Each line said is durable by then.
"""

import asyncio
import sys
from itertools import count
from pathlib import Path

from postane.journal.base import Run
from postane.journal.sqlite import SqliteJournal

ACCOUNTS = ("one", "two")


async def record(run: Run, account: str, begin: int) -> None:
    """Deliver and delete for ever."""
    number = begin
    for turn in count():
        keys = [f"{number + each:09d}" for each in range(1 + turn % 5)]
        number += len(keys)
        await run.record_fetched(keys)
        await run.record_delivered(keys)
        for key in keys:
            print(f"delivered {account} {key}", flush=True)
        if turn % 3 == 0:
            await run.record_deleted(keys)
            for key in keys:
                print(f"deleted {account} {key}", flush=True)


async def work(path: Path, begin: int) -> None:
    """Until the end."""
    journal = SqliteJournal(path)
    runs = [await journal.begin(account) for account in ACCOUNTS]
    for account, run in zip(ACCOUNTS, runs, strict=True):
        print(f"begun {account} {run.is_suspect}", flush=True)
    await asyncio.gather(*(record(run, account, begin) for account, run in zip(ACCOUNTS, runs, strict=True)))


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), int(sys.argv[2])))
