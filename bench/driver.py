"""The C driver from Python: built when it is out of date, started, and its result read.

While it holds at the beginning and the end of the work, the server's CPU time and memory are looked at.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from peers import busy_seconds, cpu_seconds, memory_octets

SOURCE = Path(__file__).with_name("driver.c")
PROGRAM = SOURCE.parent / "build" / "driver"


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one kind of step took, in microseconds: the first of the run, the median of all others, of all."""

    n: int
    first: float
    later: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Used:
    """CPU time in seconds."""

    server: float
    driver: float
    machine: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run of the driver against one server.

    `cpu` is the server's CPU time in seconds during the work, `others` what neither it nor the driver used; `held` the
    octets of memory (PSS) by which the server had grown when all clients were ready. A run with an `error` has no
    figures worth having.
    """

    units: int
    octets: int
    seconds: float
    cpu: float
    others: float
    held: int
    latencies: Mapping[str, Latency]
    error: str = ""

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.units / self.seconds if self.seconds else 0.0


def build() -> None:
    """Compile the driver where that was not done since it changed."""
    if PROGRAM.exists() and PROGRAM.stat().st_mtime > SOURCE.stat().st_mtime:
        return
    PROGRAM.parent.mkdir(exist_ok=True)
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-Wall", "-Wextra", "-o", str(PROGRAM), str(SOURCE)], check=True)


def drive(server_pid: int, cpu: int | None, words: Sequence[str]) -> Outcome:
    """Run the driver on core `cpu` against the server whose first process is `server_pid`."""
    command = [str(PROGRAM), *words, "--hold", *(["--cpu", str(cpu)] if cpu is not None else [])]
    memory_before = memory_octets(server_pid)
    at: dict[str, Used] = {}
    held = 0
    told: dict[str, object] = {"error": "the driver said nothing"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            word = line.strip()
            if word not in ("begin", "end"):
                told = json.loads(line)
                continue
            if word == "begin":
                held = memory_octets(server_pid) - memory_before
            at[word] = Used(cpu_seconds(server_pid), cpu_seconds(process.pid), busy_seconds())
            process.stdin.write("go on\n")
    begin, end = (at.get(word, Used(0.0, 0.0, 0.0)) for word in ("begin", "end"))
    used = Used(end.server - begin.server, end.driver - begin.driver, end.machine - begin.machine)
    return read_outcome(told, used, held)


def read_outcome(told: Mapping[str, object], used: Used, held: int) -> Outcome:
    """What the driver told, as a value."""
    error = str(told["error"])
    series = told.get("series", {})
    assert isinstance(series, dict)
    latencies = {
        name: Latency(each["n"], each["first_us"], each["later_us"], each["p50_us"], each["p99_us"])
        for name, each in series.items()
    }
    units, octets, seconds = (told.get(key, 0) for key in ("units", "octets", "seconds"))
    others = max(0.0, used.machine - used.server - used.driver)
    return Outcome(int(str(units)), int(str(octets)), float(str(seconds)), used.server, others, held, latencies, error)
