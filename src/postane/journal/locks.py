"""One run of an account at a time, over all processes: a lock that ends with whoever has it, by whatever end.

The lock is on a file of the account's beside the journal; the file tells who has it, and is never removed. What counts
is the lock. The file also keeps a mark of the last run: a journal that knows another one is an older copy.

Must not know: what a run does.
"""

import contextlib
import hashlib
import os
import sys
import time
from pathlib import Path

from .base import JournalError
from .sqlite_schema import make_folder

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_LINES_LIMIT = 256
_FAR = 1 << 30  # Windows locks octets, and they cannot be read meanwhile: one that nobody reads


class RunLock:
    """A lock that is held. `folder` is that of the journal's locks, made where there is none. `mark` is what was kept
    here last; "": nothing."""

    def __init__(self, folder: Path, account: str) -> None:
        """Take it. Raises JournalError, whose text says who has it and what to do."""
        path = folder / f"{hashlib.sha256(account.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.lock"
        try:
            make_folder(folder)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            state = str(folder).removesuffix(".locks")
            raise JournalError(
                f"the state {state} cannot be used: the lock of {account} cannot be had in {folder}: {error.strerror}:"
                " let this user write there, or name another as `state`"
            ) from None
        try:
            _lock(self._descriptor)
        except OSError:
            holder = _told(self._descriptor)
            os.close(self._descriptor)
            raise JournalError(
                f"{account} is in use by {holder}: wait until that has ended, or end it, then try again", may_pass=True
            ) from None
        self.mark = _read(self._descriptor)[1]
        self._tell()

    def keep(self, mark: str) -> None:
        """Keep this mark until there is another one."""
        self.mark = mark
        self._tell()

    def close(self) -> None:
        """Let go. Idempotent."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            _unlock(descriptor)
            os.close(descriptor)

    def _tell(self) -> None:
        lines = f"{os.getpid()} {time.strftime('%Y-%m-%d %H:%M:%S')}\n{self.mark}\n".encode()
        with contextlib.suppress(OSError):  # it is only told
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, lines)


def _read(descriptor: int) -> tuple[str, str]:
    """Who has or had it, and the mark."""
    lines = b""
    with contextlib.suppress(OSError):
        os.lseek(descriptor, 0, os.SEEK_SET)
        lines = os.read(descriptor, _LINES_LIMIT)
    holder, _, mark = lines.decode("ascii", "replace").partition("\n")
    return holder.strip(), mark.strip()


def _told(descriptor: int) -> str:
    pid, _, since = _read(descriptor)[0].partition(" ")
    if not pid:
        return "another process"
    return f"process {pid} since {since}" if pid != str(os.getpid()) else f"another run in this process since {since}"


def _unlock(descriptor: int) -> None:
    """Before it is closed: a program that is just being started may have it open a moment longer."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _lock(descriptor: int) -> None:
    """Raises OSError where another one has it."""
    if sys.platform == "win32":
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
