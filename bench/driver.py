"""The C driver from Python: started, looked at while it holds, and its result read.

While it holds at the beginning and the end of the work, the server's CPU time and memory are looked at.
"""

import contextlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import programs
from peers import busy_seconds, cpu_seconds, memory_octets

PROGRAM = Path(__file__).parent / "build" / "driver"


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

    `cpu` is the server's CPU time in seconds during the work, `driver` the driver's, `others` what neither used.
    `memory` is what the server held at the end, with all clients still there (octets, PSS), `held` by how much it had
    grown since before the first one. `tls` is what was spoken, `resumed` how many sessions went on with a ticket. A run
    with an `error` has no figures worth having.
    """

    units: int
    octets: int
    seconds: float
    cpu: float
    driver: float
    others: float
    held: int
    memory: int
    latencies: Mapping[str, Latency]
    tls: str = ""
    resumed: int = 0
    error: str = ""

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.units / self.seconds if self.seconds else 0.0


def nothing(error: str) -> Outcome:
    """A run that came to nothing."""
    return read_outcome({"error": error}, Used(0.0, 0.0, 0.0), 0, 0)


def build() -> None:
    """Compile the programs where that was not done since they changed."""
    programs.build_all()


def drive(server_pid: int, cpu: int | None, words: Sequence[str]) -> Outcome:
    """Run the driver on core `cpu` against the server whose first process is `server_pid`."""
    command = [str(PROGRAM), *words, "--hold", *(["--cpu", str(cpu)] if cpu is not None else [])]
    memory_before = memory_octets(server_pid)
    memory = memory_before
    at: dict[str, Used] = {}
    told: dict[str, object] = {"error": "the driver said nothing"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            word = line.strip()
            if word not in ("begin", "end"):
                told = read_line(line)
                continue
            at[word] = now_used(server_pid, process.pid)
            if word == "end":
                memory = memory_octets(server_pid)
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write("go on\n")
    begin, end = (at.get(word, Used(0.0, 0.0, 0.0)) for word in ("begin", "end"))
    used = Used(end.server - begin.server, end.driver - begin.driver, end.machine - begin.machine)
    return read_outcome(told, used, memory, memory - memory_before)


def read_line(line: str) -> dict[str, object]:
    """The driver's result, or that it is none."""
    try:
        told = json.loads(line)
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {"error": f"the driver said: {line.strip()[:200]}"}


def now_used(server_pid: int, driver_pid: int) -> Used:
    """CPU time so far."""
    return Used(cpu_seconds(server_pid), cpu_seconds(driver_pid), busy_seconds())


def read_outcome(told: Mapping[str, object], used: Used, memory: int, held: int) -> Outcome:
    """What the driver told, as a value."""
    series = told.get("series", {})
    assert isinstance(series, dict)
    latencies = {
        name: Latency(each["n"], each["first_us"], each["later_us"], each["p50_us"], each["p99_us"])
        for name, each in series.items()
    }
    return Outcome(
        units=int(str(told.get("units", 0))),
        octets=int(str(told.get("octets", 0))),
        seconds=float(str(told.get("seconds", 0))),
        cpu=used.server,
        driver=used.driver,
        others=max(0.0, used.machine - used.server - used.driver),
        held=held,
        memory=memory,
        latencies=latencies,
        tls=str(told.get("tls", "")),
        resumed=int(str(told.get("resumed", 0))),
        error=str(told.get("error", "")),
    )
