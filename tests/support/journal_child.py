"""A process that uses a journal, and says what is acknowledged.

    journal_child.py until FILE BEGIN      two accounts record at the same time, in groups of 1 to 5, until it is
                                           killed; keys grow from BEGIN
    journal_child.py full FILE OCTETS      one records until files that may grow to OCTETS are full, tries again, and
                                           goes on when they may grow
    journal_child.py listing FILE COUNT    takes in a short listing, then one of COUNT messages, twice

Each line said of a message is durable by then.
"""

import asyncio
import resource
import sys
from collections.abc import AsyncIterator, Sequence
from itertools import count
from pathlib import Path

from postane.journal.base import JournalError, Listed, Run, Step
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


async def until(path: Path, begin: int) -> None:
    """Until the end."""
    journal = SqliteJournal(path)
    runs = [await journal.begin(account) for account in ACCOUNTS]
    for account, run in zip(ACCOUNTS, runs, strict=True):
        print(f"begun {account} {run.is_suspect}", flush=True)
    await asyncio.gather(*(record(run, account, begin) for account, run in zip(ACCOUNTS, runs, strict=True)))


async def full(path: Path, octets: int) -> None:
    """Until no file may grow, and again."""
    journal = SqliteJournal(path)
    run = await journal.begin(ACCOUNTS[0])
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    numbers, refused = count(), 0
    while refused < 3:
        keys = [f"{next(numbers)}-{'x' * 200}" for _ in range(20)]
        try:
            await run.record_delivered(keys)
        except JournalError as error:
            refused += 1
            print(f"refused {error.text}")
        else:
            print("".join(f"delivered {key}\n" for key in keys), end="")
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await run.record_delivered(["the last one"])
    print("delivered the last one")
    await run.finish(is_clean=True)
    await journal.close()


async def numbered(messages: int) -> AsyncIterator[Sequence[Listed]]:
    """A listing that is not in memory."""
    for begin in range(1, messages + 1, 500):
        yield [Listed(number, f"{number:08x}{'-' * 60}", 4096) for number in range(begin, begin + 500)]


async def listing(path: Path, messages: int) -> None:
    """Take in listings, and compare them."""
    journal = SqliteJournal(path)
    run = await journal.begin(ACCOUNTS[0])
    await run.take_listing(numbered(1000))
    print("short", peak())
    for _ in range(2):
        await run.take_listing(numbered(messages))
    compared = 0
    async for piece in run.compare(steps=(None, *Step)):
        compared += len(piece)
    print("long", peak())
    print("compared", compared)
    await run.finish(is_clean=True)
    await journal.close()


def peak() -> int:
    """MiB that this process had at most; elsewhere than on Linux, or the one that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 // 1024


if __name__ == "__main__":
    work = {"until": until, "full": full, "listing": listing}[sys.argv[1]]
    asyncio.run(work(Path(sys.argv[2]), int(sys.argv[3])))
