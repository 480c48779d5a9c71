"""Scale on one machine: what grows with the size of a drop, the number of drops, the number of connections.

    python bench/scale                       # all parts: five minutes, some 8 GB of disk for as long
    python bench/scale sizes drops --quick   # these, in small
    python bench/scale workers slow          # two workers beside one; a slow disk under one drop

Tables and sentences go to standard output, pictures to bench/results/scale. Costs are the server's processor time,
which does not depend on what else the machine is doing. 2 where something grew that need not.
"""

import argparse
import dataclasses
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

import connections
import drops
import sizes
import slow
import start
import workers
from figures import Part
from page import DOCS, put, put_pictures
from peers import machine, remove
from plot import draw
from served import House, command_line, refuse_unknown, run_program, say

RESULTS = Path(__file__).resolve().parents[1] / "results" / "scale"
PAGE = DOCS / "scale.md"
BEGIN, END = "<!-- written by make bench-scale SCALE_ARGS=--docs -->", "<!-- to here -->"
ROOM = 10 * 1024**3
"""Octets of disk that the full run wants."""
GROWN = 2
"""Exit code where something grew that need not."""


class Places:
    """Folders of the run, each with a store of its own that a later part may use as it was filled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._houses: dict[str, House] = {}

    def house(self, name: str, settings: Mapping[str, Mapping[str, object]] | None = None) -> House:
        """The post office of that name; made at the first call."""
        if name not in self._houses:
            (self._folder / name).mkdir()
            self._houses[name] = House(self._folder / name, settings)
        return self._houses[name]

    def is_made(self, name: str) -> bool:
        """Whether it was asked for before."""
        return name in self._houses

    def stop(self) -> None:
        """Stop whatever runs."""
        for house in self._houses.values():
            house.stop()


def parts(places: Places, *, quick: bool) -> Mapping[str, Callable[[], Part]]:
    """What can be asked for, in the order in which it is done."""
    by_size = sizes.QUICK_SIZES if quick else sizes.SIZES
    by_number = drops.QUICK_NUMBERS if quick else drops.NUMBERS
    levels = connections.QUICK_LEVELS if quick else connections.LEVELS
    return {
        "sizes": lambda: sizes.run(places.house("sizes"), by_size),
        "drops": lambda: drops.run(places.house("drops"), by_number),
        "start": lambda: start.run(places.house, places.is_made, by_size[-1], by_number[-1]),
        "connections": lambda: connections.run(places.house, levels),
        "workers": lambda: workers.run(places.house, quick=quick),
        "slow": lambda: slow.run(places.house, quick=quick),
    }


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = command_line(
        "scale",
        "What grows with drop size, drops and connections; two workers; a slow disk; start-up.",
        "sizes slow --quick",
    )
    names = list(parts(Places(Path()), quick=True))
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(names)}; none: all")
    parser.add_argument("--quick", action="store_true", help="small sizes: a minute")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the pictures (bench/results/scale)")
    parser.add_argument("--docs", action="store_true", help="put tables and pictures into docs/scale.md")
    asked = parser.parse_args()
    refuse_unknown(parser, "part", asked.parts, names)
    return asked


def main() -> int:
    """Do what was asked for."""
    asked = arguments()
    if not asked.quick and shutil.disk_usage(asked.dir).free < ROOM:
        raise RuntimeError(
            f"{asked.dir} has less than {ROOM // 1024**3} GiB free; --quick wants one, --dir names another"
        )
    asked.out.mkdir(parents=True, exist_ok=True)
    size = "in small" if asked.quick else "in full"
    folder = Path(tempfile.mkdtemp(prefix="postane-scale-", dir=asked.dir))
    places = Places(folder)
    begun = time.monotonic()
    found = []
    try:
        for name, work in parts(places, quick=asked.quick).items():
            if not asked.parts or name in asked.parts:
                found.append(work())
                show(found[-1], asked.out)
    finally:
        places.stop()
        say("removing the stores")
        remove(folder)
    grown = [(each.key, line) for each in found for line in each.grown()]
    print("\n## Findings\n")
    print("\n".join(f"- {key}: {line}" for key, line in grown) or "- none: nothing grew that need not")
    if asked.json:
        asked.json.write_text(json.dumps([dataclasses.asdict(each) for each in found], indent=1) + "\n")
    took = time.monotonic() - begun
    if asked.docs:
        day = time.strftime("%Y-%m-%d", time.gmtime())
        write_page(f"{day}, `make bench-scale`, {size}, {took:.0f} seconds, on {machine()}.", found)
    say(f"done in {took:.0f} s")
    return GROWN if grown else 0


def text_of(part: Part) -> str:
    """Its tables and sentences."""
    sentences = "\n".join(f"- {line}" for line in [*part.said(), *part.findings])
    return "\n\n".join([*(table.markdown() for table in part.tables), *filter(None, [sentences])])


def write_page(facts: str, found: Sequence[Part]) -> None:
    """Put all of it into docs/scale.md, with the pictures."""
    drawn = {picture.key: draw(picture) for part in found for picture in part.pictures}
    links = put_pictures(PAGE, drawn)
    texts = [facts]
    for part in found:
        texts += [text_of(part), *(f"![{picture.title}]({links[picture.key]})" for picture in part.pictures)]
    put(PAGE, BEGIN, END, "\n\n".join(texts))
    say(f"{PAGE.name} has the tables")


def show(part: Part, out: Path) -> None:
    """Print it, and draw it."""
    print(f"\n## {part.key}\n\n{text_of(part)}\n")
    for picture in part.pictures:
        (out / f"{picture.key}.svg").write_text(draw(picture))
        print(f"- picture: {out / picture.key}.svg")
    sys.stdout.flush()


if __name__ == "__main__":
    run_program(main)
