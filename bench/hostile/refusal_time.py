"""How long a refused login takes, by whom it claims to be: whoever watches the clock should learn nothing of names.

    python bench/hostile/refusal_time.py [--tries N] [--json FILE]

Starts a server of its own with one worker and no delays, and lets logins fail: of a name that nobody has, of an account
with its usual hash, a disabled one, one with a device password, one whose hash another server made. The tries are in
random order, each on a connection of its own; what is timed is the last command up to its reply.

For each way to log in: the median, the middle half of the tries, and how far the median is from that of an unknown
name. What that means, the last column tells: how far the medians of random halves of one and the same kind are apart
(95 % of them stay within it). A difference within it tells nothing, and of twenty beyond it one is chance. Nothing is
asserted: a clock is no judge.
"""

import argparse
import base64
import contextlib
import hashlib
import json
import random
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TRIES = 60
MOST_TRIES = 5000
WARM_UP = 3
"""Tries of each kind before the first that counts."""
PATIENCE = 30.0
"""Seconds that a step may take."""
HALVES = 200

PASSWORD = "the right one"
CONFIG = """\
hostname = "bench.test"
[storage]
path = "{folder}/store"
[pop3]
listen = ["127.0.0.1:0"]
[smtp]
listen = []
[lmtp]
listen = []
[auth]
failure_delay = "0s"
lockout_after = 0
plaintext_without_tls = "always"
[server]
workers = 1
"""

KINDS: Mapping[str, str] = {
    "unknown": "no account has this name",
    "known": "an account with its usual hash",
    "disabled": "the same, disabled",
    "device": "the same, with a device password too",
    "imported": "an account whose hash another server made (SSHA512)",
}
BASE = "unknown"


class NotOffered(Exception):
    """The server does not know this way to log in."""


class Line:
    """One connection: lines to and fro."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        self.greeting = self._file.readline()

    def ask(self, line: bytes) -> bytes:
        """The reply to a line."""
        self._socket.sendall(line + b"\r\n")
        return self._file.readline().rstrip(b"\r\n")

    def timed(self, line: bytes) -> float:
        """Seconds from a line to its reply. Raises NotOffered where that is not about the login."""
        begun = time.perf_counter()
        reply = self.ask(line)
        taken = time.perf_counter() - begun
        if not reply.startswith((b"-ERR [AUTH]", b"+ ")):
            raise NotOffered(reply.decode(errors="replace"))
        return taken

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()


def by_pass(line: Line, name: str) -> float:
    line.ask(b"USER " + name.encode())
    return line.timed(b"PASS wrong " + secrets.token_hex(4).encode())


def by_plain(line: Line, name: str) -> float:
    claim = base64.b64encode(f"\0{name}\0wrong {secrets.token_hex(4)}".encode())
    return line.timed(b"AUTH PLAIN " + claim)


def by_apop(line: Line, name: str) -> float:
    if b"<" not in line.greeting:
        raise NotOffered("no stamp in the greeting")
    digest = hashlib.md5(secrets.token_bytes(8), usedforsecurity=False).hexdigest()
    return line.timed(f"APOP {name} {digest}".encode())


def by_cram(line: Line, name: str) -> float:
    _challenged(line.ask(b"AUTH CRAM-MD5"))
    digest = hashlib.md5(secrets.token_bytes(8), usedforsecurity=False).hexdigest()
    return line.timed(base64.b64encode(f"{name} {digest}".encode()))


def scram_keys(line: Line, name: str) -> float:
    """RFC 5802 s5: from the client's first message to the salt."""
    return line.timed(b"AUTH SCRAM-SHA-256 " + _scram_first(name))


def scram_proof(line: Line, name: str) -> float:
    """RFC 5802 s5: from the client's proof to the refusal."""
    first = base64.b64decode(_challenged(line.ask(b"AUTH SCRAM-SHA-256 " + _scram_first(name))))
    nonce = first.partition(b"r=")[2].partition(b",")[0]
    proof = base64.b64encode(secrets.token_bytes(32))
    return line.timed(base64.b64encode(b"c=biws,r=" + nonce + b",p=" + proof))


def _scram_first(name: str) -> bytes:
    return base64.b64encode(f"n,,n={name},r={secrets.token_hex(9)}".encode())


def _challenged(reply: bytes) -> bytes:
    if not reply.startswith(b"+ "):
        raise NotOffered(reply.decode(errors="replace"))
    return reply[2:]


