"""The benchmark: Postane beside other servers, in turn, on the same machine in the same run.

    python bench/run.py [--quick] [--only SCENARIO ...] [--peers NAME ...] [--json FILE] [--dir DIR] [--docs]

The server has one core, the driver another. For each scenario the peers take turns, A B A B; a figure is the median of
its rounds. Needs a C compiler and, for the comparison, Dovecot's programs; see docs/benchmarks.md.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import programs
from arena import Arena, entrants, say
from peers import remove
from plan import Scenario
from report import Report, write_docs, write_results
from scenarios import ESSENTIAL, FULL, QUICK, Load, scenarios

RESULTS = Path(__file__).parent / "results"


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure Postane beside other servers.")
    parser.add_argument("--quick", action="store_true", help="the essential rows in one short round: under two minutes")
    parser.add_argument("--only", nargs="+", default=[], metavar="SCENARIO", help="these scenarios alone")
    parser.add_argument("--peers", nargs="+", default=[], metavar="NAME", help="these servers alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every outcome there too")
    parser.add_argument(
        "--dir", type=Path, default=Path("/var/tmp"), help="where the stores are put: a disk, not memory"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of tables and plots (bench/results)")
    parser.add_argument("--docs", action="store_true", help="put tables and plots into docs/benchmarks.md")
    return parser.parse_args()


def chosen(load: Load, only: Sequence[str], *, quick: bool, tls: bool) -> list[Scenario]:
    """The scenarios that were asked for, as far as they can be had."""
    every = scenarios(load)
    if unknown := set(only) - {scenario.key for scenario in every}:
        sys.exit(f"no such scenario: {', '.join(sorted(unknown))}; there are {', '.join(each.key for each in every)}")
    keys = only or (ESSENTIAL if quick else [scenario.key for scenario in every])
    wanted = [scenario for scenario in every if scenario.key in keys]
    if not tls and (left := [scenario.key for scenario in wanted if scenario.wants_tls]):
        say(f"OpenSSL's headers are missing (Debian: apt install libssl-dev): left out are {', '.join(left)}")
    return [scenario for scenario in wanted if tls or not scenario.wants_tls]


def main() -> int:
    """Run what was asked for; 1 when a figure is void or a peer is out."""
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers and stores go away, as with Ctrl-C
    load = QUICK if asked.quick else FULL
    tls = programs.build_all()
    wanted = chosen(load, asked.only, quick=asked.quick, tls=tls)
    begun = time.monotonic()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="postane-bench-", dir=asked.dir))
        stack.callback(remove, folder)
        folder.chmod(0o755)  # other users' processes have their stores in it
        taking_part = entrants(folder, asked.peers, quick=asked.quick, tls=tls)
        arena = Arena(load, taking_part)
        stack.callback(arena.stop)
        arena.set_up(wanted)
        for scenario in wanted:
            arena.measure(scenario)
        columns = [entrant.column for entrant in taking_part]
        took = time.monotonic() - begun
        report = Report(wanted, columns, arena.runs, arena.troubles(), load.rounds, took, arena.spent, arena.hurried)
        print(report.text())
        write_results(report, asked.out, asked.json)
        if asked.docs:
            write_docs(report)
    say(f"done in {time.monotonic() - begun:.0f} s; JSON and plots are in {asked.out}")
    return 1 if report.complaints() else 0


if __name__ == "__main__":
    sys.exit(main())
