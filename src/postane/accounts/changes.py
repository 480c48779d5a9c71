"""A number in memory that all processes with the same accounts share: another one after each change of them.

Each login and each recipient asks whether what was remembered still holds. While the number is what it was, nobody has
changed anything, and to ask costs no system call. Whoever changes something commits first and writes the number second,
so that who sees the new number sees the change. The number is random, not counted: two who write at once need no
lock, because a number that was seen once never comes back.

It lies in the file `accounts.changes` beside the accounts. Who cannot use it must not change them (`note` could not
tell); who only reads asks the database instead (`reader`).

Must not know: what was changed.
"""

import mmap
import os
import secrets
from pathlib import Path

from .files import Owner, write_new

FILE_NAME = "accounts.changes"

OCTETS = 8


class Changes:
    """The number of a storage folder; a file that root makes belongs to `owner`. Opened at the first use: a process may
    fork after making this, not after using it."""

    __slots__ = ("_number", "_owner", "_path")

    def __init__(self, folder: Path, owner: Owner | None = None) -> None:
        self._path = folder / FILE_NAME
        self._owner = owner
        self._number: memoryview | None = None

    def number(self) -> memoryview:
        """Where it is: at index 0. Raises OSError."""
        if self._number is None:
            self._number = self._map()
        return self._number

    def note(self) -> None:
        """Something was changed, and is committed. Raises OSError."""
        self.number()[0] = secrets.randbits(8 * OCTETS)

    def _map(self) -> memoryview:
        if not self._path.exists():
            write_new(self._path, secrets.token_bytes(OCTETS), self._owner)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if os.fstat(descriptor).st_size < OCTETS:  # what is behind the end of a file cannot be mapped
                os.pwrite(descriptor, secrets.token_bytes(OCTETS), 0)
            return memoryview(mmap.mmap(descriptor, OCTETS)).cast("Q")
        finally:
            os.close(descriptor)
