"""Makes files that appear complete or not at all.

A file is written under a name of its own and linked into place: of several processes that make it at once one wins,
and all see the same. Made by root, it belongs to whom the folder belongs to, or to the owner that is named, so that the
workers can use what an administrator's command made.

Must not know: what is in the files.
"""

import os
import secrets
import stat
from pathlib import Path

Owner = tuple[int, int]
"""A user and a group, by their numbers."""

SECRET_LIMIT = 65_536
"""Octets of a file with a secret at most."""


def temporary_name(path: Path) -> Path:
    """A name beside `path` that nobody else uses."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")


def write_new(path: Path, octets: bytes, owner: Owner | None = None) -> None:
    """Make a file for its owner alone, durably, and its folder where there is none; one that is there stays."""
    if not path.parent.is_dir():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if owner is not None:
            os.chown(path.parent, *owner)
    temporary = temporary_name(path)
    try:
        with open(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        publish(temporary, path, owner)
    finally:
        temporary.unlink(missing_ok=True)


def publish(temporary: Path, path: Path, owner: Owner | None = None) -> None:
    """Give a finished file its name, durably; one that is there already stays. The temporary name goes."""
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.chown(temporary, *(owner or (folder.st_uid, folder.st_gid)))
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass  # another process was faster, and its file is as good
    finally:
        temporary.unlink()
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_secret(path: Path) -> str:
    """The first line of a file that only its owner can read. Raises ValueError, whose text names the file alone."""
    try:
        with open(path, "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            octets = file.read(SECRET_LIMIT)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise ValueError(f"{path}: others can read or change it (mode {mode:04o}): chmod 600 {path}")
    line = octets.partition(b"\n")[0].removesuffix(b"\r")
    try:
        secret = line.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not UTF-8 text") from None
    if not secret:
        raise ValueError(f"{path}: its first line is empty")
    return secret
