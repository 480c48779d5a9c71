"""The `postane` command: every sub-command is a file of its own in this folder."""

import importlib.util
import sys
from importlib.machinery import EXTENSION_SUFFIXES

import typer

import postane
from postane.accounts.base import AccountError, AccountsUnavailable
from postane.config.file import ConfigError
from postane.maildrop.base import MaildropError, StoreDamaged, StoreTooNew

from . import config, demo, doctor, drop, serve, sessions, user
from .common import Exit, Failure, show, unwrap_help

TYPER_USAGE = 2
"""What typer ends with when it cannot understand the command line; sysexits.h has a number of its own for that."""

app = typer.Typer(
    name="postane",
    help="Postane, a complete Post Office Protocol system.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
demo.register(app)
serve.register(app)
sessions.register(app)
doctor.register(app)
app.add_typer(user.app, name="user")
app.add_typer(drop.app, name="drop")
app.add_typer(config.app, name="config")
unwrap_help(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"postane {postane.__version__} ({_kind()})")
        raise typer.Exit


def _kind() -> str:
    """What is really imported here; in another Python than it was made for, a compiled wheel is pure too."""
    spec = importlib.util.find_spec("postane.pop3.server")
    is_compiled = spec is not None and str(spec.origin).endswith(tuple(EXTENSION_SUFFIXES))
    return "compiled" if is_compiled else "pure Python"


@app.callback()
def _options(version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True)) -> None:
    del version


def main() -> None:
    """Run a command; errors are one line on standard error and an exit code of sysexits.h."""
    try:
        app(standalone_mode=True)
    except SystemExit as end:
        sys.exit(Exit.USAGE if end.code == TYPER_USAGE else end.code)
    except Failure as failure:
        _fail(failure.text, failure.code)
    except ConfigError as error:
        _fail(str(error), Exit.CONFIG)
    except (StoreDamaged, StoreTooNew) as error:
        _fail(error.log, Exit.DATA)
    except MaildropError as error:
        _fail(error.log, Exit.TEMP_FAIL)
    except AccountsUnavailable as error:
        _fail(error.log, Exit.TEMP_FAIL)
    except AccountError as error:
        _fail(error.log, Exit.DATA)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(Exit.OK)
    except OSError as error:
        _fail(f"{error.strerror}: {error.filename}" if error.filename else str(error), Exit.OS_ERROR)


def _fail(text: str, code: Exit) -> None:
    for line in text.splitlines():
        typer.echo(f"postane: {show(line)}", err=True)  # whoever named what is wrong may be an enemy
    sys.exit(code)
