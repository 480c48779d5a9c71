"""`postane serve`: run the post office."""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog
import typer

from postane.accounts.base import AccountsUnavailable
from postane.config.advice import advice
from postane.config.backends import LocalBackend
from postane.config.file import find_config, load_config, located
from postane.config.model import Config
from postane.net.listen import CannotListen
from postane.observe.logs import configure_logs

from .common import ConfigOption
from .words import Exit, Failure, run


def serve(config: ConfigOption = None) -> None:
    """Run the post office: mail comes in, waits, and is handed out.

    Prints a line for each address it listens on, and "ready" when clients can come. Logs go to standard error.
    SIGTERM lets open sessions end and stops; SIGHUP reads the configuration again.

    Example: postane serve -c postane.toml
    """
    path = find_config(config)
    settings = load_config(path, is_served=True)
    configure_logs(settings.log.level, settings.log.format)
    _warn(advice(settings, is_root=os.geteuid() == 0))
    open_office(settings, path, _announce)


def open_office(config: Config, path: Path | None, announce: Callable[[str], None]) -> None:
    """Serve with `config` until a signal ends it; `path` is what a reload reads, `announce` gets the lines to print."""
    from postane.app import open_accounts
    from postane.supervisor.ownership import check_owners, make_storage
    from postane.supervisor.parent import Parent, StartFailed
    from postane.supervisor.plan import Plan, make_plan

    def reread() -> Plan:
        again = load_config(path, is_served=True) if path is not None else config
        with located(path):
            open_accounts(again)  # tables that no store understands must not get as far as the workers; asks nobody
            check_owners(again)
            plan = make_plan(again, path)
        _warn(plan.warnings)
        return plan

    configure_logs(config.log.level, config.log.format)
    make_storage(config)
    check_owners(config)
    with located(path):
        plan = make_plan(config, path)
    _warn(plan.warnings)
    if plan.self_made is not None:
        structlog.get_logger("postane").warning(
            "no certificate is configured, so one was made that no client trusts: name yours with tls.certificate"
            " and tls.key",
            certificate=str(plan.self_made.chain),
        )
    with located(path):
        _check_accounts(config)
    try:
        Parent(plan, reread, announce).run()
    except CannotListen as error:
        raise Failure(str(error), Exit.UNAVAILABLE) from error
    except StartFailed as error:
        raise Failure(str(error), Exit.SOFTWARE) from error


def _warn(warnings: Iterable[str]) -> None:
    for words in warnings:
        structlog.get_logger("postane").warning(words)


def _announce(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _check_accounts(config: Config) -> None:
    """Accounts that cannot be read now will not be readable later: say so before the first client is turned away.

    Raises ConfigError where a table of [[accounts]] is not understood.
    """
    from postane.app import open_accounts, open_registry

    run(open_accounts(config).close())
    if not any(isinstance(table, LocalBackend) for table in config.accounts):
        return
    registry = open_registry(config)
    try:
        registry.existing(["postmaster"])
    except AccountsUnavailable as error:
        raise Failure(error.log, Exit.DATA) from error
    finally:
        registry.close()  # nothing of SQLite's may be open when workers are forked


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)