WAYS: Mapping[str, Callable[[Line, str], float]] = {
    "USER and PASS": by_pass,
    "AUTH PLAIN": by_plain,
    "APOP": by_apop,
    "AUTH CRAM-MD5": by_cram,
    "AUTH SCRAM-SHA-256, the salt": scram_keys,
    "AUTH SCRAM-SHA-256, the proof": scram_proof,
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One row; all in milliseconds. `noise` is what the difference to the unknown name would be without any reason."""

    way: str
    kind: str
    tries: int
    median: float
    low: float
    high: float
    difference: float
    noise: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How long a refused login takes, by whom it claims to be.")
    parser.add_argument("--tries", type=_tries, default=TRIES, help=f"of each kind and way, default {TRIES}")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that the server is stopped then too
    with tempfile.TemporaryDirectory(prefix="postane-refusal-") as folder, serving(Path(folder)) as port:
        times = measure(port, options.tries)
    figures = [row for way, by_kind in times.items() for row in figures_of(way, by_kind)]
    print_table(figures)
    if options.json:
        rows = [{name: getattr(row, name) for name in Figure.__slots__} for row in figures]
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def _tries(text: str) -> int:
    tries = int(text)
    if not 4 <= tries <= MOST_TRIES:
        raise argparse.ArgumentTypeError(f"between 4 and {MOST_TRIES}")
    return tries


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[int]:
    """A server with the accounts; its POP3 port."""
    config = folder / "postane.toml"
    config.write_text(CONFIG.format(folder=folder))
    add_accounts(config)
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "postane", "serve", "-c", str(config)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        yield _port(server, folder / "log")
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _port(server: "subprocess.Popen[str]", log: Path) -> int:
    """Where it listens, once it is ready."""
    port = 0
    assert server.stdout is not None
    for line in server.stdout:
        if line.startswith("listening pop3 "):
            port = int(line.rpartition(":")[2])
        elif line == "ready\n":
            return port
    raise SystemExit(f"the server did not start:\n{log.read_text(errors='replace')}")


def add_accounts(config: Path) -> None:
    """One account of each kind."""

    def postane(command: str, *words: str, given: str = "") -> None:
        line = [sys.executable, "-m", "postane", *command.split(), "-c", str(config), *words]
        subprocess.run(line, input=given, text=True, check=True, capture_output=True, timeout=PATIENCE)

    for name in ("known", "disabled", "device"):
        postane("user add", name, "--password-stdin", given=f"{PASSWORD}\n")
    postane("user disable", "disabled")
    postane("user device add", "device", "phone", "--secret-stdin", given="a secret of the phone\n")
    salt = secrets.token_bytes(8)
    hashed = base64.b64encode(hashlib.sha512(PASSWORD.encode() + salt).digest() + salt).decode()
    postane("user import", "-", given=f"imported:{{SSHA512}}{hashed}\n")


def measure(port: int, tries: int) -> dict[str, dict[str, list[float]]]:
    """Seconds of each try, by way and kind, in random order."""
    times: dict[str, dict[str, list[float]]] = {}
    for way, fail in WAYS.items():
        if sys.stderr.isatty():
            print(f"{way} ...", file=sys.stderr)
        try:
            times[way] = measure_way(port, fail, tries)
        except NotOffered as error:
            print(f"{way}: left out, the server says {error}", file=sys.stderr)
    return times


def measure_way(port: int, fail: Callable[[Line, str], float], tries: int) -> dict[str, list[float]]:
    """The same for one way to log in. Raises NotOffered."""
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number in range(WARM_UP + tries):
        for kind in random.sample(list(KINDS), len(KINDS)):
            line = Line(port)
            try:
                taken = fail(line, kind)
            finally:
                line.close()
            if number >= WARM_UP:
                times[kind].append(taken)
    return times


def figures_of(way: str, by_kind: Mapping[str, Sequence[float]]) -> list[Figure]:
    """The rows of one way to log in."""
    base = statistics.median(by_kind[BASE])
    noises = {kind: noise_of(seconds) for kind, seconds in by_kind.items()}
    rows = []
    for kind, seconds in by_kind.items():
        low, median, high = statistics.quantiles(seconds, n=4)
        noise = max(noises[kind], noises[BASE])
        rows.append(Figure(way, kind, len(seconds), *_ms(median, low, high, median - base, noise)))
    return rows


def noise_of(seconds: Sequence[float]) -> float:
    """How far the medians of random halves are apart: 95 % of HALVES stay within it."""
    differences = []
    for _ in range(HALVES):
        mixed = random.sample(seconds, len(seconds))
        half = len(mixed) // 2
        differences.append(abs(statistics.median(mixed[:half]) - statistics.median(mixed[half:])))
    return sorted(differences)[int(HALVES * 0.95)]


def _ms(*seconds: float) -> list[float]:
    return [round(each * 1000, 4) for each in seconds]


def print_table(figures: Sequence[Figure]) -> None:
    """For people."""
    for kind, meaning in KINDS.items():
        print(f"{kind:10} {meaning}")
    for way in dict.fromkeys(row.way for row in figures):
        print(f"\n{way}, ms\n{'':10} {'median':>9} {'middle half':>19} {'to unknown':>11} {'noise':>8}")
        for row in (row for row in figures if row.way == way):
            middle = f"{row.low:.3f} - {row.high:.3f}"
            mark = "  <- more than noise" if abs(row.difference) > row.noise and row.kind != BASE else ""
            print(f"{row.kind:10} {row.median:9.3f} {middle:>19} {row.difference:+11.3f} {row.noise:8.3f}{mark}")


if __name__ == "__main__":
    main()
