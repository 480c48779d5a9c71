"""Records where a process spends its time, by py-spy or by perf, while something else is done.

What stands in the way (a program that is not there, a right that is missing) is told with what helps.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from served import hint
from stacks import Stacks, parse_perf, parse_raw

PATIENCE = 60.0
"""Seconds for the recorder to begin, and to write at the end."""


class Recorder:
    """One recording of process `pid` into `folder`; `tool` is py-spy, native (py-spy with C) or perf."""

    def __init__(self, pid: int, folder: Path, tool: str, rate: int) -> None:
        self._tool = tool
        self._data = folder / ("perf.data" if tool == "perf" else "stacks.txt")
        self._told = folder / "recorder.log"
        self._data.unlink(missing_ok=True)
        if tool == "perf":
            words = [program("perf"), "record", "-F", str(rate), "-g", "-o", str(self._data), "-p", str(pid)]
        else:
            words = [program("py-spy"), "record", "--format", "raw", "--rate", str(rate), "--output", str(self._data)]
            words += ["--full-filenames", "--pid", str(pid), *(["--native"] if tool == "native" else [])]
        with self._told.open("wb") as file:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        self._await_begin()

    def _await_begin(self) -> None:
        """Raises RuntimeError where it cannot look into the process."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            told = self._told.read_text(errors="replace")
            if self._process.poll() is not None:
                raise RuntimeError(f"{self._tool} cannot look into the server: {told.strip()[-400:]}\n{hint()}")
            if "Sampling process" in told or (self._tool == "perf" and self._data.exists()):
                return
            time.sleep(0.05)
        self._process.kill()
        raise RuntimeError(f"{self._tool} did not begin in {PATIENCE:.0f} s")

    def stop(self) -> Stacks:
        """End it: what was seen. Raises RuntimeError."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if not self._data.exists():
            return {}  # the process never did anything while it was looked at
        if self._tool != "perf":
            return parse_raw(_shortened(self._data.read_text(errors="replace")))
        words = [program("perf"), "script", "-i", str(self._data), "-F", "comm,tid,time,event,ip,sym,dso"]
        done = subprocess.run(words, capture_output=True, check=False, text=True, errors="replace")
        if done.returncode:
            raise RuntimeError(f"perf script: {done.stderr.strip()[-400:]}")
        return parse_perf(done.stdout)


def program(name: str) -> str:
    """The path of a tool: of this Python's environment, or the system's. Raises RuntimeError."""
    own = Path(sys.executable).with_name(name)
    if own.exists():
        return str(own)
    found = shutil.which(name)
    if found is None:
        remedy = "pip install --group bench" if name == "py-spy" else f"Debian: apt install linux-{name}"
        raise RuntimeError(f"{name} is not installed ({remedy})")
    return found


def _shortened(text: str) -> str:
    """Paths as they are inside their packages: where this tree lies tells nothing."""
    for folder in sorted(map(str, {*sys.path, str(Path(os.__file__).parent)} - {""}), key=len, reverse=True):
        text = text.replace(f"{folder}/", "")
    return text
