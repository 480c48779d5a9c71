"""Fuzzes the protocol machines.

    python fuzz/run.py [TARGET ...] [--seconds N] [--seed N] [--plain] [--input FILE]

The seconds are shared among the targets (none named: all). With atheris (dependency group `fuzz`) inputs are led by
coverage; without it, or with --plain, they are seeds changed at random, always the same ones for a seed. An input that
breaks a promise is kept in fuzz/findings, `--input` tries it again, and the exit status is 1.
"""

import argparse
import hashlib
import importlib.util
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
FINDINGS = HERE / "findings"
INPUT_LIMIT = 4096

Target = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """An input that broke a promise, and how."""

    data: bytes
    story: str


def mutate(dice: random.Random, corpus: list[bytes], words: list[bytes]) -> bytes:
    """One of the corpus, changed in a few places."""
    data = bytearray(dice.choice(corpus))
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(data) + 1)
        stop = min(len(data), at + dice.choice((1, 1, 2, 8, 64)))
        match dice.randrange(6):
            case 0:
                data[at:stop] = b""
            case 1:
                data[at:at] = dice.choice(words)
            case 2:
                data[at:stop] = dice.randbytes(stop - at)
            case 3:
                data[at:at] = data[at:stop] * dice.randint(1, 4)
            case 4:
                other = dice.choice(corpus)
                data[at:] = other[dice.randrange(len(other) + 1) :]
            case 5:
                data[:4] = dice.randbytes(4)  # other answers, other cuts
    return bytes(data[:INPUT_LIMIT])


def attempt(target: Target, data: bytes) -> Finding | None:
    """What is wrong with one input."""
    try:
        target(data)
    except Exception:  # noqa: BLE001 - whatever it is, it was not promised
        return Finding(data, traceback.format_exc())
    return None


def explore(name: str, seed: int, is_over: Callable[[int], bool]) -> tuple[int, Finding | None]:
    """Try seeds, then changed ones, until it is over (it is told how many were tried) or something is found."""
    from seeds import WORDS, seeds
    from targets import targets

    target, corpus = targets()[name], seeds(name)
    dice = random.Random(f"{name} {seed}")
    count = 0
    while not is_over(count):
        data = corpus[count] if count < len(corpus) else mutate(dice, corpus, WORDS)
        count += 1
        if finding := attempt(target, data):
            return count, finding
    return count, None


def keep(name: str, finding: Finding, folder: Path) -> Path:
    """Save the input of a finding."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{hashlib.sha256(finding.data).hexdigest()[:12]}"
    path.write_bytes(finding.data)
    return path


def fuzz_plainly(name: str, seconds: float, seed: int) -> bool:
    """Whether nothing was found."""
    end = time.monotonic() + seconds
    count, finding = explore(name, seed, lambda _: time.monotonic() >= end)
    print(f"{name}: {count} executions", flush=True)
    if finding:
        print(f"{finding.story}{name}: FOUND, kept as {keep(name, finding, FINDINGS)}", flush=True)
    return finding is None


def fuzz_by_coverage(name: str, seconds: float, seed: int) -> bool:
    """Whether nothing was found. In a process of its own: atheris ends the one it runs in."""
    FINDINGS.mkdir(exist_ok=True)
    child = [sys.executable, __file__, "--child", name, "--seconds", str(seconds), "--seed", str(seed)]
    done = subprocess.run(
        child, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    said = done.stdout + done.stderr
    count = re.search(r"number_of_executed_units:\s*(\d+)", said)
    print(f"{name}: {count[1] if count else 'unknown'} executions, led by coverage", flush=True)
    if done.returncode:
        print(f"{said[-6000:]}\n{name}: FOUND, see {FINDINGS}", flush=True)
    return not done.returncode


def be_child(name: str, seconds: float, seed: int) -> None:
    """One target under atheris; does not return."""
    import atheris

    with atheris.instrument_imports(include=["postane", "targets", "drive"]):
        from targets import targets
    from seeds import seeds

    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(seeds(name)):
            (Path(folder) / str(number)).write_bytes(data)
        options = [f"-max_total_time={max(1, round(seconds))}", f"-seed={seed or 1}", f"-max_len={INPUT_LIMIT}"]
        options += [f"-artifact_prefix={FINDINGS}/{name}-", "-print_final_stats=1", "-timeout=20", "-rss_limit_mb=1024"]
        atheris.Setup([sys.argv[0], *options, folder], targets()[name])
        atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """0: nothing was found."""
    from targets import targets

    parser = argparse.ArgumentParser(prog="run.py", description="Fuzzes the protocol machines.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(targets()))
    parser.add_argument("--seconds", type=float, default=60, help="for all targets together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="without atheris, even where it is installed")
    parser.add_argument("--input", type=Path, help="try this input alone, on the targets named")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.targets) - set(targets()):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    names = chosen.targets or list(targets())
    if chosen.input:
        found = [finding for name in names if (finding := attempt(targets()[name], chosen.input.read_bytes()))]
        print("".join(finding.story for finding in found) or "nothing is wrong with it")
        return 1 if found else 0
    is_led = not chosen.plain and importlib.util.find_spec("atheris") is not None
    fuzz = fuzz_by_coverage if is_led else fuzz_plainly
    results = [fuzz(name, chosen.seconds / len(names), chosen.seed) for name in names]
    print("something was found" if not all(results) else "nothing was found")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]
    if sys.argv[1:2] == ["--child"]:
        be_child(sys.argv[2], float(sys.argv[4]), int(sys.argv[6]))
    sys.exit(main(sys.argv[1:]))
