"""Whose the files of the store are: what root makes is given to the user that workers run as.

Must not know: what is in the files.
"""

import contextlib
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from postane.accounts.changes import FILE_NAME as CHANGES
from postane.accounts.records import KEY_NAME
from postane.accounts.schema import FILE_NAME
from postane.config.file import ConfigError
from postane.config.model import Config

from .privileges import find_user


def owner_of_files(config: Config) -> tuple[int, int] | None:
    """The user and group that the files of the store are to belong to; None: whoever makes them. Raises ConfigError."""
    if config.server.user is None or os.geteuid() != 0:
        return None
    entry = find_user(config.server.user)
    return entry.pw_uid, entry.pw_gid


def make_storage(config: Config) -> None:
    """The folder of the stores, closed to others, where there is none; made by root it is given to the user that will
    work in it, and so what is made in it later. Raises ConfigError."""
    path, owner = config.storage.path, owner_of_files(config)
    try:
        _make(path, owner)
    except OSError as error:
        raise ConfigError(f"storage.path: cannot make {path}: {error.strerror}") from error


def give_storage(config: Config) -> None:
    """The same for commands that root runs, before they make the folder their way: the store tells what is wrong with
    it, with an exit code by which a mail server tries again. Raises ConfigError where the user is unknown."""
    owner = owner_of_files(config)
    if owner is not None:
        with contextlib.suppress(OSError):
            _make(config.storage.path, owner)


def _make(path: Path, owner: tuple[int, int] | None) -> None:
    if path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700)
    if owner is not None:
        os.chown(path, *owner)


def check_owners(config: Config) -> None:
    """Refuse what workers could not open once they have become another user: nobody would get in. Raises ConfigError,
    with what to do."""
    owner = owner_of_files(config)
    if owner is None:
        return
    for path in _needed(config):
        try:
            found = path.stat().st_uid
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ConfigError(f"{path} cannot be looked at: {error.strerror}") from error
        if found != owner[0]:
            user, whole = config.server.user, config.storage.path
            inside = whole if path.is_relative_to(whole) else path
            raise ConfigError(
                f"{path} belongs to {name_of_user(found)}, and workers run as {user} (server.user):"
                f" chown -R {user}: {inside}"
            )


def name_of_user(number: int) -> str:
    """A user for people."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _needed(config: Config) -> Iterator[Path]:
    path = config.storage.path
    yield path
    for suffix in ("", "-wal", "-shm"):
        yield path / f"{FILE_NAME}{suffix}"
    yield path / CHANGES
    yield config.auth.key_file or path / KEY_NAME
    yield path / "drops"
    yield path / "tmp"
