"""A `postane serve` of one's own: a folder with its configuration and store, its accounts, its processes.

What bench/profile, bench/scale, bench/soak and bench/syncs share. Nobody else's server is touched: it listens on free
ports of loopback and is stopped by its process id.
"""

import argparse
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from accounts import add_accounts
from messages import DOMAIN
from peers import cpu_of

from postane.config.file import load_config
from postane.config.model import Config

PATIENCE = 60.0
"""Seconds that a start or an end may take."""

SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")
PARANOID = Path("/proc/sys/kernel/perf_event_paranoid")

Settings = Mapping[str, Mapping[str, Any]]

SETTINGS: Settings = {
    "pop3": {"listen": ["127.0.0.1:0"]},
    "lmtp": {"listen": ["127.0.0.1:0"]},
    "smtp": {"listen": [], "domains": [DOMAIN]},
    "auth": {"plaintext_without_tls": "loopback"},
    "limits": {"connections": 20000, "per_address": 20000},
    "server": {"workers": 1, "drain": "1s"},
    "log": {"format": "json"},
}


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds: octets of memory that are its share (PSS), that it sees (RSS), its descriptors, threads."""

    pss: int
    rss: int
    descriptors: int
    threads: int


class House:
    """A post office in `folder`; `settings` go over SETTINGS."""

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        self.folder, self.store, self.log = folder, folder / "store", folder / "log"
        self.path = folder / "postane.toml"
        self.ports: dict[str, int] = {}
        self.pid = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.configure(settings or {})

    def configure(self, settings: Settings) -> None:
        """Write the configuration; a server that runs keeps its own."""
        lines = ['hostname = "mail.bench.example"', "[storage]", f"path = {json.dumps(str(self.store))}"]
        for name in SETTINGS | dict(settings):
            keys = {**SETTINGS.get(name, {}), **settings.get(name, {})}
            lines += [f"[{name}]"] * (name != "storage") + [f"{key} = {json.dumps(to)}" for key, to in keys.items()]
        self.path.write_text("\n".join(lines) + "\n")

    @property
    def config(self) -> Config:
        """The configuration, as the server reads it."""
        return load_config(self.path)

    def add_accounts(self, names: Sequence[str], devices: Collection[str] = ()) -> None:
        """Accounts with one hash for all; a password of `devices` is a device's too, which costs no slow hash."""
        add_accounts(self.config, names, devices)

    def start(self, cores: Collection[int] | None = None, variables: Mapping[str, str] | None = None) -> float:
        """Start it, on these cores alone, and wait until it is ready: the seconds that it took. Raises RuntimeError."""
        output = self.folder / "output"
        command = [sys.executable, "-m", "postane", "serve", "-c", str(self.path)]
        begun = time.monotonic()
        with output.open("wb") as told, self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=log,
                env={**os.environ, **(variables or {})},
                preexec_fn=lambda: prepare(cores),
            )
        self.pid = self._process.pid
        while not (text := output.read_text()).endswith("ready\n"):
            if self._process.poll() is not None or time.monotonic() - begun > PATIENCE:
                self.stop()
                lines = self.log.read_text(errors="replace").splitlines()[-8:]
                raise RuntimeError("the server did not start:\n" + "\n".join(lines))
            time.sleep(0.005)
        took = time.monotonic() - begun
        lines = [line.split() for line in text.splitlines() if line.startswith("listening ")]
        self.ports = {words[1]: int(words[2].rpartition(":")[2]) for words in lines}
        return took

    def workers(self) -> list[int]:
        """The worker processes."""
        return children(self.pid)

    def cpu(self) -> float:
        """Seconds of processor time that all its processes have had."""
        return sum(map(cpu_of, [self.pid, *self.workers()]))

    def is_alive(self) -> bool:
        """Whether the server still runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> int:
        """End it as an init system does; its exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def prepare(cores: Collection[int] | None) -> None:
    """In a new process: the cores that it may use, and all the descriptors that it may have."""
    if cores:
        os.sched_setaffinity(0, cores)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def cores() -> list[int]:
    """The processors that this process may use."""
    return sorted(os.sched_getaffinity(0))


def children(parent: int) -> list[int]:
    """Its child processes, sorted; none where it is gone."""
    try:
        return sorted(map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split()))
    except OSError:
        return []


def held_by(pid: int) -> Held:
    """What a process holds now. Raises OSError where it is gone."""
    memory = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        memory[name] = int(rest.split()[0]) * 1024
    counts = (len(os.listdir(f"/proc/{pid}/{what}")) for what in ("fd", "task"))
    return Held(memory["Pss"], memory["Rss"], *counts)


def hint() -> str:
    """What helps where a process may not be looked into."""
    scope = SCOPE.read_text().strip() if SCOPE.exists() else "0"
    if os.geteuid() != 0 and scope != "0":
        return (
            f"kernel.yama.ptrace_scope is {scope}, so only root may look into a process that runs already. Either run"
            " this as root, or for a while: sudo sysctl kernel.yama.ptrace_scope=0"
        )
    paranoid = PARANOID.read_text().strip() if PARANOID.exists() else "?"
    return (
        "In a container it needs the capability SYS_PTRACE (docker run --cap-add SYS_PTRACE); perf needs"
        f" kernel.perf_event_paranoid of at most 1 where it is not root's (here it is {paranoid})."
    )


def command_line(program: str, description: str, example: str) -> argparse.ArgumentParser:
    """A program's command line, with the options that all of them have."""
    parser = argparse.ArgumentParser(
        prog=f"bench/{program}", description=description, epilog=f"Example: python bench/{program} {example}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--dir", type=Path, default=Path("/var/tmp"), help="where the stores are put: a disk")
    return parser


def refuse_unknown(parser: argparse.ArgumentParser, what: str, asked: Collection[str], known: Sequence[str]) -> None:
    """End with the names that there are, where another one was asked for."""
    if unknown := set(asked) - set(known):
        parser.error(f"no such {what}: {', '.join(sorted(unknown))}; there are {', '.join(known)}")


def end_by_signal() -> None:
    """Leave by an exception when told to end, so that servers and folders go away as with Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def say(text: str) -> None:
    """Progress, apart from the result."""
    print(text, file=sys.stderr, flush=True)


def run_program(main: Callable[[], int]) -> None:
    """Run a program to its end; what a person can put right is told in a line, without a traceback."""
    end_by_signal()
    code = 130
    with contextlib.suppress(KeyboardInterrupt):
        try:
            code = main()
        except (RuntimeError, OSError) as error:
            code = 1
            say(f"{Path(sys.argv[0]).name}: {error}")
    sys.exit(code)
