"""A disk that is slow in one drop: what the sessions in other drops notice.

A library loaded into the server (slow.c) lets each sync, or each read, of that drop's files wait for half a second,
while one client delivers to, reads and empties it without pause. Beside that the driver polls two hundred other drops.
"""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import driver
import load
from figures import Part, Table
from peers import PASSWORD
from served import House, cores, say
from talk import Talk, WrongAnswer, begin_letter, end_letter

SOURCE = Path(__file__).with_name("slow.c")
LIBRARY = SOURCE.parents[1] / "build" / "slow.so"
SLOW, MILLISECONDS = "slowdrop", 500
SECONDS, QUICK_SECONDS = 8.0, 4.0
"""The first slow statement holds up all for two reads, a second: a look is long enough to tell once from always."""
LARGE = b"Subject: large\r\n\r\n" + b"It waits in a file beside the index.\r\n" * 4000
SMALL = b"Subject: small\r\n\r\n" + b"It waits in the index.\r\n" * 40


def build() -> None:
    """Compile the library where that was not done since it changed. Raises RuntimeError."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("a C compiler is needed to make a disk slow")
    if LIBRARY.exists() and LIBRARY.stat().st_mtime > SOURCE.stat().st_mtime:
        return
    LIBRARY.parent.mkdir(exist_ok=True)
    words = [compiler, "-O2", "-shared", "-fPIC", "-o", str(LIBRARY), str(SOURCE), "-ldl"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{SOURCE.name} cannot be compiled: {done.stderr.strip()[:300]}")


class Busy:
    """One client at a time in the slow drop, without pause: deliveries large and small, RETR, DELE, QUIT."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.rounds = 0
        self.trouble = ""

    def _work(self) -> None:
        while not self._is_over.is_set():
            try:
                self._round()
            except (OSError, WrongAnswer) as error:
                self.trouble = self.trouble or str(error)
                time.sleep(0.1)

    def _round(self) -> None:
        with Talk(self._house.ports["lmtp"]) as talk:
            for letter in (SMALL, LARGE):
                begin_letter(talk, [SLOW])
                end_letter(talk, letter, 1)
        with Talk(self._house.ports["pop3"]).enter(SLOW, PASSWORD) as talk:
            messages = int(talk.ask("STAT").split()[1])
            for number in range(1, min(messages, 2) + 1):
                talk.ask_many(f"RETR {number}")
                talk.ask(f"DELE {number}")
            talk.ask("QUIT")
        self.rounds += 1

    def __enter__(self) -> "Busy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join(120)


def run(make: Callable[..., House], *, quick: bool) -> Part:
    """The same load beside the same drop: at its own speed, with slow syncs, with slow reads."""
    build()
    driver.build()
    house = make("slow")
    house.add_accounts([SLOW], [SLOW])
    load.fill_load(house)
    toggle = house.folder / "slow"
    variables = {"LD_PRELOAD": str(LIBRARY), "SLOW_PATH": f"/{SLOW}", "SLOW_MS": str(MILLISECONDS)}
    house.start({cores()[0]}, {**variables, "SLOW_SWITCH": str(toggle)})
    try:
        load.apply(house, "sessions", 0.5, cores()[-1], warm=600)
        rows, looks = [], []
        for what in ("", "sync", "read"):
            done, rounds, log, trouble = _look(house, toggle, what, QUICK_SECONDS if quick else SECONDS)
            looks.append(done)
            name = f"each {what} of it takes {MILLISECONDS} ms longer" if what else "as it is"
            latency = [f"{done.p50 / 1000:.1f}", f"{done.p99 / 1000:.1f}"]
            waits = [str(len(log)), str(log.count("M"))]
            rows.append([name, f"{done.rate:,.0f}", *latency, str(rounds), *waits, trouble or "-"])
            told = f"{waits[0]} waits, {waits[1]} of them in the event loop"
            say(f"slow: {name}: others {done.rate:,.0f} sessions/s, p99 {done.p99 / 1000:.1f} ms; {told}")
    finally:
        house.stop()
    return _part(rows, looks)


@contextmanager
def switched(toggle: Path, what: str) -> Iterator[None]:
    """Slow while this is open; "" is not slow at all."""
    file = Path(f"{toggle}.{what or 'none'}")
    file.touch()
    try:
        yield
    finally:
        file.unlink()


def _look(house: House, toggle: Path, what: str, seconds: float) -> tuple[load.Load, int, str, str]:
    """The others' load; rounds in the slow drop, the log of waits there, and what went wrong there."""
    log = Path(f"{toggle}.log")
    log.unlink(missing_ok=True)
    with Busy(house) as busy:
        with switched(toggle, what):
            done = load.apply(house, "sessions", seconds, cores()[-1], warm=0)
        waits = log.read_text() if log.exists() else ""
    return done, busy.rounds, waits, busy.trouble


def _part(rows: list[list[str]], looks: list[load.Load]) -> Part:
    head = ["the one drop", "others: sessions/s", "p50, ms", "p99, ms", "rounds in it", "waits"]
    head += ["in the event loop", "trouble in it"]
    usual, *slowed = looks
    findings = [
        f"a slow {what} in one drop holds up the others: p99 {done.p99 / 1000:.0f} ms instead of"
        f" {usual.p99 / 1000:.0f} ms, {done.rate:,.0f} sessions/s instead of {usual.rate:,.0f}"
        for what, done in zip(("sync", "read"), slowed, strict=True)
        if done.p99 > usual.p99 + MILLISECONDS * 1000 / 2 or done.rate < usual.rate / 2
    ]
    title = "Sessions in 200 other drops beside a drop with a slow disk (one worker, 16 clients)"
    return Part("slow", [Table(title, head, rows)], findings=findings)
