"""Journals as their tests have them: one in memory and one in a file, each of which can be left and found again."""

import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from pathlib import Path

from postane.journal.base import Compared, Entry, Journal, Listed, Run, Step
from postane.journal.memory import MemoryJournal
from postane.journal.sqlite import SqliteJournal
from support.clock import Clock

NOW = 1_700_000_000.0


class JournalHouse:
    """A journal, its clock, and a way to leave it as a process does that dies."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.clock = Clock(NOW)
        self.path = folder / "state" / "fetch.db"
        self._kind = kind
        self.journal: Journal = MemoryJournal(self.clock) if kind == "memory" else SqliteJournal(self.path, self.clock)

    async def again(self) -> Journal:
        """The journal as the next process finds it; runs that have not ended are left as they are."""
        await self.journal.close()
        if self._kind == "sqlite":
            self.journal = SqliteJournal(self.path, self.clock)
        return self.journal


async def pieces(listed: Sequence[Listed], size: int = 3) -> AsyncIterator[Sequence[Listed]]:
    """A listing as a server gives it."""
    for begin in range(0, len(listed), size):
        yield listed[begin : begin + size]


def numbered(keys: Iterable[str]) -> list[Listed]:
    """Messages of these keys; the octets follow from the number."""
    return [Listed(number, key, 100 * number) for number, key in enumerate(keys, 1)]


async def listed(run: Run, keys: Iterable[str]) -> Sequence[Listed]:
    """Take a listing of these keys; gives the repeated ones."""
    return await run.take_listing(pieces(numbered(keys)))


async def compared(run: Run, *steps: Step | None) -> list[Compared]:
    """All that is listed at these steps."""
    return [each async for piece in run.compare(steps=steps or (None, *Step)) for each in piece]


async def keys_at(run: Run, *steps: Step | None) -> list[str]:
    """The keys of these."""
    return [each.listed.key for each in await compared(run, *steps)]


async def entries(journal: Journal, account: str, steps: Collection[Step] = ()) -> list[Entry]:
    """All entries."""
    return [each async for each in journal.entries(account, steps=steps)]


HOLDER = """
import sys, pathlib
from postane.journal.locks import RunLock
lock = RunLock(pathlib.Path(sys.argv[1]), sys.argv[2])
print("locked", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def lock_holder(folder: Path, account: str) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that has the lock of an account."""
    command = [sys.executable, "-c", HOLDER, str(folder), account]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"locked\n"
        yield child
