"""What runs on this machine: from /proc where there is one, else from ps."""

import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """One process; `resident` is in octets."""

    pid: int
    parent: int
    state: str
    resident: int


def children(pid: int) -> list[int]:
    """The pids of all processes below `pid`."""
    everyone = list(_processes())
    below = [pid]
    for parent in below:
        below += [process.pid for process in everyone if process.parent == parent]
    return below[1:]


def is_alive(pid: int) -> bool:
    """Whether there is such a process that still runs."""
    return any(process.pid == pid and process.state != "Z" for process in _processes())


def resident(pids: Iterable[int]) -> int:
    """Octets of memory that these processes hold together."""
    wanted = set(pids)
    return sum(process.resident for process in _processes() if process.pid in wanted)


def _processes() -> Iterator[Process]:
    return _from_proc() if (PROC / "self" / "stat").exists() else _from_ps()


def _from_proc() -> Iterator[Process]:
    page = os.sysconf("SC_PAGESIZE")
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            try:
                # The name stands in brackets and may hold anything: what counts comes after the last one.
                words = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue  # it has ended meanwhile
            yield Process(int(folder.name), int(words[1]), words[0], int(words[21]) * page)


def _from_ps() -> Iterator[Process]:
    command = ["ps", "-A", "-o", "pid=,ppid=,rss=,stat="]
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        pid, parent, kib, state = line.split()[:4]
        yield Process(int(pid), int(parent), state[0], int(kib) * 1024)
