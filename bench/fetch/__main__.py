"""Fetching beside other retrievers, from one Dovecot into Maildirs, in one run, A B A B.

    python bench/fetch                      # 2,000 messages of 4 KiB, on loopback and with 20 ms added
    python bench/fetch --quick              # 500, two rounds, without the slow ones over the long line
    python bench/fetch --docs               # and into docs/benchmarks-fetch.md

The whole command counts, from its start to its end. Each run has a fresh Maildir and fresh state; that the messages
have all come is looked at. 1 where they have not. Ours has its bytecode, as an installed program has.
"""

import argparse
import compileall
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

from dovecot_peer import DovecotPeer
from messages import Group
from page import DOCS, put
from peers import machine, remove, start_on, stop
from retrievers import RETRIEVERS, Errand

SOURCES = Path(__file__).resolve().parents[2] / "src"
PAGE = DOCS / "fetching-speed.md"
BEGIN, END = "<!-- written by make bench-fetch FETCH_ARGS=--docs -->", "<!-- to here -->"
PATIENCE = 300.0
"""Seconds that one fetch may take."""
SLOW = ("fetchmail", "getmail")
"""Who waits for each answer before the next command: one run over the long line is enough, and none in a quick look."""


@dataclass(slots=True)
class Runs:
    """What one retriever took: seconds, seconds of processor time, and octets of memory at the peak."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """A way to the server: milliseconds added to the round trip, and the port to connect to."""

    milliseconds: float
    port: int

    def __str__(self) -> str:
        return f"{self.milliseconds:g} ms" if self.milliseconds else "loopback"


def fetch(name: str, line: Line, user: str, messages: int, folder: Path) -> tuple[float, float, int]:
    """One fetch. Raises RuntimeError where it did not bring every message."""
    folder.mkdir()
    errand = Errand(user, line.port, folder)
    command = RETRIEVERS[name].prepare(errand)
    os.sync()
    with (folder / "output").open("wb") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, "HOME": str(folder)}
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    came = len(list((errand.maildir / "new").iterdir())) if errand.maildir.is_dir() else 0
    told = (folder / "output").read_text(errors="replace").strip()[-500:]
    # What was fetched stays to the end: where thousands of files were removed within the last minute, ext4 takes ten
    # times as long for a new one.
    if process.returncode or came != messages:
        raise RuntimeError(f"{name} over {line} ended with {process.returncode} and brought {came}: {told}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def measure(lines: Sequence[Line], names: Sequence[str], args: argparse.Namespace, folder: Path) -> dict[tuple, Runs]:
    """All rounds, in turn."""
    found: dict[tuple, Runs] = {(line, name): Runs() for line in lines for name in names}
    for round_ in range(args.rounds):
        for line in lines:
            for name in names:
                is_slow = name in SLOW and line.milliseconds > 0
                if is_slow and (args.quick or round_):
                    continue
                seconds, cpu, peak = fetch(
                    name, line, "fetched0", args.messages, folder / f"run-{round_}-{line.port}-{name}"
                )
                runs = found[line, name]
                runs.seconds.append(seconds)
                runs.cpu.append(cpu)
                runs.peak.append(peak)
                print(
                    f"{line!s:>9}  {name:<10} {seconds:7.2f} s  {cpu:6.2f} s cpu  {peak / 2**20:5.0f} MiB", flush=True
                )
    return found


def table(lines: Sequence[Line], names: Sequence[str], found: dict[tuple, Runs]) -> str:
    """Medians, and how many times as long as ours."""
    rows = ["| | " + " | ".join(RETRIEVERS[name].name for name in names) + " |", "|---|" + "---|" * len(names)]
    for line in lines:
        ours = median(found[line, "postane"].seconds)
        cells = []
        for name in names:
            seconds = found[line, name].seconds
            cells.append(f"{median(seconds):.2f} s ({median(seconds) / ours:.2f}x)" if seconds else "not run")
        rows.append(f"| {line} | " + " | ".join(cells) + " |")
    for what, of in (("processor time", "cpu"), ("memory at the peak", "peak")):
        cells = []
        for name in names:
            values = getattr(found[lines[0], name], of)
            cells.append(f"{median(values):.2f} s" if of == "cpu" else f"{median(values) / 2**20:.0f} MiB")
        rows.append(f"| {what}, {lines[0]} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main() -> int:
    """Set up, measure, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller")
    parser.add_argument("--messages", type=int, help="how many (2000; quick: 500)")
    parser.add_argument("--rounds", type=int, help="how often (5; quick: 2)")
    parser.add_argument("--only", nargs="+", choices=sorted(RETRIEVERS), help="these retrievers, postane beside them")
    parser.add_argument("--docs", action="store_true", help=f"write {PAGE.name} anew")
    args = parser.parse_args()
    args.messages = args.messages or (500 if args.quick else 2000)
    args.rounds = args.rounds or (2 if args.quick else 5)
    if DovecotPeer.version() is None:
        sys.exit("Dovecot is not installed: nothing to fetch from (Debian: apt install dovecot-pop3d)")
    versions = {name: each.installed() for name, each in RETRIEVERS.items()}
    names = [name for name in RETRIEVERS if versions[name] and (not args.only or name in (*args.only, "postane"))]
    compileall.compile_dir(SOURCES, quiet=1)  # where PYTHONDONTWRITEBYTECODE is set, no import leaves any
    folder = Path(tempfile.mkdtemp(prefix="postane-bench-fetch-", dir="/var/tmp"))
    folder.chmod(0o755)
    peer = DovecotPeer(folder / "dovecot", None, tuned=True, mailbox="mdbox")
    relay = None
    try:
        peer.set_up({"fetched": Group("fetched", 1, args.messages, 4096)})
        server = peer.start(None)
        try:
            script = str(Path(__file__).with_name("relay.py"))
            relay = start_on(None, [sys.executable, script, str(server.pop3), "20"], folder / "relay")
            lines = [Line(0, server.pop3), Line(20, _told(folder / "relay"))]
            found = measure(lines, names, args, folder)
        finally:
            peer.stop(server)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if relay is not None:
            stop(relay)
        remove(folder)
    made = table(lines, names, found)
    said = ", ".join(str(versions[name]) for name in names)
    text = (
        f"{args.messages} messages of 4 KiB, medians of {args.rounds}; in brackets how many times as long as"
        f" `postane fetch`.\n\n{made}\n\n{machine()}; {DovecotPeer.version()}; {said}; {time.strftime('%Y-%m-%d')}."
    )
    print(f"\n{text}")
    if args.docs:
        put(PAGE, BEGIN, END, text)
    return 0


def _told(output: Path) -> int:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if output.exists() and (text := output.read_text().strip()).isdigit():
            return int(text)
        time.sleep(0.02)
    raise RuntimeError(f"the relay did not start: {output.read_text()}")


if __name__ == "__main__":
    sys.exit(main())
