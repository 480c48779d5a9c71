"""`postane fetch` with its sub-commands: those of them that are wanted, since a fetch should begin at once.

Must not know: what they do.
"""

import importlib
from collections.abc import Mapping, Sequence

import typer

from .fetch import AccountsOrCommand, Nameless, fetch

COMMANDS: Mapping[str, str] = {
    "add": "fetch_add",
    "check": "fetch_check",
    "login": "fetch_login",
    "state": "fetch_state",
}
"""Where each of them is; what is none of them is the name of an account."""


def make_group(arguments: Sequence[str]) -> typer.Typer:
    """The group, with all of its commands where `arguments`, those behind its name, do not say which is wanted."""
    group = typer.Typer(cls=AccountsOrCommand, help="Fetch mail from other servers.")
    group.command("run", cls=Nameless, hidden=True)(fetch)
    first = arguments[0] if arguments else None
    for name in [first] if first in COMMANDS else [] if arguments else COMMANDS:
        assert name is not None, "it is one of them"
        module = importlib.import_module(f".{COMMANDS[name]}", __package__)
        if name == "state":
            group.add_typer(module.app, name=name)
        else:
            group.command(name)(getattr(module, name))
    return group
