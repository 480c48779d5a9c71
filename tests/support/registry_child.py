"""A process that changes accounts as it is told, one change a line, and says when each is done. Run as a program.

Usage: FOLDER. A line is JSON: the name of a method of `Registry` and what it is given.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from postane.accounts.base import Account
from postane.accounts.hashes import LIGHT, hash_password
from postane.accounts.records import Entry, Place
from postane.accounts.registry import Registry
from postane.maildrop.base import Quota


class Office:
    """Another process that has the same accounts."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def change(self, method: str, *given: Any) -> None:
        """Have it done; it has returned over there when this returns."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([method, *given]) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"


@contextlib.contextmanager
def another_process(folder: Path) -> Iterator[Office]:
    """Start it, and end it."""
    command = [sys.executable, __file__, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Office(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 0


def _work(folder: Path) -> None:
    registry = Registry(Place(folder), cost=LIGHT)
    for line in sys.stdin:
        method, *given = json.loads(line)
        if method == "set_quota":
            given[1] = Quota(given[1])
        elif method == "configure":
            given = [Account(given[0], given[0], login_delay=given[1])]
        elif method == "import_many":
            given = [[Entry(given[0], hash_password(given[1], LIGHT))]]
        elif method == "renew":
            given.insert(1, registry._ask("SELECT password FROM account WHERE name = ?", given[0])[0][0])
        getattr(registry, method)(*given)
        print("done", flush=True)
    registry.close()


if __name__ == "__main__":
    _work(Path(sys.argv[1]))
