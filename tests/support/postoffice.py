"""A real `postane serve` for tests: its own folder, free ports, accounts by the command line.

The house under test is only used from outside: configuration file, commands, sockets, signals.
"""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from . import forked
from .processes import children, is_alive

READY_TIME = 30.0
STOP_TIME = 20.0
POOL = 3
"""Accounts that are made at once when a test wants a fresh one: a process costs more than an account."""

Address = tuple[str, int]
Keys = Mapping[str, Any]
Settings = Mapping[str, Keys | Sequence[Keys]]
"""Sections by their names; a sequence is one of tables, `[[accounts]]`."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An account made for one test."""

    name: str
    password: str = field(repr=False)

    @property
    def address(self) -> str:
        """Where its mail is sent to."""
        return f"{self.name}@postane.test"


class PostOffice:
    """One `postane serve` with its folder.

    `settings` go over the ones below, section by section; `pool` is how many accounts are made at a time. `with`
    starts it and stops it; leaving fails the test when the server ended badly or logged a traceback.
    """

    def __init__(self, settings: Settings | None = None, *, pool: int = POOL) -> None:
        # Not pytest's own folder: another user's Postfix must reach the socket, and its path must be short.
        self.folder = Path(tempfile.mkdtemp(prefix="postane-"))
        self.folder.chmod(0o755)
        self.lmtp_socket = self.folder / "lmtp.sock"
        self.config = self.folder / "postane.toml"
        self.log = self.folder / "log"
        self.listening: dict[str, list[str]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._pool: list[Mailbox] = []
        self._pool_size = pool
        self._made = 0
        self.configure(settings or {})

    def configure(self, settings: Settings) -> None:
        """Write the configuration file."""
        sections = _defaults(self.folder)
        tables: dict[str, Sequence[Keys]] = {}
        for name, keys in settings.items():
            if isinstance(keys, Mapping):
                sections[name] = {**sections.get(name, {}), **keys}
            else:
                tables[name] = keys
        lines = ['hostname = "postane.test"']
        for name, keys in sections.items():
            lines += [f"[{name}]", *_toml(keys)]
        for name, each in tables.items():
            lines += [line for keys in each for line in (f"[[{name}]]", *_toml(keys))]
        self.config.write_text("\n".join(lines) + "\n")

    def __enter__(self) -> "PostOffice":
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
            print(self.read_log())  # pytest shows it where a test failed
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove its folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The process that was started: the supervisor."""
        assert self._process is not None
        return self._process.pid

    @property
    def pop3(self) -> Address:
        return self.address("pop3")

    @property
    def smtp(self) -> Address:
        return self.address("smtp")

    @property
    def lmtp(self) -> Address:
        return self.address("lmtp")

    def address(self, service: str) -> Address:
        """Where a service listens by TCP."""
        endpoint = next(each for each in self.listening[service] if not each.startswith("unix:"))
        host, _, port = endpoint.rpartition(":")
        return host.strip("[]"), int(port)

    def start(self) -> None:
        """Start the server and wait until it says that it is ready."""
        command = [sys.executable, "-m", "postane", "serve", "-c", str(self.config)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, cwd=self.folder
            )
        self.listening = {}
        for line in _lines(self._process.stdout, READY_TIME):
            word, *rest = line.split()
            if word == "ready":
                return
            if word == "listening":
                self.listening.setdefault(rest[0], []).append(rest[1])
        pytest.fail(f"postane serve did not become ready:\n{self.read_log()}")

    def stop(self) -> None:
        """End the server as an init system does, and check that it ended well. Nothing to do when it is not up."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        code = self.wait()
        self._process = None
        assert code == 0, f"postane serve ended with {code} after SIGTERM:\n{self.read_log()}"
        assert "Traceback" not in self.read_log(), self.read_log()

    def wait(self) -> int | None:
        """Wait for the server's end; None and SIGKILL when it does not come."""
        assert self._process is not None
        try:
            return self._process.wait(STOP_TIME)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def kill(self) -> None:
        """SIGKILL for the supervisor and all its workers at once."""
        if self._process is not None:
            family = [self.pid, *children(self.pid)]
            for pid in family:
                _kill(pid)
            self._process.wait()
            wait_until(lambda: not any(map(is_alive, family)), "the killed processes are gone")
            self._process = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor."""
        os.kill(self.pid, number)

    def workers(self) -> list[int]:
        """The pids of the processes that the supervisor started."""
        return children(self.pid)

    def read_log(self) -> str:
        """The end of what was written to standard error."""
        return self.log.read_text(errors="replace")[-20_000:]

    def run(
        self, command: str, *arguments: str, given: bytes = b"", expect: int | None = 0
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `postane COMMAND -c FILE ARGUMENTS` and check its exit code (None: any)."""
        words = [sys.executable, "-m", "postane", *self._words(command, arguments)]
        done = subprocess.run(words, input=given, capture_output=True, cwd=self.folder, timeout=READY_TIME)
        return _checked(done, expect)

    def run_forked(
        self, command: str, *arguments: str, given: bytes = b"", expect: int | None = 0
    ) -> subprocess.CompletedProcess[bytes]:
        """The same without a start of Python: for what is on the way to a test's subject, and for many of a kind."""
        return _checked(forked.run(self._words(command, arguments), given=given, folder=self.folder), expect)

    def _words(self, command: str, arguments: Sequence[str]) -> list[str]:
        return [*command.split(), "-c", str(self.config), *arguments]

    def add_user(self, name: str, *options: str) -> Mailbox:
        """Make an account."""
        mailbox = Mailbox(name, f"pw-{name}-1939")
        self.run_forked("user add", name, "--password-stdin", *options, given=f"{mailbox.password}\n".encode())
        return mailbox

    def fresh(self) -> Mailbox:
        """An account that no other test has had; made many at a time, which spares a process each."""
        if not self._pool:
            self._pool = [Mailbox(f"user{self._made + n}", f"pw-{self._made + n}-937") for n in range(self._pool_size)]
            self._made += self._pool_size
            listing = self.folder / "users"
            listing.write_text("".join(f"{box.name}:{box.password}\n" for box in self._pool))
            self.run_forked("user import", str(listing))
        return self._pool.pop(0)

    def add_device(self, mailbox: Mailbox, label: str = "laptop") -> Mailbox:
        """A device password of the account, as APOP needs one."""
        secret = f"device-{mailbox.name}-{label}"
        self.run_forked("user device add", mailbox.name, label, "--secret-stdin", given=f"{secret}\n".encode())
        return Mailbox(mailbox.name, secret)

    def put(self, mailbox: Mailbox, octets: bytes) -> None:
        """Deliver by the command line."""
        self.run_forked("drop put", mailbox.name, given=octets)


def _checked(done: subprocess.CompletedProcess[bytes], expect: int | None) -> subprocess.CompletedProcess[bytes]:
    said = done.stderr.decode(errors="replace")
    assert expect is None or done.returncode == expect, f"{done.args}: {done.returncode}\n{said}"
    return done


def _defaults(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        "storage": {"path": str(folder / "store")},
        "pop3": {"listen": ["127.0.0.1:0"]},
        "smtp": {"listen": ["127.0.0.1:0"]},
        "lmtp": {"listen": [f"unix:{folder / 'lmtp.sock'}", "127.0.0.1:0"]},
        "auth": {"failure_delay": "20ms"},
        "server": {"workers": 2, "drain": "5s"},
    }


def _toml(keys: Keys) -> list[str]:
    return [f"{key} = {json.dumps(value)}" for key, value in keys.items()]


def _lines(stream: IO[bytes] | None, seconds: float) -> list[str]:
    """The lines up to "ready", or up to the end, or what there is after so many seconds; goes on draining."""
    assert stream is not None
    lines: queue.Queue[str | None] = queue.Queue()

    def drain() -> None:
        with stream:
            for line in stream:
                lines.put(line.decode().rstrip("\n"))
        lines.put(None)

    threading.Thread(target=drain, daemon=True).start()
    deadline = time.monotonic() + seconds
    got: list[str] = []
    while not got or got[-1] != "ready":
        try:
            line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if line is None:
            break
        got.append(line)
    return [line for line in got if line.strip()]


def wait_until(is_true: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Look again and again until something is true; fails with `what` when it does not become so."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:g} s in vain until {what}")
        time.sleep(0.02)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
