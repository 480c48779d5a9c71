"""A terminal that nobody looks at, for programs that want one."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import pytest

from .programs import TIME


def run_on_terminal(command: Sequence[str], home: Path) -> tuple[int | None, str]:
    """Run a program to its end; its exit code (None: it had to be killed) and what it drew."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "HOME": str(home), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=home)
    os.close(theirs)
    screen = bytearray()
    reader = threading.Thread(target=_read, args=(ours, screen), daemon=True)
    reader.start()
    code: int | None
    try:
        code = process.wait(TIME)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        code = None
    reader.join(TIME)
    os.close(ours)
    return code, screen.decode(errors="replace")


def _read(terminal: int, screen: bytearray, look: Callable[[bytes], object] = bool) -> None:
    """Take what is drawn until the terminal is given up."""
    while True:
        try:
            drawn = os.read(terminal, 65536)
        except OSError:
            return
        if not drawn:
            return
        screen += drawn
        look(drawn)


class Typist:
    """A program on a terminal, and somebody who types and looks. `with` ends it."""

    def __init__(
        self, command: Sequence[str], home: Path, *, rows: int = 30, columns: int = 100, kind: str = "xterm-256color"
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "HOME": str(home), "TERM": kind, "LC_ALL": "C.UTF-8"}
        environment.pop("XDG_STATE_HOME", None)
        # A session of its own, so that Ctrl-C reaches it as it does at a real terminal.
        self._process = subprocess.Popen(
            [sys.executable, "-c", CONTROLLED, *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            cwd=home,
            start_new_session=True,
        )
        os.close(theirs)
        self.drawn = bytearray()
        self._seen = 0
        self._rows = rows
        self._reader = threading.Thread(target=_read, args=(self._ours, self.drawn, self._report), daemon=True)
        self._reader.start()

    def _report(self, drawn: bytes) -> None:
        """Say where the cursor is, as a terminal does that is asked; roughly."""
        if CURSOR_WANTED in drawn:
            row = min(self._rows, 1 + self.drawn.count(b"\n"))
            os.write(self._ours, f"\x1b[{row};1R".encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(TIME)
        os.close(self._ours)

    @property
    def text(self) -> str:
        """All that was drawn, without what only moves the cursor or colours."""
        return ESCAPES.sub("", self.drawn.decode(errors="replace"))

    def type(self, keys: str) -> None:
        """Press these keys."""
        self._seen = len(self.text)
        os.write(self._ours, keys.encode())

    def sees(self, words: str) -> str:
        """Wait until these words stand behind what was there when keys were last pressed."""
        deadline = time.monotonic() + TIME
        while words not in self.text[self._seen :]:
            if time.monotonic() > deadline:
                pytest.fail(f"{words!r} was never drawn:\n{self.text}")
            time.sleep(0.02)
        return self.text

    def is_listened_to(self) -> None:
        """Wait until the program reads keys itself: before that the terminal would show them as they are."""
        deadline = time.monotonic() + TIME
        while termios.tcgetattr(self._ours)[3] & termios.ECHO:
            if time.monotonic() > deadline:
                pytest.fail(f"the terminal shows what is typed:\n{self.text}")
            time.sleep(0.02)

    def hang_up(self) -> None:
        """Say to the program that the terminal is gone."""
        self._process.send_signal(signal.SIGHUP)

    def wait(self) -> int:
        """The exit code."""
        return self._process.wait(TIME)


CONTROLLED = """\
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Takes the terminal for its own before it becomes the program."""

CURSOR_WANTED = b"\x1b[6n"
ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[()][A-Z0-9]|[=>])")
