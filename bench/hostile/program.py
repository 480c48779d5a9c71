"""What every hostile program shares: its arguments, its table, its exit code.

Each size of a program is an option; `--quick` takes the small ones. 0: the server served on; 1: it died, something
unexpected happened in it, or the good client was refused or not served.
"""

import argparse
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from stage import Outcome, Scene, play


def main(doc: str, scenes: Sequence[Scene], full: Mapping[str, int], quick: Mapping[str, int]) -> int:
    """Play the scenes that the command line asks for; the exit code."""
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0])
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help="; ".join(scene.name for scene in scenes))
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    for name, size in full.items():
        parser.add_argument(f"--{name}", type=int, help=f"default {size}, quick {quick[name]}")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that the server is stopped then too
    chosen = quick if options.quick else full
    given = {name: getattr(options, name.replace("-", "_")) for name in full}
    sizes = {name: chosen[name] if size is None else size for name, size in given.items()}
    unknown = set(options.scenes) - {scene.name for scene in scenes}
    if unknown:
        parser.error(f"no such scene: {', '.join(sorted(unknown))}")
    outcomes = []
    for scene in scenes:
        if not options.scenes or scene.name in options.scenes:
            outcomes.append(play(scene, sizes))
            print_outcome(outcomes[-1])
    if options.json:
        rows = [{name: getattr(row, name) for name in Outcome.__slots__} for row in outcomes]
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    return int(any(outcome.faults for outcome in outcomes))


def print_outcome(outcome: Outcome) -> None:
    """For people."""
    print(f"\n{outcome.scene}\n  did       {_words(outcome.did)}, in {outcome.seconds} s")
    print(
        f"  memory    {outcome.memory_before} MiB before, {outcome.memory_peak} at most, {outcome.memory_after} after"
        f"\n  served    {outcome.rounds} rounds, median {outcome.median} ms, worst {outcome.worst} ms"
        f" (at rest {outcome.rest_median} ms)\n  sessions  {_words(outcome.endings)}"
    )
    for fault in outcome.faults:
        print(f"  FAULT     {fault}")
    sys.stdout.flush()


def _words(facts: Mapping[str, object]) -> str:
    return ", ".join(f"{value} {name}" for name, value in facts.items()) or "nothing"
