"""A soak: minutes of everything at once, while a model knows what every maildrop must hold, and memory is watched.

    python bench/soak                        # three minutes, two workers
    python bench/soak --seconds 600 --seed 7 # ten, and another course of things
    python bench/soak --sessions 50000       # until so many sessions are over

1 where mail was lost, doubled or changed, an answer was wrong, or memory, descriptors or threads grew without end.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

import uvloop
from clients import Clients
from model import Drop, Trend, Wrong, trend
from served import Held, House, command_line, held_by, prepare, run_program, say
from talk import trusting

MIB = 1024 * 1024
SETTINGS = {
    **{name: {"listen": ["127.0.0.1:0"]} for name in ("pop3s", "pop2", "lmtp")},
    "smtp": {"listen": ["127.0.0.1:0"], "domains": ["bench.example"]},
    "auth": {"plaintext_without_tls": "loopback", "failure_delay": "0s", "lockout_after": 0},
    "limits": {"connections": 20000, "per_address": 20000, "per_account": 50},
    "maildrop": {"lock": "takeover"},
    "server": {"workers": 2, "drain": "5s"},
}
EACH, PRINTED = 1.0, 15.0
"""Seconds between two looks at the workers, and between two that are printed."""
TELLING = 60.0
"""Seconds from which on a run tells what grows: before that caches fill."""
MEMORY, DESCRIPTORS, THREADS = 4 * MIB, 60, 12
"""By how much memory, descriptors and threads of all workers may go up and down after the warm-up."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """The workers at one moment, one by one, and what was done until then."""

    second: float
    workers: list[Held]
    log_lines: int
    sessions: int
    deliveries: int

    def total(self, what: str) -> float:
        """Of all workers."""
        return float(sum(getattr(each, what) for each in self.workers))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = command_line(
        "soak",
        "Minutes of polls, deliveries, deletions, TLS, cut lines, takeovers: is mail lost, does it grow?",
        "--seconds 60 --seed 7",
    )
    parser.add_argument("--seconds", type=float, default=180.0, help="how long (default 180)")
    parser.add_argument("--sessions", type=int, default=0, help="stop after so many sessions, if that is earlier")
    parser.add_argument("--quick", action="store_true", help="20 seconds")
    parser.add_argument("--clients", type=int, default=48, help="clients at once (default 48)")
    parser.add_argument("--drops", type=int, default=150, help="maildrops (default 150)")
    parser.add_argument("--seed", type=int, default=1, help="of the order of things (default 1)")
    return parser.parse_args()


def main() -> int:
    """Run it."""
    asked = arguments()
    prepare(None)
    asked.seconds = 20.0 if asked.quick else asked.seconds
    folder = Path(tempfile.mkdtemp(prefix="postane-soak-", dir=asked.dir))
    try:
        with House(folder, SETTINGS) as house:
            names = [f"s{number}" for number in range(max(1, asked.drops))]
            house.add_accounts([*names, "victim"], names)
            house.start()
            soak = Soak(house, [Drop(name) for name in names], asked)
            uvloop.run(soak.run())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if asked.json:
        asked.json.write_text(json.dumps([dataclasses.asdict(each) for each in soak.samples], indent=1) + "\n")
    return soak.verdict()


class Soak:
    """One run."""

    def __init__(self, house: House, drops: list[Drop], asked: argparse.Namespace) -> None:
        self._house, self._drops, self._asked = house, drops, asked
        self._clients = Clients(house.ports, drops, asked.seed, trusting())
        self._wrong: list[str] = []
        self._begun = time.monotonic()
        self._held = 0
        self.samples: list[Sample] = []

    async def run(self) -> None:
        """All clients until the time is over; then every drop is read, and the workers are looked at once more."""
        print("| second | worker: PSS/RSS MiB, descriptors, threads | log lines | sessions | deliveries |")
        print("| ---: | --- | ---: | ---: | ---: |")
        self._look(is_printed=True)
        watching = asyncio.create_task(self._watch())
        await asyncio.gather(*(self._client() for _ in range(max(1, self._asked.clients))))
        watching.cancel()
        if not self._wrong:
            await asyncio.sleep(1)
            try:
                self._held = await self._clients.read_all()
            except (Wrong, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                self._wrong.append(f"at the end: {error}")
        self._look(is_printed=True)

    async def _client(self) -> None:
        while not self._wrong and not self._is_over():
            try:
                await self._clients.act()
            except (Wrong, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                self._wrong.append(f"{type(error).__name__}: {error}")

    def _is_over(self) -> bool:
        enough = self._asked.sessions
        return time.monotonic() - self._begun > self._asked.seconds or 0 < enough <= self._sessions()

    async def _watch(self) -> None:
        printed = self._begun
        while True:
            await asyncio.sleep(EACH)
            is_printed = time.monotonic() - printed >= PRINTED
            with contextlib.suppress(OSError):  # a worker that died is told by the verdict
                self._look(is_printed=is_printed)
            printed = time.monotonic() if is_printed else printed

    def _look(self, *, is_printed: bool) -> None:
        done = self._clients.done
        sessions, deliveries = self._sessions(), sum(n for what, n in done.items() if what.startswith("deliveries"))
        with self._house.log.open("rb") as log:
            lines = sum(1 for _ in log) if is_printed else 0
        held = [held_by(pid) for pid in self._house.workers()]
        sample = Sample(time.monotonic() - self._begun, held, lines, sessions, deliveries)
        self.samples.append(sample)
        if is_printed:
            said = "; ".join(
                f"{each.pss / MIB:.1f}/{each.rss / MIB:.1f}, {each.descriptors}, {each.threads}" for each in held
            )
            print(f"| {sample.second:.0f} | {said} | {lines:,} | {sessions:,} | {deliveries:,} |", flush=True)

    def _sessions(self) -> int:
        return sum(number for what, number in self._clients.done.items() if what.startswith("sessions by"))

    def verdict(self) -> int:
        """Say how it went; the exit code."""
        first, *during, last = self.samples
        trends = {
            what: trend([(each.second, each.total(what)) for each in during], allowed)
            for what, allowed in (("pss", MEMORY), ("rss", MEMORY), ("descriptors", DESCRIPTORS), ("threads", THREADS))
        }
        print("\n" + ", ".join(f"{number:,} {what}" for what, number in sorted(self._clients.done.items())))
        for what, seen in trends.items():
            print(f"- {_told(what, first, last, seen)}")
        if len(last.workers) != len(first.workers):
            self._wrong.append(f"{len(first.workers)} workers served at the begin, {len(last.workers)} at the end")
        for wrong in self._wrong[:10]:
            print(f"- WRONG: {wrong}")
        if not self._wrong:
            print(f"- nothing lost, nothing doubled: {self._held:,} messages in {len(self._drops)} drops at the end")
        is_long = last.second >= TELLING
        is_flat = not is_long or all(seen.is_flat for seen in trends.values())
        said = f"too short to tell what grows ({TELLING:.0f} s)" if not is_long else "flat" if is_flat else "NOT FLAT"
        print(f"\nverdict: {said}, {'WRONG' if self._wrong else 'nothing wrong'}")
        say(f"{self._sessions():,} sessions in {last.second:.0f} s")
        return int(bool(self._wrong) or not is_flat)


def _told(what: str, first: Sample, last: Sample, seen: Trend) -> str:
    """One line about a trend."""
    unit = MIB if what in ("pss", "rss") else 1
    begin, end, grown = first.total(what) / unit, last.total(what) / unit, seen.grown / unit
    name = f"{what.upper()}, MiB" if unit > 1 else what
    how = "flat" if seen.is_flat else "GROWS"
    return f"{name}: {begin:.1f} at the start, {end:.1f} at the end; after the warm-up {grown:+.1f}: {how}"


if __name__ == "__main__":
    run_program(main)
