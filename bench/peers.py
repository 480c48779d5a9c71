"""What a peer is: a server program that the benchmark can set up, start, watch and stop.

CPU time and memory are read from /proc for the server's whole tree of processes, so that they do not depend on what
else the machine is doing.
"""

import contextlib
import os
import platform
import resource
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from messages import Group

PASSWORD = "secret"
START_PATIENCE = 30.0
STOP_PATIENCE = 45.0
"""Seconds; a server may drain its sessions first."""
OPEN_FILES = 65536
"""Descriptors that a server and the driver may have, where the machine allows so many."""
CPU_CLOCK = 2
"""Of Linux: the scheduler's count of nanoseconds, as part of a process's clock id."""
MEMORY = Path("/dev/shm")
"""Where stores are filled, if it is there: files cost little in it, and syncs nothing."""


@dataclass(frozen=True, slots=True)
class Server:
    """A peer that runs: its first process and its ports on 127.0.0.1; None where it has no such service."""

    process: subprocess.Popen[bytes]
    pop3: int
    lmtp: int | None = None
    smtp: int | None = None
    pop3s: int | None = None


class Peer(Protocol):
    """A server program, its configuration and its store."""

    name: str

    def set_up(self, groups: Mapping[str, Group]) -> None:
        """Make the accounts and fill the maildrops. Once, before the first start."""
        ...

    def start(self, cpu: int | None) -> Server:
        """Start it on core `cpu` alone (None: on any) and wait until it serves."""
        ...

    def stop(self, server: Server) -> None:
        """Stop it and all its processes."""
        ...


def open_files() -> int:
    """How many descriptors a process may have here. Root may raise that, unless somebody took it away."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < OPEN_FILES:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, OPEN_FILES))
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)


def machine() -> str:
    """What it ran on."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"


def free_port() -> int:
    """A TCP port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def remove(folder: Path) -> None:
    """A folder with all that is in it. The system's own program is several times as fast as Python's."""
    subprocess.run(["rm", "-rf", str(folder)], check=False)


@contextlib.contextmanager
def filled_in_memory(target: Path, mode: int = 0o755) -> Iterator[Path]:
    """A folder to fill, which is copied to `target` at the end: in memory where that can be, else `target` itself."""
    if not MEMORY.is_dir():
        target.mkdir(mode)
        yield target
        return
    folder = Path(tempfile.mkdtemp(prefix="postane-fill-", dir=MEMORY))
    try:
        folder.chmod(mode)
        yield folder
        subprocess.run(["cp", "-a", str(folder), str(target)], check=True)
    finally:
        remove(folder)


def start_on(cpu: int | None, command: list[str], output: Path) -> subprocess.Popen[bytes]:
    """Start a program on a core, its output in a file, with many descriptors allowed."""

    files = open_files()

    def prepare() -> None:
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    with output.open("ab") as file:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, preexec_fn=prepare)


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the port takes connections. Raises RuntimeError with the end of the log."""
    until = time.monotonic() + START_PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise did_not_start(process, log)


def did_not_start(process: subprocess.Popen[bytes], log: Path) -> RuntimeError:
    """End a server that does not come up; the error that tells why."""
    stop(process)
    return RuntimeError(f"{process.args!r} does not serve: {tail(log)}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a server, which stops its own processes; those that do not go are killed."""
    family = tree(process.pid)
    process.terminate()
    try:
        process.wait(STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def told_ports(process: subprocess.Popen[bytes], output: Path) -> dict[str, int]:
    """Wait for the line "ready"; the ports that the lines before it name: "[listening ]SERVICE [HOST:]PORT".

    Raises RuntimeError with the end of the output.
    """
    until = time.monotonic() + START_PATIENCE
    while "ready" not in (lines := output.read_text(errors="replace").splitlines()):
        if process.poll() is not None or time.monotonic() > until:
            raise did_not_start(process, output)
        time.sleep(0.02)
    words = [line.removeprefix("listening ").split() for line in lines]
    return {each[0]: int(each[1].rpartition(":")[2]) for each in words if len(each) == 2 and each[1][-1].isdigit()}


def tail(log: Path) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-8:]) if log.exists() else "(no log)"


def tree(root: int) -> list[int]:
    """The process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := stat_fields(int(entry))):
            children.setdefault(int(fields[1]), []).append(int(entry))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def stat_fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (state, parent, ...); [] when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()


def cpu_of(pid: int) -> float:
    """Seconds of processor time of a process and its threads, to the nanosecond; 0 where it is gone."""
    try:
        return time.clock_gettime((~pid << 3) | CPU_CLOCK)
    except OSError:
        return 0.0


def cpu_seconds(root: int) -> float:
    """CPU time of the tree so far: of the living, and of the dead whom a living one has waited for."""
    family = tree(root)
    ticks = sum(sum(map(int, fields[13:15])) for pid in family if (fields := stat_fields(pid)))
    return sum(map(cpu_of, family)) + ticks / os.sysconf("SC_CLK_TCK")


def busy_seconds() -> float:
    """CPU time that the whole machine has spent so far on anything but waiting."""
    fields = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def memory_octets(root: int) -> int:
    """Proportional set size of the tree: shared pages are counted once."""
    total = 0
    for pid in tree(root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total
