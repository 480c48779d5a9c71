"""`postane doctor` and files: is the store there, closed to others, the right user's, and is there room?

Must not know: how the findings are printed, what is in the files.
"""

import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from postane.accounts.base import AccountsUnavailable
from postane.accounts.schema import FILE_NAME, VERSION, look
from postane.config.file import ConfigError
from postane.config.model import Config
from postane.config.units import format_size
from postane.supervisor.privileges import find_user

from .findings import Finding, error, fine, warning

ABOUT = "storage"
LITTLE = 0.05
"""Of the room on a disk: less is warned of."""

MESSAGES = 10
"""Messages as large as are allowed for which there should be room, at the least."""


def examine_storage(config: Config) -> Iterator[Finding]:
    """The folder of the store and the secrets in it."""
    path = config.storage.path
    if not path.is_dir():
        yield warning(ABOUT, f"{path} is not there yet", "postane serve and postane user add make it")
        return
    yield from _examine_folder(path)
    if config.server.user is not None:
        try:
            wanted = find_user(config.server.user)
        except ConfigError as trouble:
            yield error(ABOUT, str(trouble), "")
            return
        yield from _examine_owner(path, wanted)
    for secret in (path / "accounts.sqlite", config.auth.key_file or path / "device.key"):
        yield from examine_secret(secret)
    yield from _examine_accounts(config)
    yield from _examine_room(path, config.limits.message)


def examine_secret(path: Path, *, is_group_allowed: bool = False) -> Iterator[Finding]:
    """A file that only its owner may read; one that is not there is nothing to tell of."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return
    except OSError as trouble:
        yield error("secrets", f"{path} cannot be looked at: {trouble.strerror}", "run this as root or as server.user")
        return
    wide = mode & (0o027 if is_group_allowed else 0o077)
    if wide:
        remedy = f"chmod {640 if is_group_allowed else 600} {path}"
        yield error("secrets", f"{path} is open to others (mode {mode:04o})", remedy)
    else:
        yield fine("secrets", f"{path} is closed to others")


def _examine_folder(path: Path) -> Iterator[Finding]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield error(ABOUT, f"{path} is open to others (mode {mode:04o})", f"chmod 700 {path}")
    elif not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        yield error(ABOUT, f"{path} may not be written by the user that runs this", "run this as root or server.user")
    else:
        yield fine(ABOUT, f"{path} is there, and closed to others")


def _examine_owner(path: Path, wanted: pwd.struct_passwd) -> Iterator[Finding]:
    owner, user = path.stat().st_uid, wanted.pw_name
    if owner != wanted.pw_uid:
        yield error(
            ABOUT, f"{path} belongs to {_name_of(owner)}, and workers run as {user}", f"chown -R {user}: {path}"
        )


def _name_of(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _examine_accounts(config: Config) -> Iterator[Finding]:
    if not (config.storage.path / FILE_NAME).exists():
        return
    try:
        version = look(config.storage.path)
    except AccountsUnavailable as trouble:
        yield error("accounts", trouble.log, "without them nobody can log in, and no mail is taken")
        return
    is_old = f"; they are of version {version}, and the next start brings them up to {VERSION}"
    yield fine("accounts", "the accounts can be read" + (is_old if version < VERSION else ""))


def _examine_room(path: Path, message: int) -> Iterator[Finding]:
    usage, facts = shutil.disk_usage(path), os.statvfs(path)
    free = f"{format_size(usage.free // 1024**2 * 1024**2)} free of {format_size(usage.total // 1024**3 * 1024**3)}"
    remedy = "make room: where there is none, mail is put off and clients cannot delete"
    if usage.free < MESSAGES * message:
        yield error("disk", f"{free}: hardly room for {MESSAGES} large messages", remedy)
    elif usage.free < LITTLE * usage.total:
        yield warning("disk", free, remedy)
    elif facts.f_files and facts.f_favail < LITTLE * facts.f_files:
        yield warning("disk", f"only {facts.f_favail} files more can be made", remedy)
    else:
        yield fine("disk", free)
