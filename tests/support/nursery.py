"""A process that has everything imported and forks for each `postane fetch`, so that many can be killed in little time.

Run as a program it reads one JSON object a line: `config`, and `delay`, seconds after which the child is killed, or
`step`, at which it kills itself, or `steps`, a file for the names of all its steps; none of them: it comes to its end.
It answers each with one: `killed`, `code`, and what was said.

A step is a call of the run's source, journal or destination, before and after, and what a destination tells of itself.
"""

import asyncio
import contextlib
import importlib
import inspect
import json
import os
import pkgutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import postane

PACKAGES = ("client", "config", "fetch", "fetching", "journal", "net", "pop3", "sinks", "credentials", "maildrop")
LATE = ("postane.cli.fetch_group", "postane.app", "encodings.idna", "concurrent.futures.thread", "sqlite3", "uvloop")
TESTS = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class End:
    """How a child ended: by a signal (`is_killed`), or with a code."""

    is_killed: bool
    code: int
    said: str


class Nursery:
    """The process, for tests. One child at a time."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process = process
        self._folder = folder

    async def fetch(self, config: Path, **how: object) -> End:
        """Let a child fetch. See the module."""
        asked = {"config": str(config), "said": str(self._folder / "said"), **how}
        answer = json.loads(await asyncio.to_thread(self._ask, json.dumps(asked)))
        said = (self._folder / "said").read_text(errors="replace")
        assert "Traceback" not in said, said
        return End(answer["killed"], answer["code"], said)

    async def steps(self, config: Path) -> list[str]:
        """Fetch undisturbed, and the names of the steps that were gone through."""
        end = await self.fetch(config, steps=str(self._folder / "steps"))
        assert end.code == 0, end.said
        return (self._folder / "steps").read_text().splitlines()

    def _ask(self, line: str) -> str:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(line + "\n")
        stdin.flush()
        return stdout.readline()


@contextlib.contextmanager
def nursery(folder: Path) -> Iterator[Nursery]:
    """A running one; `folder` is for what it writes."""
    command = [sys.executable, "-m", "support.nursery"]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield Nursery(process, folder)


# In the process


def main() -> None:
    """Answer until nobody asks."""
    for package in PACKAGES:
        for module in pkgutil.iter_modules([str(Path(postane.__path__[0]) / package)]):
            with contextlib.suppress(ImportError):  # what an extra of the package is for
                importlib.import_module(f"postane.{package}.{module.name}")
    for name in LATE:
        importlib.import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(attempt(asked)), flush=True)


def attempt(asked: dict[str, Any]) -> dict[str, Any]:
    """One child's life."""
    pid = os.fork()
    if not pid:
        child(asked)
    if asked.get("delay") is not None:
        time.sleep(asked["delay"])
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return {"killed": os.WIFSIGNALED(status), "code": os.waitstatus_to_exitcode(status)}


def child(asked: dict[str, Any]) -> None:
    """Fetch, and end."""
    code = 70
    try:
        said = os.open(asked["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.argv = ["postane", "fetch", "-c", asked["config"], "--json"]
        code = fetch_in_steps(asked) if "step" in asked or "steps" in asked else fetch()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:  # noqa: BLE001 - told, and looked for by `fetch` of Nursery
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def fetch() -> int:
    """What a user's command does."""
    from postane.cli.main import main as command

    command()
    return 0


def fetch_in_steps(asked: dict[str, Any]) -> int:
    """The same, step by step."""
    names: list[str] = []

    def tell(name: object) -> None:
        names.append(str(name))
        wanted = asked.get("step")
        if wanted is not None and wanted[0] == name and names.count(wanted[0]) == wanted[1]:
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(stepwise(Path(asked["config"]), tell))
    if "steps" in asked:
        Path(asked["steps"]).write_text("\n".join(names))
    return 0


async def stepwise(config: Path, tell: Callable[[object], None]) -> None:
    """Fetch all accounts, and tell of each step."""
    from postane.config.fetch_file import load_fetch_config
    from postane.fetching.house import opened_rounds

    settings = load_fetch_config(config)
    async with opened_rounds(settings, settings.account) as rounds:
        jobs = []
        for job in rounds.jobs:
            for sink in job.sinks:
                if hasattr(sink, "_on_step"):
                    sink._on_step = partial(tell_of, tell, sink.name.partition(":")[0])

            def make(job: Any = job) -> Any:
                return Told("source", job.make_source(), tell)

            sinks = [Told(sink.name.partition(":")[0], sink, tell) for sink in job.sinks]
            jobs.append(replace(job, make_source=make, sinks=sinks))
        rounds.jobs, rounds.journal = jobs, Told("journal", rounds.journal, tell)
        progresses = rounds.progresses()
        await rounds.once(progresses)
        for progress in progresses:
            if progress.worst is not None:
                raise SystemExit(str(progress.error or progress.troubles))


def tell_of(tell: Callable[[object], None], kind: str, step: object) -> None:
    """A step of a destination."""
    tell(f"{kind}: {step}")


class Told:
    """Something whose calls are told of."""

    def __init__(self, name: str, inner: Any, tell: Callable[[object], None]) -> None:
        self._name = name
        self._inner = inner
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        found, words = getattr(self._inner, name), f"{self.__dict__['_name']}.{name}"
        if inspect.isasyncgenfunction(found):
            return self._generator(found, words)
        return self._coroutine(found, words) if inspect.iscoroutinefunction(found) else found

    def _coroutine(self, found: Any, words: str) -> Any:
        async def call(*given: Any, **named: Any) -> Any:
            self._tell(f"{words} begins")
            result = await found(*given, **named)
            self._tell(f"{words} has ended")
            return Told("run", result, self._tell) if words == "journal.begin" else result

        return call

    def _generator(self, found: Any, words: str) -> Any:
        async def give(*given: Any, **named: Any) -> AsyncIterator[Any]:
            async for each in found(*given, **named):
                self._tell(f"{words} gives")
                yield each

        return give


if __name__ == "__main__":
    main()
