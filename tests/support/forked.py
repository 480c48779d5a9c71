"""`postane` commands that tests give on their way to something else: a process with everything imported forks for each.

Each is the whole command, in a process of its own, with its own streams and exit code; spared is the start of Python
with its imports, which costs ten times what the command does. What a test is about is started as a user starts it.
"""

import contextlib
import functools
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

TESTS = Path(__file__).parents[1]
LATE = (
    "cli.user",
    "cli.drop",
    "cli.drop_put",
    "cli.sessions",
    "accounts.bulk",
    "accounts.local",
    "app",
    "cli.fetch_run",
)
"""What the commands import where they use it; the rest comes with these."""

KILLED = -9
INTERNAL_ERROR = 70
TIME = 60
"""Seconds that a command may take."""


def run(words: Sequence[str], *, given: bytes, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run `postane WORDS` to its end. Threads may do so at the same time."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        stdin, feed = os.pipe()
        ended, end = os.pipe()
        try:
            asked = json.dumps({"words": list(words), "folder": str(folder), "environment": dict(os.environ)}).encode()
            socket.send_fds(_forker()[0], [asked], [stdin, out.fileno(), err.fileno(), end])
        finally:
            os.close(stdin)
            os.close(end)
        with open(ended, "rb") as told:
            with contextlib.suppress(BrokenPipeError), open(feed, "wb", buffering=0) as pipe:
                pipe.write(given)
            code = int(told.read() or KILLED)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(["postane", *words], code, out.read(), err.read())


@functools.cache
def _forker() -> "tuple[socket.socket, subprocess.Popen[bytes]]":
    """The process, and the way to it. It ends when this one does: the socket has an end then."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "support.forked", str(theirs.fileno())]
        environment = {**os.environ, "PYTHONPATH": str(TESTS)}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], env=environment)
    return ours, process


# In the process


def main() -> None:
    """Fork for each command, until nobody is there to ask."""
    for name in LATE:
        importlib.import_module(f"postane.{name}")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits: children tell their end themselves
    asking = socket.socket(fileno=int(sys.argv[1]))
    while True:
        asked, streams, _, _ = socket.recv_fds(asking, 65536, 4)
        if not asked:
            return
        if not os.fork():
            asking.close()
            _command(json.loads(asked), *streams)
        for stream in streams:
            os.close(stream)


def _command(asked: dict[str, Any], stdin: int, out: int, err: int, end: int) -> NoReturn:
    code: object = INTERNAL_ERROR
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.alarm(TIME)
        for number, stream in enumerate((stdin, out, err)):
            os.dup2(stream, number)
            os.close(stream)
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["folder"])
        sys.argv = ["postane", *asked["words"]]
        code = _ended()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os.write(end, str(code).encode())
        os._exit(INTERNAL_ERROR)


def _ended() -> int:
    """How the command has ended, as Python would say it."""
    from postane.cli.main import main as command

    try:
        command()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - told as Python tells it, and then it is over
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
