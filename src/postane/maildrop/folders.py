"""Where the embedded store keeps things, and file operations that a power failure does not undo.

`drops/<2 hex>/<name>/` is a drop's folder: `index.sqlite` with its companions, `lease`, `blobs/`, and `removed` in
one that was removed. `tmp/` holds bodies on their way in, `reserve` is space kept back, `changes` and `takeovers` are
numbers that processes share. Folders are 0700, files 0600; what root makes belongs to whom the folder around it belongs
to: a command run by root does not lock the server out.

Must not know: what is in the files.
"""

import errno
import fcntl
import hashlib
import os
import urllib.parse
from pathlib import Path

from .base import MaildropError, StoreFull, StoreUnavailable

NAME_LIMIT = 200
"""Octets of a quoted drop name that a folder bears; a longer one is cut, and told apart by its digest."""

CUT = "~"
"""What the folder of a drop with a cut name begins with."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE})
_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)  # macOS: fsync alone leaves data in the drive's cache


class Folders:
    """The paths of one store."""

    __slots__ = ("drops", "root", "tmp")

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.drops = f"{root}/drops"
        self.tmp = f"{root}/tmp"  # noqa: S108 (ours)

    def drop(self, name: str) -> str:
        """The folder of a drop."""
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
        return f"{self.drops}/{digest[:2]}/{quote_name(name, digest)}"

    def names(self) -> list[str]:
        """The folders of all drops that exist and were not removed, as paths."""
        found = []
        for shard in _entries(self.drops):
            for folder in _entries(f"{self.drops}/{shard}"):
                path = f"{self.drops}/{shard}/{folder}"
                is_used = os.path.exists(f"{path}/index.sqlite") or os.path.exists(f"{path}/lease")
                if is_used and not os.path.exists(f"{path}/removed"):
                    found.append(path)
        return found

    def make_drop(self, name: str) -> str:
        """Make the folder of a drop, durably, where it is not there."""
        folder = self.drop(name)
        self.make(folder)
        return folder

    def make(self, folder: str) -> None:
        """Make a folder of this store, and those around it, durably, where they are not there."""
        if os.path.isdir(folder):
            return
        if folder == self.root:
            os.makedirs(os.path.dirname(folder), exist_ok=True)
        else:
            self.make(os.path.dirname(folder))
        make_folder(folder)


def _entries(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        return []


def quote_name(name: str, digest: str) -> str:
    """A drop's name as the name of a folder: one that is neither hidden, nor a path, nor too long."""
    if not name:
        raise ValueError("a drop needs a name")
    quoted = urllib.parse.quote(name, safe="@+=,", errors="surrogateescape")
    if quoted[0] in f".{CUT}":
        quoted = f"%{ord(quoted[0]):02X}{quoted[1:]}"
    return quoted if len(quoted) <= NAME_LIMIT else f"{CUT}{digest}"


def unquote_name(folder: str) -> str | None:
    """The inverse; None where the name was cut."""
    return None if folder.startswith(CUT) else urllib.parse.unquote(folder, errors="surrogateescape")


def make_folder(path: str) -> None:
    """Make a folder, durably, where it is not there."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    own_like(os.path.dirname(path), path)
    sync_folder(os.path.dirname(path))


def open_file(path: str, flags: int) -> int:
    """Open a file, made 0600 where `flags` have O_CREAT."""
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    if flags & os.O_CREAT:
        own_like(os.path.dirname(path), descriptor)
    return descriptor


def own_like(folder: str, path: str | int) -> None:
    """Give what root made to whom the folder belongs to."""
    if os.geteuid() == 0:
        owner = os.stat(folder)
        if (owner.st_uid, owner.st_gid) != (0, 0):
            os.chown(path, owner.st_uid, owner.st_gid)


def sync(descriptor: int) -> None:
    """Make what was written durable."""
    if _FULL_SYNC is not None:
        fcntl.fcntl(descriptor, _FULL_SYNC)
    else:
        os.fsync(descriptor)


def sync_folder(path: str) -> None:
    """Make names that were made in, or taken from, a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def inode(path: str) -> tuple[int, int] | None:
    """What tells a file from another that has its name later; None where there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def storage_error(error: OSError, work: str) -> MaildropError:
    """What a failed file operation means for whoever asked for it."""
    log = f"{work}: {error.strerror or error}" + (f": {error.filename}" if error.filename else "")
    if error.errno in _FULL:
        return StoreFull("no space left for mail, try again later", log)
    return StoreUnavailable("maildrop is not available now, try again later", log)
