"""Where the hostile programs play: a server of its own, a well-behaved client, an attack, and what the server did.

`play` starts a server, measures it at rest, lets the attack run in processes of its own while one client from another
address reads its mail again and again, and stops the server by its process id. What is reported: the memory of the
workers, how long the client was served, how the server's sessions ended by its log. No time is judged; what fails a
program is a server that died or said something was unexpected, and a client that was refused or not served.
"""

import collections
import contextlib
import json
import multiprocessing
import os
import resource
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 60.0
"""Seconds that a step of the client, or the server's start and end, may take."""
REST = 0.1
"""Seconds between two rounds of the client."""
ROUNDS_AT_REST = 20
GOOD, PASSWORD, SOURCE = "anna", "a good password", "127.99.99.99"

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "pop3": {"listen": ["127.0.0.1:0"]},
    "pop3s": {"listen": ["127.0.0.1:0"]},
    "smtp": {"listen": ["127.0.0.1:0"]},
    "smtps": {"listen": ["127.0.0.1:0"]},
    "lmtp": {"listen": []},
    "server": {"workers": 2, "drain": "1s"},
    "log": {"format": "json"},
}

Facts = dict[str, int | float | str]
Attacker = Callable[..., Facts]


@dataclass(frozen=True, slots=True)
class Scene:
    """One attack: `crew` are the attackers with their arguments, each in a process; `settings` go over SETTINGS."""

    name: str
    crew: Callable[[Mapping[str, int]], Sequence[tuple[Attacker, tuple[Any, ...]]]]
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    by: str = "pop3"
    """The service that the good client uses."""
    may_be_put_off: bool = False
    """Whether [SYS/TEMP], try again later, is an answer that the good client may get."""


