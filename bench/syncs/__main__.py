"""Which files are synced before a delivery or a deletion is acknowledged: seen by strace, from outside of the server.

    python bench/syncs                     # every case, three times: half a minute
    python bench/syncs --docs              # and write the table into docs/durability.md
    python bench/syncs --rounds 1 --trace /tmp/traces        # keep what strace said

1 where an answer left before what it stands for was durable. Needs strace, and the right to look into the server.
"""

import argparse
import collections
import dataclasses
import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

from cases import Case, accounts, cases
from page import DOCS, put
from served import House, command_line, hint, run_program, say
from strace import SYSCALLS, Story, early_marks, parse_trace, read_story

from postane.maildrop.folders import Folders

PAGE = DOCS / "durability.md"
BEGIN, END = "<!-- written by make bench-syncs SYNCS_ARGS=--docs -->", "<!-- to here -->"
PATIENCE = 20.0
"""Seconds for strace to begin and to end."""
REST = 0.3
"""Seconds after the last answer for what is done behind it, such as bringing a log back into its file."""
SETTINGS = {"smtp": {"listen": ["127.0.0.1:0"], "domains": ["bench.example"]}}


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """What all rounds of a case showed: medians, and whatever was too early in any of them."""

    what: str
    answers: int
    syncs_before: int
    files: str
    syncs_after: int
    files_after: str
    unlinked: int
    too_early: list[str]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = command_line(
        "syncs",
        "Which files are synced before a delivery or a deletion is acknowledged, as strace sees it.",
        "--rounds 1 --only QUIT",
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often each case is looked at (default 3)")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--only", metavar="WORD", default="", help="cases with this word in their name")
    parser.add_argument("--docs", action="store_true", help="write the table into docs/durability.md")
    parser.add_argument("--trace", type=Path, metavar="DIR", help="keep what strace said there")
    asked = parser.parse_args()
    if not any(asked.only.lower() in case.what.lower() for case in cases(0)):
        parser.error(f"no such case: {asked.only}; there are: " + "; ".join(case.what for case in cases(0)))
    return asked


def main() -> int:
    """Look at every case."""
    asked = arguments()
    if shutil.which("strace") is None:
        raise RuntimeError("strace is not installed (Debian: apt install strace)")
    rounds = 1 if asked.quick else max(1, asked.rounds)
    if asked.trace:
        asked.trace.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="postane-syncs-", dir=asked.dir))
    try:
        with House(folder, SETTINGS) as house:
            house.add_accounts(accounts(rounds))
            house.start()
            rows = [look(house, index, rounds, asked) for index in chosen(asked.only)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    told = table(rows)
    print(told)
    early = [f"{row.what}: answered before {path} was durable" for row in rows for path in row.too_early]
    for line in early:
        print(f"\nTOO EARLY: {line}")
    if asked.json:
        asked.json.write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=1) + "\n")
    if asked.docs:
        put(PAGE, BEGIN, END, told)
        say(f"{PAGE.name} has the table")
    return int(bool(early))


def chosen(only: str) -> list[int]:
    """The cases with that word in their name, by their place."""
    return [index for index, case in enumerate(cases(0)) if only.lower() in case.what.lower()]


def look(house: House, index: int, rounds: int, asked: argparse.Namespace) -> Row:
    """All rounds of one case."""
    stories = []
    for turn in range(rounds):
        case = cases(turn)[index]
        step = case.prepare(house)
        text = traced(house.workers(), step.run, house.folder / "trace")
        if asked.trace:
            (asked.trace / f"{index:02}-{turn}.txt").write_text(text)
        stories.append(story_of(case, text, house, step.marks))
    row = row_of(cases(0)[index], stories, house)
    say(f"{row.what}: {row.syncs_before} before the answer, {row.syncs_after} after it")
    return row


def traced(workers: Sequence[int], step: Callable[[], None], output: Path) -> str:
    """What strace said of the server while the step was done. Raises RuntimeError."""
    output.unlink(missing_ok=True)
    words = ["strace", "-f", "-ttt", "-yy", "-s", "4096", "-e", f"trace={SYSCALLS}", "-e", "signal=none"]
    words += ["-o", str(output), *(word for pid in workers for word in ("-p", str(pid)))]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        told = strace.stderr.readline()
        if " attached" not in told:
            strace.wait(PATIENCE)
            raise RuntimeError(f"strace cannot look into the server: {told.strip()}\n{hint()}")
        try:
            step()
            time.sleep(REST)
        finally:
            strace.send_signal(signal.SIGINT)
            strace.communicate(timeout=PATIENCE)
    return output.read_text(errors="replace")


def story_of(case: Case, text: str, house: House, marks: Mapping[int, str]) -> Story:
    """What the trace tells. Raises RuntimeError where it has not the answers that the client got.

    Where many deliver at once, one is answered while the file is dirty with the next one's: there the marks tell.
    """
    folders, events = Folders(house.store.resolve()), list(parse_trace(text))
    story = read_story(events, folders.root, [folders.drop(drop) for drop in case.drops], case.beginning)
    if marks:
        story.too_early = early_marks(events, folders.root, marks)
    wanted = 1 if case.what.startswith("SMTP") else len(case.drops)
    if story.answers < wanted:
        raise RuntimeError(f"{case.what}: strace saw {story.answers} answers of {wanted}")
    return story


def row_of(case: Case, stories: Sequence[Story], house: House) -> Row:
    """What the rounds showed, as one row."""
    before = statistics.median_low(len(story.before) for story in stories)
    after = statistics.median_low(len(story.after) for story in stories)
    typical = next(story for story in stories if len(story.before) == before)
    behind = next(story for story in stories if len(story.after) == after)
    early = sorted({place(path, house) for story in stories for path in story.too_early})
    unlinked = statistics.median_low(story.unlinked for story in stories)
    files, files_after = (listed(paths, house) for paths in (typical.before, behind.after))
    return Row(case.what, len(case.drops), before, files, after, files_after, unlinked, early)


def listed(paths: Sequence[str], house: House) -> str:
    """Which files, and how often each where it is more than once."""
    counts = collections.Counter(place(path, house) for path in paths)
    return ", ".join(f"{name} x {count}" if count > 1 else name for name, count in counts.items())


def place(path: str, house: House) -> str:
    """A path by what it is: `index.sqlite-wal`, `blobs/`, `tmp/body`, and so on."""
    store = str(house.store.resolve())
    words = path.removeprefix(store).strip("/").split("/")
    if words[0] == "tmp" and len(words) > 1:
        return "the body in `tmp/`"
    if words[0] == "drops":
        names = {1: "`drops/`", 2: "`drops/<2 hex>/`", 3: "the drop's folder"}
        return names.get(len(words)) or (f"`{words[3]}/`" if words[3] == "blobs" else f"`{words[3]}`")
    return f"`{'/'.join(words)}`" if words != [""] else "the store's folder"


def table(rows: Sequence[Row]) -> str:
    """As Markdown."""
    lines = [
        "| what | syncs before the answer | of | all of it durable before the answer | syncs after it |",
        "| --- | ---: | --- | --- | --- |",
    ]
    for row in rows:
        is_durable = "nothing to make durable" if not row.answers else "no" if row.too_early else "yes"
        after = f"{row.syncs_after}: {row.files_after}" if row.syncs_after else "-"
        lines.append(f"| {row.what} | {row.syncs_before} | {row.files or '-'} | {is_durable} | {after} |")
    return "\n".join(lines)


if __name__ == "__main__":
    run_program(main)
