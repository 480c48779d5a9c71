"""`postane config`: look at a configuration before a server does."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from postane.accounts.base import AccountsUnavailable
from postane.accounts.passwd_table import WARNINGS, troubles_of
from postane.config.advice import advice
from postane.config.backends import PasswdFileBackend
from postane.config.file import ConfigError, Problem, find_config, load_config, located
from postane.config.model import Config
from postane.config.named import is_unknown

from .common import ConfigOption, JsonOption
from .words import Exit, print_json, run, show

app = typer.Typer(no_args_is_help=True, help="Look at a configuration before a server does.")


@app.command("check", epilog="Example: postane config check -c postane.toml")
def check(json: JsonOption = False, config: ConfigOption = None) -> None:
    """Say whether a configuration can be used, and what in it may not have been meant.

    The files that it names are looked for too, and certificates are loaded; nothing is asked of a database or another
    server, nothing is made or changed. The exit code is 78 where postane
    serve would refuse the configuration, with a line for each problem: the file, the line, the key and what would be
    right.
    """
    path = find_config(config)
    try:
        settings = load_config(path, is_served=True)
        with located(path):
            troubles = _open(settings, path)
    except ConfigError as error:
        if not json:
            raise
        _print_report(path, error.problems or [Problem(str(path), str(error))], ())
        raise typer.Exit(Exit.CONFIG) from error
    words = [*_warnings(settings), *troubles]
    if json:
        _print_report(path, (), words)
        return
    for each in words:
        typer.echo(f"warning: {show(each)}", err=True)
    typer.echo(f"{path}: ok" if path else "there is no configuration file: the defaults hold")


def _warnings(settings: Config) -> list[str]:
    words = list(advice(settings, is_root=os.geteuid() == 0))
    if is_unknown(settings.server.user):  # root would have been refused
        words.append(
            f'server.user: this machine has no user "{settings.server.user}": started by root, it would refuse'
        )
    for table in settings.accounts:
        if isinstance(table, PasswdFileBackend):
            words += _broken_lines(table)
    return words


def _broken_lines(table: PasswdFileBackend) -> list[str]:
    """Lines that cost nobody but themselves. Nothing where the file is not there: that is refused."""
    try:
        troubles = troubles_of(table.path, table.scheme)
    except AccountsUnavailable as error:
        return [error.log]
    told = [f"{table.path}:{number}: {why}" for number, why in troubles[:WARNINGS]]
    more = len(troubles) - WARNINGS
    return [*told, f"{table.path}: so are {more} lines more"] if more > 0 else told


def _open(settings: Config, path: Path | None) -> tuple[str, ...]:
    """What a server does before it asks anything of its accounts: certificates that are named are loaded, none is made.

    What is amiss with them is returned. Raises ConfigError.
    """
    from postane.app import open_accounts
    from postane.supervisor.plan import configured, make_plan

    plan = make_plan(settings, path) if configured(settings) is not None else None
    try:
        run(open_accounts(settings).close())
    except AccountsUnavailable as error:
        raise ConfigError(f"[[accounts]]: {error.log}") from error
    return () if plan is None else plan.warnings


def _print_report(path: Path | None, problems: Sequence[Problem], words: Sequence[str]) -> None:
    print_json(
        {
            "file": None if path is None else str(path),
            "ok": not problems,
            "problems": [asdict(problem) for problem in problems],
            "advice": words,
        }
    )
