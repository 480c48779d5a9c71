"""Tells when files have changed and are at rest again.

By what stat(2) says, asked again and again: it needs no thread and no library, and sees through symbolic links, by the
exchange of which certificates are renewed.

Must not know: what is in the files.
"""

import os
from collections.abc import Iterable
from pathlib import Path

Signature = tuple[int, int, int, int] | None
"""Device, inode, time of change in nanoseconds, octets; None where there is no file."""


class Watch:
    """Looks at some files each time that it is asked to."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._taken = self._seen = {path: _signature(path) for path in files}
        self._changed: set[Path] = set()  # since the last take

    def has_changed(self) -> bool:
        """Whether they are not what they were when they were taken, and have not changed since the look before this
        one. What is told is taken: it is told once."""
        before, self._seen = self._seen, {path: _signature(path) for path in self._taken}
        if self._seen == self._taken or self._seen != before:
            return False
        self._note()
        return True

    def take(self) -> list[Path]:
        """They are about to be read as they are: those that have changed since the last time."""
        self._seen = {path: _signature(path) for path in self._taken}
        self._note()
        changed, self._changed = sorted(self._changed), set()
        return changed

    def _note(self) -> None:
        """What was seen is what holds."""
        self._changed |= {path for path, signature in self._seen.items() if signature != self._taken[path]}
        self._taken = self._seen

    def follow(self, files: Iterable[Path]) -> None:
        """Look at these from now on; those that were looked at before are as they were when they were taken."""
        self._taken = {path: self._taken.get(path) or _signature(path) for path in files}
        self._seen = self._taken


def _signature(path: Path) -> Signature:
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_size
