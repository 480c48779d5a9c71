"""Programs of other people: find them, run them with bounds, say why a test is skipped."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

SYSTEM_FOLDERS = ("/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/libexec")
"""Where programs lie that are not in an ordinary user's PATH."""

TIME = 60.0
"""Seconds that a program may take."""


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
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end and check its exit code (None: any).

    `home` is its home and working folder, so that the files of whoever runs the tests are neither read nor written.
    `user` is who it runs as, where that is not who runs the tests.
    """
    variables = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    if home is not None:
        variables |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_DATA_HOME": str(home)}
    done = subprocess.run(
        command,
        input=given,
        capture_output=True,
        cwd=home,
        env=variables,
        timeout=TIME,
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    if expect is not None and done.returncode != expect:
        said = f"{done.stdout[-3000:].decode(errors='replace')}\n{done.stderr[-3000:].decode(errors='replace')}"
        pytest.fail(f"{command[0]} ended with {done.returncode}, not {expect}:\n{said}")
    return done