@dataclass(slots=True)
class Served:
    """What became of the client's rounds, in seconds; `troubles` are those that failed."""

    seconds: list[float] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scene showed. Memory in MiB (PSS of all workers), times in ms; `faults` make the program fail."""

    scene: str
    did: Facts
    memory_before: float
    memory_peak: float
    memory_after: float
    rest_median: float
    rounds: int
    median: float
    worst: float
    seconds: float
    endings: Mapping[str, int]
    faults: Sequence[str]


class Server:
    """`postane serve` in a folder of its own."""

    def __init__(self, folder: Path, settings: Mapping[str, Mapping[str, Any]]) -> None:
        self.config, self.log = folder / "postane.toml", folder / "log"
        self.ports: dict[str, int] = {}
        self.config.write_text(_toml(folder, settings))
        self._postane("user", "add", GOOD, "--password-stdin", given=f"{PASSWORD}\n")
        for number in range(3):
            self._postane("drop", "put", GOOD, given=f"Subject: {number}\n\n" + "Good morning.\n" * 100)
        command = [sys.executable, "-m", "postane", "serve", "-c", str(self.config)]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            self._await_ready()
        except BaseException:
            self.stop()
            raise
        self.workers = _children(self._process.pid)

    def _postane(self, *words: str, given: str) -> None:
        command = [sys.executable, "-m", "postane", *words[:2], "-c", str(self.config), *words[2:]]
        subprocess.run(command, input=given, text=True, check=True, capture_output=True, timeout=PATIENCE)

    def _await_ready(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("listening "):
                self.ports[line.split()[1]] = int(line.rpartition(":")[2])
            elif line == "ready\n":
                return
        raise SystemExit(f"the server did not start:\n{self.log.read_text(errors='replace')}")

    def memory(self) -> float:
        """MiB that its workers hold: each shared page is counted once."""
        return sum(map(_proportional, self.workers)) / 1024

    def stop(self) -> int:
        """End it as an init system does; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def faults(self) -> list[str]:
        """What went wrong with it so far."""
        told = []
        if self._process.poll() is not None or _children(self._process.pid) != self.workers:
            told.append("the server or a worker of it died")
        return told

    def endings(self) -> tuple[dict[str, int], list[str]]:
        """How its sessions ended, and the faults that its log tells of."""
        endings: collections.Counter[str] = collections.Counter()
        faults = []
        for line in self.log.read_text(errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                faults.append(line)
                continue
            if entry["event"] == "session":
                endings[entry["ending"]] += 1
            elif entry["level"] == "error":
                faults.append(line)
        return dict(endings), faults[:5]


def _toml(folder: Path, settings: Mapping[str, Mapping[str, Any]]) -> str:
    lines = ['hostname = "bench.test"', "[storage]", f'path = "{folder / "store"}"']
    for name in SETTINGS | settings:
        keys = {**SETTINGS.get(name, {}), **settings.get(name, {})}
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    return "\n".join(lines) + "\n"


def _children(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children")
    return sorted(map(int, text.read_text().split())) if text.exists() else []


def _proportional(pid: int) -> int:
    """PSS in KiB; 0 for a process that is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def read_mail(port: int, *, is_encrypted: bool) -> None:
    """One round of the good client: log in, look, read one message, leave. Raises OSError, ValueError."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE, (SOURCE, 0)) as bare:
        sock = trusting().wrap_socket(bare) if is_encrypted else bare
        with sock, sock.makefile("rb") as file:
            _expect(file.readline())
            for command in (f"USER {GOOD}", f"PASS {PASSWORD}", "STAT", "LIST", "RETR 1", "QUIT"):
                sock.sendall(command.encode() + b"\r\n")
                _expect(file.readline())
                if command in ("LIST", "RETR 1"):
                    while file.readline() not in (b".\r\n", b""):
                        pass


def _expect(reply: bytes) -> None:
    if not reply.startswith(b"+OK"):
        raise ValueError(reply.decode(errors="replace").strip() or "the server hung up")


def trusting() -> ssl.SSLContext:
    """For a client that does not ask who the server is."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _round(served: Served, port: int, *, is_encrypted: bool) -> None:
    begun = time.perf_counter()
    try:
        read_mail(port, is_encrypted=is_encrypted)
    except (OSError, ValueError) as error:
        served.troubles.append(f"{type(error).__name__}: {error}")
    else:
        served.seconds.append(time.perf_counter() - begun)


def play(scene: Scene, sizes: Mapping[str, int]) -> Outcome:
    """Run one scene from the server's start to its end."""
    crew = scene.crew(sizes)
    with tempfile.TemporaryDirectory(prefix="postane-hostile-") as folder:
        server = Server(Path(folder), scene.settings)
        try:
            outcome = _attack(scene, server, crew)
        finally:
            code = server.stop()
        endings, told = server.endings()
    faults = [*outcome.faults, *told] + ([f"the server ended with {code}"] if code else [])
    return Outcome(
        **{name: getattr(outcome, name) for name in Outcome.__slots__} | {"endings": endings, "faults": faults}
    )


def _attack(scene: Scene, server: Server, crew: Sequence[tuple[Attacker, tuple[Any, ...]]]) -> Outcome:
    port, is_encrypted = server.ports[scene.by], scene.by == "pop3s"
    rest, served = Served(), Served()
    for _ in range(ROUNDS_AT_REST):
        _round(rest, port, is_encrypted=is_encrypted)
        if rest.troubles:
            raise SystemExit(f"the good client is not served at rest: {rest.troubles[0]}")
    before = peak = server.memory()
    begun = time.monotonic()
    is_over = threading.Event()

    def be_served() -> None:
        while not is_over.is_set():
            _round(served, port, is_encrypted=is_encrypted)
            is_over.wait(REST)

    client = threading.Thread(target=be_served)
    with _playing(crew, server.ports) as results:
        client.start()
        try:
            while any(process.is_alive() for process, _ in results):
                peak = max(peak, server.memory())
                time.sleep(0.2)
        finally:
            is_over.set()
            client.join()
        did = _sum([pipe.recv() for _, pipe in results if pipe.poll()])
    seconds = time.monotonic() - begun
    for _ in range(3):
        _round(served, port, is_encrypted=is_encrypted)
    if scene.may_be_put_off:
        did["rounds of the good client put off"] = sum("[SYS/TEMP]" in each for each in served.troubles)
        served.troubles = [each for each in served.troubles if "[SYS/TEMP]" not in each]
    if not served.seconds:
        served.troubles.append("was never served")
    faults = server.faults() + [f"the good client: {each}" for each in dict.fromkeys(rest.troubles + served.troubles)]
    if not did:
        faults.append("the attack itself failed")
    median, worst = (statistics.median(served.seconds), max(served.seconds)) if served.seconds else (0.0, 0.0)
    times = [round(each * 1000, 1) for each in (statistics.median(rest.seconds or [0]), median, worst)]
    memory = [round(each, 1) for each in (before, peak, server.memory())]
    return Outcome(scene.name, did, *memory, times[0], len(served.seconds), *times[1:], round(seconds, 1), {}, faults)


@contextlib.contextmanager
def _playing(
    crew: Sequence[tuple[Attacker, tuple[Any, ...]]], ports: Mapping[str, int]
) -> Iterator[list[tuple[Any, Any]]]:
    """The attackers' processes, each with the pipe that its facts come through; ended on the way out."""
    context = multiprocessing.get_context("fork")
    playing = []
    for attacker, arguments in crew:
        hear, tell = context.Pipe(duplex=False)
        process = context.Process(target=_play_one, args=(attacker, ports, arguments, tell))
        process.start()
        tell.close()
        playing.append((process, hear))
    try:
        yield playing
    finally:
        for process, _ in playing:
            process.terminate()
            process.join()


def _play_one(attacker: Attacker, ports: Mapping[str, int], arguments: tuple[Any, ...], tell: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.nice(1)  # whoever attacks over a network does not take the server's processors
    tell.send(attacker(ports, *arguments))


def _sum(facts: Sequence[Facts]) -> Facts:
    """What the attackers did together: numbers are added, of words the last is kept."""
    total: Facts = {}
    for each in facts:
        for name, value in each.items():
            known = total.get(name, 0)
            total[name] = value if isinstance(value, str) or isinstance(known, str) else round(known + value, 2)
    return total
