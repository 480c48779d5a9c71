"""What housekeeping remembers of each drop between two rounds: a time and a number, in a small file.

It is never synced: what a power failure takes is done once more. Whatever cannot be read is as if it had never been.

Must not know: what is remembered.
"""

import hashlib
import os
from pathlib import Path

from .folders import Folders, open_file

_LINE_LIMIT = 64


class FileNotes:
    """Notes in the files of one folder of a store."""

    def __init__(self, root: Path, name: str) -> None:
        self._folders = Folders(root)
        self._folder = f"{root}/{name}"

    def read(self, drop: str) -> tuple[float, int]:
        """What was written last; zeros where nothing was."""
        try:
            descriptor = os.open(self._path(drop), os.O_RDONLY | os.O_CLOEXEC)
            try:
                when, number = os.pread(descriptor, _LINE_LIMIT, 0).split()
            finally:
                os.close(descriptor)
            return float(when), int(number)
        except (OSError, ValueError):
            return 0.0, 0

    def write(self, drop: str, when: float, number: int) -> None:
        """Remember. Raises OSError."""
        path = self._path(drop)
        self._folders.make(os.path.dirname(path))
        descriptor = open_file(path, os.O_WRONLY | os.O_CREAT)
        try:
            os.pwrite(descriptor, b"%017.3f %020d\n" % (when, number), 0)  # always as long
        finally:
            os.close(descriptor)

    def _path(self, drop: str) -> str:
        digest = hashlib.sha256(drop.encode("utf-8", "surrogateescape")).hexdigest()
        return f"{self._folder}/{digest[:2]}/{digest[2:40]}"
