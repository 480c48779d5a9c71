"""A process that records deliveries is killed again and again: what it acknowledged is known to the next one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from postane.journal.base import Step
from postane.journal.sqlite import SqliteJournal
from support import journal_child
from support.journal_child import ACCOUNTS
from support.journals import entries

ROUNDS = 25


def killed_after(lines: int, path: Path, begin: int) -> list[list[str]]:
    """What a child said that was killed after some lines, or a little later; the last word may be cut."""
    command = [sys.executable, journal_child.__file__, "until", str(path), str(begin)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        output = b"".join(child.stdout.readline() for _ in range(lines))
        os.kill(child.pid, signal.SIGKILL)
        output += child.stdout.read()
    assert child.returncode == -signal.SIGKILL
    return [line.split() for line in output[: output.rfind(b"\n")].decode().splitlines()]


async def test_killed_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "fetch.db"
    least: dict[tuple[str, str], Step] = {}
    for round_ in range(ROUNDS):
        for word, account, rest in killed_after(3 + 29 * round_ % 97, path, 1 + round_ * 1_000_000):
            if word == "begun":
                assert (rest == "True") == (round_ > 0), "whoever comes after a killed one is told"
            else:
                least[account, rest] = Step(word)
    journal = SqliteJournal(path)
    known = {(each.account, each.key): each for account in ACCOUNTS for each in await entries(journal, account)}
    try:
        assert len(least) > ROUNDS
        assert set(least) <= set(known), "acknowledged, and lost"
        for key, step in least.items():
            assert known[key].step in ((Step.DELIVERED, Step.DELETED) if step is Step.DELIVERED else (step,))
        assert all(each.fetched is not None for each in known.values()), "what belongs together is recorded together"
        for account in ACCOUNTS:
            run = await journal.begin(account)
            assert run.is_suspect
            await run.finish(is_clean=True)
    finally:
        await journal.close()
