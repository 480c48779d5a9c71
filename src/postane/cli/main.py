"""The `postane` command: every sub-command is a file of its own in this folder, imported when it is wanted."""

import gc
import importlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING

import typer

import postane
from postane.config.text import ConfigError

from .common import Exit, Failure, show, unwrap_help

if TYPE_CHECKING:
    from postane.accounts.base import AccountError
    from postane.maildrop.errors import MaildropError

TYPER_USAGE = 2
"""What typer ends with when it cannot understand the command line; sysexits.h has a number of its own for that."""

MODULES: Mapping[str, str] = {
    "demo": "demo",
    "serve": "serve",
    "sessions": "sessions",
    "kick": "sessions",
    "doctor": "doctor",
    "fetch": "fetch_group",
    "talk": "talk",
    "user": "user",
    "drop": "drop",
    "config": "config",
}
"""Where each command is; a module has `register`, or the group `app`."""


def make_app(arguments: Sequence[str] = ()) -> typer.Typer:
    """The command with all its sub-commands, or with the one that is wanted: the rest need not be imported then."""
    app = typer.Typer(
        name="postane",
        help="Postane, a complete Post Office Protocol system.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    wanted = arguments[0] if arguments else ""
    names = [MODULES[wanted]] if wanted in MODULES else list(dict.fromkeys(MODULES.values()))
    for name in names:
        module = importlib.import_module(f".{name}", __package__)
        if hasattr(module, "register"):
            module.register(app)
        elif hasattr(module, "make_group"):
            app.add_typer(module.make_group(arguments[1:]), name="fetch")
        else:
            app.add_typer(module.app, name=next(each for each in MODULES if MODULES[each] == name))
    app.callback()(_options)
    unwrap_help(app)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"postane {postane.__version__} ({_kind()})")
        raise typer.Exit


def _kind() -> str:
    """What is really imported here; in another Python than it was made for, a compiled wheel is pure too."""
    spec = importlib.util.find_spec("postane.pop3.server")
    is_compiled = spec is not None and str(spec.origin).endswith(tuple(EXTENSION_SUFFIXES))
    return "compiled" if is_compiled else "pure Python"


def _options(version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True)) -> None:
    del version


def main() -> None:
    """Run a command; errors are one line on standard error and an exit code of sysexits.h."""
    gc.disable()  # nothing of what is imported now goes before the end: looking for what does costs a twentieth
    try:
        app = make_app(sys.argv[1:])
        gc.enable()
        app(standalone_mode=True)
    except SystemExit as end:
        sys.exit(Exit.USAGE if end.code == TYPER_USAGE else end.code)
    except Failure as failure:
        _fail(failure.text, failure.code)
    except ConfigError as error:
        _fail(str(error), Exit.CONFIG)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(Exit.OK)
    except OSError as error:
        _fail(f"{error.strerror}: {error.filename}" if error.filename else str(error), Exit.OS_ERROR)
    except _store_errors() as error:
        _fail(error.log, _store_code(error))


def _store_errors() -> "tuple[type[MaildropError], type[AccountError]]":
    """What stores raise. Asked for when something was raised: not every command has to do with stores."""
    from postane.accounts.base import AccountError
    from postane.maildrop.errors import MaildropError

    return MaildropError, AccountError


def _store_code(error: "MaildropError | AccountError") -> Exit:
    from postane.accounts.base import AccountsUnavailable
    from postane.maildrop.errors import MaildropError, StoreDamaged, StoreTooNew

    if isinstance(error, StoreDamaged | StoreTooNew):
        return Exit.DATA
    return Exit.TEMP_FAIL if isinstance(error, MaildropError | AccountsUnavailable) else Exit.DATA


def _fail(text: str, code: Exit) -> None:
    for line in text.splitlines():
        typer.echo(f"postane: {show(line)}", err=True)  # whoever named what is wrong may be an enemy
    sys.exit(code)
