"""The `postane` command with its sub-commands: each is a file of its own in this folder, imported when it is wanted.

Must not know: what they do, how one of them ends.
"""

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from importlib.machinery import EXTENSION_SUFFIXES

import typer

import postane

from .common import help_width, unwrap_help

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
        rich_markup_mode=None,  # help without boxes, which comes at once and is narrow enough for any terminal
        context_settings={"help_option_names": ["-h", "--help"], "terminal_width": help_width()},
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
