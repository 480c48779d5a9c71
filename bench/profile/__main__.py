"""Where the server spends its time: a flame graph and the hottest functions for every scenario of the benchmark.

    python bench/profile sessions retr16              # these scenarios
    python bench/profile                              # all of them: some three minutes
    python bench/profile retr16 --tool native         # with what is compiled; --tool perf: with the kernel too

The server has one core, the driver another, py-spy what is left. Pictures go to bench/results/profile.
"""

import argparse
import dataclasses
import json
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

import driver
import served
from flame import flame_graph
from peers import cpu_of
from postane_peer import PostanePeer
from recorder import Recorder
from scenarios import QUICK, Scenario, groups, scenarios
from stacks import Hot, Stacks, at_work, hottest, table, widest

RESULTS = Path(__file__).resolve().parents[1] / "results" / "profile"
TOOLS = ("py-spy", "native", "perf")
DEADLINE = 120
RATE, NATIVE_RATE = 400, 100
LOGINS = 60
"""Of the scenario of a large drop, which has no other end."""
EMPTIED = 12
"""Drops that are emptied one after the other: one of them is over before it is looked at."""


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """What one scenario showed; `cpu` is the server's seconds while it was looked at."""

    scenario: str
    samples: int
    units: int
    cpu: float
    own: list[Hot]
    cumulative: list[Hot]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = served.command_line(
        "profile",
        "A flame graph and the hottest functions of the server, for each scenario of the benchmark.",
        "sessions retr16 --seconds 4",
    )
    every = [scenario.key for scenario in scenarios(QUICK)]
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(every)}; none: all")
    parser.add_argument("--tool", choices=TOOLS, default="py-spy", help="native: with what is compiled; perf: all")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long to look at each (default 3)")
    parser.add_argument("--rate", type=int, help=f"samples a second (default {RATE}, native {NATIVE_RATE}: it is slow)")
    parser.add_argument("--top", type=int, default=20, help="how many functions to print (default 20)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the pictures (bench/results/profile)")
    asked = parser.parse_args()
    served.refuse_unknown(parser, "scenario", asked.scenarios, every)
    return asked


def main() -> int:
    """Look at what was asked for."""
    asked = arguments()
    load = dataclasses.replace(QUICK, seconds=asked.seconds, rounds=EMPTIED)
    wanted = [each for each in scenarios(load) if not asked.scenarios or each.key in asked.scenarios]
    asked.out.mkdir(parents=True, exist_ok=True)
    driver.build()
    folder = Path(tempfile.mkdtemp(prefix="postane-profile-", dir=asked.dir))
    try:
        peer = PostanePeer(folder / "postane")
        known = groups(load)
        served.say("filling the maildrops")
        peer.set_up({scenario.group: known[scenario.group] for scenario in wanted})
        found = [profile(peer, _longer(scenario), asked, folder) for scenario in wanted]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if asked.json:
        asked.json.write_text(json.dumps([dataclasses.asdict(each) for each in found], indent=1) + "\n")
    return int(any(each.samples == 0 for each in found))


def _longer(scenario: Scenario) -> Scenario:
    """One whose end is a count and not a time, so that there is something to look at."""
    if scenario.mode == "large":
        return dataclasses.replace(scenario, options={**scenario.options, "count": LOGINS})
    return scenario


def profile(peer: PostanePeer, scenario: Scenario, asked: argparse.Namespace, folder: Path) -> Profile:
    """One scenario with a server of its own: its picture written, its functions printed."""
    served.say(f"{scenario.key}: {asked.seconds:g} s")
    cores = served.cores()
    server = peer.start(cores[0])
    try:
        words = [*scenario.words(groups(QUICK), getattr(server, scenario.service), 0), "--deadline", str(DEADLINE)]
        if warm := scenario.warm or scenario.first_warm:
            checked(driver.drive(server.process.pid, cores[-1], [*words, "--count", str(warm)]))
        worker = max(served.children(server.process.pid), key=cpu_of)
        rate = asked.rate or (NATIVE_RATE if asked.tool == "native" else RATE)
        recorder = Recorder(worker, folder, asked.tool, rate)
        try:
            units, cpu = drive(server.process.pid, getattr(server, scenario.service), scenario, asked.seconds)
        finally:
            stacks = at_work(recorder.stop())
    finally:
        peer.stop(server)
    result = Profile(scenario.key, sum(stacks.values()), units, cpu, *ranked(stacks, asked.top))
    (asked.out / f"{scenario.key}.svg").write_text(flame_graph(stacks or {("nothing",): 1}, scenario.rows[0].title))
    print(f"\n## {scenario.key}: {result.samples} samples, {units:,} units, {cpu / max(units, 1) * 1e6:,.1f} us each\n")
    print(f"{table(result.own)}\n\nThe same by what they called:\n\n{table(result.cumulative)}\n")
    print(f"{asked.out / f'{scenario.key}.svg'}", flush=True)
    return result


def drive(pid: int, port: int, scenario: Scenario, seconds: float) -> tuple[int, float]:
    """Run it as often as it takes to see something: units, and the server's seconds."""
    units, cpu = 0, 0.0
    for turn in range(EMPTIED if scenario.each_round else 1):
        words = [*scenario.words(groups(QUICK), port, turn), "--deadline", str(DEADLINE)]
        outcome = checked(driver.drive(pid, served.cores()[-1], [*words, "--seconds", str(seconds)]))
        units, cpu = units + outcome.units, cpu + outcome.cpu
    return units, cpu


def checked(outcome: driver.Outcome) -> driver.Outcome:
    """Raises RuntimeError where the driver saw a wrong reply."""
    if outcome.error:
        raise RuntimeError(f"the driver says: {outcome.error}")
    return outcome


def ranked(stacks: Stacks, most: int) -> tuple[list[Hot], list[Hot]]:
    """The hottest by themselves, and with what they called."""
    return hottest(stacks, most), widest(stacks, most)


if __name__ == "__main__":
    served.run_program(main)
