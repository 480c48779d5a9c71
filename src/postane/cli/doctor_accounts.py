"""`postane doctor` and [[accounts]]: can every table be asked, and may workers read the files that it names?

Every question is harmless: of nobody's password, and nothing is written.

Must not know: how the findings are printed; how any store works, but for the lines of a passwd-file.
"""

import base64
import contextlib
import grp
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from postane.accounts.base import AccountError, AccountStore, AccountsUnavailable, LoginRefused
from postane.accounts.passwd_table import WARNINGS, troubles_of
from postane.config.backends import Backend, LocalBackend, OauthBackend, PamBackend, PasswdFileBackend
from postane.config.file import ConfigError
from postane.config.model import Config
from postane.supervisor.privileges import find_user

from .doctor_storage import examine_secret
from .findings import Finding, error, fine, warning
from .words import run

ABOUT = "accounts"
NOBODY = "postmaster", "postane.invalid"
"""Who is asked for: nobody can have this domain."""

DOWN = "until it answers nobody of that table can log in, and mail for names that no earlier table knows is put off"


def examine_accounts(config: Config, *, is_offline: bool) -> Iterator[Finding]:
    """Every table but those of `postane user`, which `examine_storage` looks at. `is_offline`: no server is asked."""
    for table in config.accounts:
        yield from _examine_files(table, config.server.user)
        if isinstance(table, PasswdFileBackend):
            yield from _examine_lines(table)
        elif not isinstance(table, LocalBackend) and (not is_offline or isinstance(table, PamBackend)):
            yield from _ask(table, config)


def _examine_files(table: Backend, user: str | None) -> Iterator[Finding]:
    for name in type(table).model_fields:
        value = getattr(table, name)
        path = Path(value) if name == "jwks" and value is not None and "://" not in value else value
        if not isinstance(path, Path):
            continue
        is_shared = table.kind == "passwd-file"  # with another server, by its group
        if is_shared or name.endswith("_file"):
            yield from examine_secret(path, is_group_allowed=is_shared)
        if user is not None and not _may_read(path, user):
            remedy = f"chgrp {_group_of(user)} {path} && chmod 640 {path}" if is_shared else f"chown {user} {path}"
            yield error("secrets", f"{path} cannot be read by {user}, as which workers run", remedy)


def _may_read(path: Path, user: str) -> bool:
    """Whether a user could open the file, asked of the system as that user: folders and access lists count too. Who is
    not root cannot ask, and is told that all is well; nor is anything said of a user that is not there."""
    if os.geteuid() != 0 or not path.exists():
        return True
    try:
        entry = find_user(user)
    except ConfigError:
        return True
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    asked = ["/bin/sh", "-c", 'test -r "$1"', "sh", str(path.absolute())]
    done = subprocess.run(  # noqa: S603 - no word of a command is anybody's but ours
        asked, user=entry.pw_uid, group=entry.pw_gid, extra_groups=groups, cwd="/", check=False
    )
    return done.returncode == 0


def _group_of(user: str) -> str:
    try:
        return grp.getgrgid(find_user(user).pw_gid).gr_name
    except KeyError:
        return user


def _examine_lines(table: PasswdFileBackend) -> Iterator[Finding]:
    try:
        troubles = troubles_of(table.path, table.scheme)
    except AccountsUnavailable as trouble:
        yield error(ABOUT, trouble.log, DOWN)
        return
    for number, words in troubles[:WARNINGS]:
        yield warning(ABOUT, f"{table.path}:{number}: {words}", "mend the line: the others count all the same")
    if len(troubles) > WARNINGS:
        yield warning(ABOUT, f"{table.path}: {len(troubles) - WARNINGS} lines more", "mend them")
    if not troubles:
        yield fine(ABOUT, f"{table.path} can be read, all of it")


def _ask(table: Backend, config: Config) -> Iterator[Finding]:
    subject = f"[[accounts]] {table.kind}"
    try:
        run(_question(table, config))
    except ConfigError as trouble:
        yield error(ABOUT, str(trouble), "")
    except AccountError as trouble:
        yield error(ABOUT, f"{subject}: {trouble.log}", DOWN)
    else:
        yield fine(ABOUT, f"{subject} answers")


async def _question(table: Backend, config: Config) -> None:
    """Ask whatever this table can be asked. Raises AccountsUnavailable, ConfigError."""
    from postane.app import open_accounts

    tables = (LocalBackend(), table) if isinstance(table, OauthBackend) else (table,)
    store = open_accounts(config.model_copy(update={"accounts": tables}))
    try:
        if isinstance(table, OauthBackend):
            await _show_token(store, table)
        else:
            name, domain = NOBODY
            await store.find(name)
            await store.resolve(name, domain)
            await store.is_local(domain)
    finally:
        await store.close()


async def _show_token(store: AccountStore, table: OauthBackend) -> None:
    """A token of nobody's: whoever can say so has the keys, or has been told by the authorization server."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": table.algorithms[0]}).encode()).rstrip(b"=")
    with contextlib.suppress(LoginRefused):
        await store.verify_token(None, f"{header.decode()}.e30.AAAA")
