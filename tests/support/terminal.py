"""A terminal that nobody looks at, for programs that want one."""

import os
import pty
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

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


def _read(terminal: int, screen: bytearray) -> None:
    """Take what is drawn until the terminal is given up."""
    while True:
        try:
            drawn = os.read(terminal, 65536)
        except OSError:
            return
        if not drawn:
            return
        screen += drawn
