"""The benchmark: Postane beside Dovecot, in turn, on the same machine in the same run.

    python bench/run.py [--quick] [--only SCENARIO ...] [--peers NAME ...] [--json FILE] [--dir DIR]

The server has one core, the driver another. For each scenario the peers take turns, A B A B; a figure is the median of
its rounds. Needs a C compiler and, for the comparison, Dovecot's programs; see docs/benchmarks.md.
"""

import argparse
import dataclasses
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import driver
from dovecot_peer import DovecotPeer
from driver import Outcome
from messages import Group
from peers import Peer, Server
from postane_peer import PostanePeer
from scenarios import FULL, QUICK, Load, Scenario, groups, scenarios
from table import Column, complaints, costs_table, figures_table, noise

DEADLINE = 60.0
"""Seconds that one run of the driver may take at most."""

QUICK_PEERS = ("postane", "tuned-mdbox")
"""Filling the others takes longer than a quick look may."""


@dataclasses.dataclass(slots=True)
class Entrant:
    """A peer that takes part, and its server while it runs."""

    peer: Peer
    is_rival: bool
    server: Server | None = None


class Bench:
    """One benchmark: the entrants, the cores, and what came out so far."""

    def __init__(self, load: Load, entrants: Sequence[Entrant]) -> None:
        self._load = load
        self._entrants = entrants
        cores = sorted(os.sched_getaffinity(0))
        self._server_core = cores[0] if len(cores) > 1 else None
        self._driver_core = cores[-1] if len(cores) > 1 else None
        self._groups = groups(load)
        self.runs: dict[tuple[str, str], list[Outcome]] = {}

    def set_up(self, wanted: Sequence[Scenario]) -> None:
        """Fill the maildrops that the scenarios need."""
        needed: dict[str, Group] = {scenario.group: self._groups[scenario.group] for scenario in wanted}
        for entrant in self._entrants:
            begun = time.monotonic()
            entrant.peer.set_up(needed)
            say(f"set up {entrant.peer.name}: {time.monotonic() - begun:.1f} s")

    def measure(self, scenario: Scenario) -> None:
        """All rounds of one scenario, the peers in turn."""
        for turn in range(scenario.rounds or self._load.rounds):
            for entrant in self._entrants:
                if (outcome := self._run(entrant, scenario, turn)) is not None:
                    self.runs.setdefault((scenario.key, entrant.peer.name), []).append(outcome)

    def stop(self) -> None:
        """Stop all servers."""
        for entrant in self._entrants:
            self._stop(entrant)

    def _run(self, entrant: Entrant, scenario: Scenario, turn: int) -> Outcome | None:
        """One run; None where the peer has no such service."""
        if scenario.fresh:
            self._stop(entrant)
        if entrant.server is None:
            entrant.server = entrant.peer.start(self._server_core)
        server = entrant.server
        port: int | None = getattr(server, scenario.service)
        if port is None:
            return None
        words = [*scenario.words(self._groups, port, turn), "--deadline", str(DEADLINE)]
        if scenario.warm:
            warmed = driver.drive(server.process.pid, self._driver_core, [*words, "--count", str(scenario.warm)])
            if warmed.error:
                return self._told(entrant, scenario, warmed)
        limits = ["--seconds", str(scenario.seconds)] if scenario.seconds else []
        return self._told(entrant, scenario, driver.drive(server.process.pid, self._driver_core, [*words, *limits]))

    def _told(self, entrant: Entrant, scenario: Scenario, outcome: Outcome) -> Outcome:
        if outcome.error:
            say(f"{scenario.key}, {entrant.peer.name}: VOID: {outcome.error}")
        else:
            row = scenario.rows[0]
            say(f"{scenario.key}, {entrant.peer.name}: {row.figure(outcome):,.2f} {row.unit}")
        return outcome

    def _stop(self, entrant: Entrant) -> None:
        if entrant.server is not None:
            entrant.peer.stop(entrant.server)
            entrant.server = None


def say(text: str) -> None:
    """Progress, apart from the result."""
    print(text, file=sys.stderr, flush=True)


def entrants(folder: Path, named: Sequence[str], *, quick: bool) -> list[Entrant]:
    """Those that take part, and are named if any are: Postane first, and Dovecot where it is installed."""
    found = [("postane", Entrant(PostanePeer(folder / "postane"), False))]
    if DovecotPeer.version() is None:
        say("Dovecot is not installed: nothing to compare with (Debian: apt install dovecot-pop3d dovecot-lmtpd)")
    else:
        for key, tuned, mailbox in (
            ("tuned-mdbox", True, "mdbox"),
            ("tuned-sdbox", True, "sdbox"),
            ("default", False, "maildir"),
        ):
            found.append((key, Entrant(DovecotPeer(folder / key, tuned=tuned, mailbox=mailbox), tuned)))
    named = named or [key for key, _ in found if not quick or key in QUICK_PEERS]
    if unknown := set(named) - {key for key, _ in found}:
        sys.exit(f"no such peer: {', '.join(sorted(unknown))}; there are {', '.join(key for key, _ in found)}")
    return [entrant for key, entrant in found if key in named]


def machine() -> str:
    """What it ran on."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure Postane beside Dovecot.")
    parser.add_argument("--quick", action="store_true", help="one short round: a first look, in under two minutes")
    parser.add_argument("--only", nargs="+", default=[], metavar="SCENARIO", help="these scenarios alone")
    parser.add_argument("--peers", nargs="+", default=[], metavar="NAME", help="these servers alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every outcome there")
    parser.add_argument(
        "--dir", type=Path, default=Path("/var/tmp"), help="where the stores are put: a disk, not memory"
    )
    return parser.parse_args()


def chosen(load: Load, only: Sequence[str]) -> list[Scenario]:
    """The scenarios that were asked for."""
    every = scenarios(load)
    if unknown := set(only) - {scenario.key for scenario in every}:
        sys.exit(f"no such scenario: {', '.join(sorted(unknown))}; there are {', '.join(each.key for each in every)}")
    return [scenario for scenario in every if not only or scenario.key in only]


def main() -> int:
    """Run what was asked for; 1 when a figure is void."""
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers and stores go away, as with Ctrl-C
    load = QUICK if asked.quick else FULL
    wanted = chosen(load, asked.only)
    driver.build()
    begun = time.monotonic()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="postane-bench-", dir=asked.dir))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)  # other users' processes have their stores in it
        taking_part = entrants(folder, asked.peers, quick=asked.quick)
        bench = Bench(load, taking_part)
        stack.callback(bench.stop)
        bench.set_up(wanted)
        for scenario in wanted:
            bench.measure(scenario)
    columns = [Column(entrant.peer.name, entrant.is_rival) for entrant in taking_part]
    print(f"{machine()}; {DovecotPeer.version() or 'no Dovecot'}; {load.rounds} round(s); {noise(bench.runs)}\n")
    print(figures_table(wanted, columns, bench.runs), end="\n\n")
    print(costs_table(wanted, columns, bench.runs))
    for complaint in complaints(bench.runs):
        print(f"\nVOID: {complaint}")
    if asked.json:
        write_json(asked.json, bench)
    say(f"done in {time.monotonic() - begun:.0f} s")
    return 1 if complaints(bench.runs) else 0


def write_json(file: Path, bench: Bench) -> None:
    """Every outcome of every round."""
    told = [
        {"scenario": scenario, "peer": peer, "rounds": [dataclasses.asdict(outcome) for outcome in outcomes]}
        for (scenario, peer), outcomes in bench.runs.items()
    ]
    file.write_text(json.dumps({"machine": machine(), "runs": told}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
