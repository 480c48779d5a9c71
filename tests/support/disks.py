"""Small file systems, for what happens when one is full."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .programs import missing


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of that size at a new folder."""
    place.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount")
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if not mounted or subprocess.run(["mount", *options], stderr=subprocess.DEVNULL).returncode:
        missing("only root can mount a small file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def enlarge(place: Path, size: str) -> None:
    """Make room on it."""
    subprocess.run(["mount", "-o", f"remount,size={size}", str(place)], check=True)
