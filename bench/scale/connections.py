"""What a session costs the server beside thousands of clients that have logged in and say nothing, plain and by TLS."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import driver
import load
from figures import Curve, Part, Picture, Table, micro
from served import House, cores, held_by, prepare, say

LEVELS = (0, 1_000, 5_000, 10_000)
QUICK_LEVELS = (0, 1_000)
ACCOUNTS = 1_000
"""That the crowd shares: a device password for each takes a while to make."""
SECONDS, AT_REST = 1.5, 1.5
SETTINGS = {
    "pop3s": {"listen": ["127.0.0.1:0"]},
    "limits": {"connections": 20000, "per_address": 20000, "per_account": 1000},
    "maildrop": {"lock": "share"},
    "server": {"workers": 2, "drain": "1s"},
}
"""Two workers: ten thousand clients are twenty thousand descriptors, with a lease for each."""
CROWD = Path(__file__).with_name("crowd.py")


class Crowd:
    """A process of idle clients."""

    def __init__(self, port: int, kind: str, accounts: int) -> None:
        command = [sys.executable, str(CROWD), str(port), kind, "c", str(accounts)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: prepare(None)
        )

    def grow(self, to: int) -> None:
        """Until so many stand. Raises RuntimeError where one was not let in."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"grow {to}\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != f"stands {to}\n":
            self.leave()
            raise RuntimeError(f"{to} idle clients could not all log in")

    def leave(self) -> None:
        """All at once."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def run(make: Callable[..., House], levels: tuple[int, ...]) -> Part:
    """The same load beside more and more idle clients."""
    house = make("connections", SETTINGS)
    accounts = min(ACCOUNTS, max(levels))
    say("connections: making accounts")
    load.fill_load(house, also=accounts)
    driver.build()
    measured: dict[str, list[tuple[int, load.Load, float, int]]] = {}
    for kind, service in (("plain", "pop3"), ("tls", "pop3s")):
        house.start({cores()[0]})
        crowd = Crowd(house.ports[service], kind, accounts)
        try:
            for level in levels:
                measured.setdefault(kind, []).append((level, *_look(house, crowd, level)))
                _, done, resting, _ = measured[kind][-1]
                say(f"connections: {level:,} {kind}: {micro(done.cpu)} us a session, at rest {resting:.2%} of a core")
        finally:
            crowd.leave()
            house.stop()
    return _part(levels, measured)


def _look(house: House, crowd: Crowd, level: int) -> tuple[load.Load, float, int]:
    """The load, the part of a core that the server takes at rest, and the octets that it holds."""
    crowd.grow(level)
    time.sleep(0.5)
    begun, cpu = time.monotonic(), house.cpu()
    time.sleep(AT_REST)
    resting = (house.cpu() - cpu) / (time.monotonic() - begun)
    memory = sum(held_by(pid).pss for pid in house.workers())
    return load.apply(house, "sessions", SECONDS, cores()[-1]), resting, memory


def _part(levels: tuple[int, ...], measured: dict[str, list[tuple[int, load.Load, float, int]]]) -> Part:
    """As a table and pictures."""
    rows = []
    for kind, looks in measured.items():
        empty = looks[0][3]
        for level, done, resting, memory in looks:
            each = f"{(memory - empty) / level / 1024:.1f}" if level else "-"
            latency = f"{done.p50 / 1000:.1f} / {done.p99 / 1000:.1f}"
            rows.append(
                [f"{level:,} {kind}", micro(done.cpu), latency, f"{resting:.2%}", f"{memory / 2**20:.0f}", each]
            )
    head = ["idle clients", "CPU of a session beside, us", "it took p50 / p99, ms"]
    head += ["at rest, of a core", "memory, MiB", "kB a client"]
    curves = [
        Curve(f"a session, {kind} idle clients", [(level, done.cpu * 1e6) for level, done, _, _ in looks])
        for kind, looks in measured.items()
    ]
    why = "Each has a time-out that is looked at."
    rest = [
        Curve(f"{kind}", [(level, resting * 1e6) for level, _, resting, _ in looks], True, why)
        for kind, looks in measured.items()
    ]
    axis = "clients that are logged in and say nothing"
    pictures = [
        Picture("connections", "What a session costs beside idle clients", axis, "server CPU, us", curves),
        Picture("connections-rest", "What idle clients cost", axis, "server CPU a second, us", rest),
    ]
    table = Table("Beside idle clients: 16 clients poll 200 drops by POP3 without TLS", head, rows)
    return Part("connections", [table], pictures)
