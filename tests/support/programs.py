"""Programs of other people: find them, run them with bounds, say why a test is skipped."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

SYSTEM_FOLDERS = ("/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/libexec")
"""Where programs lie that are not in an ordinary user's PATH."""

TIME = 60.0
"""Seconds that a program may take."""

AGAIN = 3.0
"""Seconds after which a deaf one is told again."""


def find(program: str) -> str | None:
    """The path of a program, None where there is none."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_FOLDERS]))


def require(program: str) -> str:
    """The path of a program; the test is skipped without it, and fails where everything has to be there (CI)."""
    return find(program) or missing(f"{program} is not installed")


def missing(reason: str) -> str:
    """Something that the test needs is not on this machine."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI=true asks for every interop test")
    pytest.skip(reason)


def run(
    command: Sequence[str | Path],
    *,
    given: bytes = b"",
    expect: int | None = 0,
    home: Path | None = None,
    user: str | None = None,
    is_deaf: bool = False,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end and check its exit code (None: any).

    `home` is its home and working folder, so that the files of whoever runs the tests are neither read nor written.
    `user` is who it runs as, where that is not who runs the tests. One that `is_deaf` may miss the end of its own
    child, and is told of it again.
    """
    variables = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    if home is not None:
        variables |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_DATA_HOME": str(home)}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=home,
        env=variables,
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
        start_new_session=is_deaf,
    ) as process:
        try:
            out, err = _told(process, given) if is_deaf else process.communicate(given, TIME)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(command, process.returncode, out, err)
    if expect is not None and done.returncode != expect:
        said = f"{done.stdout[-3000:].decode(errors='replace')}\n{done.stderr[-3000:].decode(errors='replace')}"
        pytest.fail(f"{command[0]} ended with {done.returncode}, not {expect}:\n{said}")
    return done


def _told(process: "subprocess.Popen[bytes]", given: bytes) -> tuple[bytes, bytes]:
    """Its output. getmail looks for the end of a child only after it has begun, and then waits a minute for it."""
    for _ in range(int(TIME / AGAIN)):
        try:
            return process.communicate(given, AGAIN)
        except subprocess.TimeoutExpired:
            given = b""  # it is on its way
            os.killpg(process.pid, signal.SIGCHLD)
    return process.communicate(None, AGAIN)
