"""What the `postane user` commands share: the open registry, its errors as exit codes, and where passwords come from.

A password is never an argument of a command, is never echoed, and is in no error.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from postane.accounts.base import Account, AccountsUnavailable, NameTaken, UnknownName
from postane.accounts.devices import generate_secret
from postane.accounts.hashes import BadPassword
from postane.accounts.imported import HashError
from postane.accounts.names import BadName, show_name
from postane.accounts.registry import Registry
from postane.config.backends import LocalBackend, OauthBackend
from postane.config.file import ConfigError
from postane.config.model import Config

from .common import read_config
from .words import Exit, Failure, run

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="USER or USER@DOMAIN.", show_default=False)]
PasswordStdinOption = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
GenerateOption = Annotated[bool, typer.Option("--generate", help="Make up a password and print it.")]


@contextmanager
def opened_registry(config: Path | None) -> Iterator[Registry]:
    """The accounts of the configuration; what is wrong with names and passwords ends the command with its code."""
    from postane.app import open_registry  # here: `--help` needs nothing of the house
    from postane.supervisor.ownership import give_storage

    settings = read_config(config)
    if not any(isinstance(table, LocalBackend) for table in settings.accounts):
        raise ConfigError('no [[accounts]] table has kind = "local": nobody would ask for the accounts of postane user')
    give_storage(settings)
    registry = open_registry(settings)
    try:
        yield registry
    except UnknownName as error:
        elsewhere = error.account and _elsewhere(settings, error.account)
        raise Failure(elsewhere or str(error.text), Exit.NO_USER) from error
    except NameTaken as error:
        raise Failure(str(error.text), Exit.CANNOT_CREATE) from error
    except (BadName, BadPassword, HashError) as error:
        raise Failure(str(error), Exit.DATA) from error
    finally:
        registry.close()


def _elsewhere(settings: Config, name: str) -> str | None:
    """Which other table has an account of this name: it is not to be changed from here."""
    for table in settings.accounts:
        if not isinstance(table, LocalBackend | OauthBackend):
            with suppress(ConfigError, AccountsUnavailable):
                if run(_find(settings.model_copy(update={"accounts": (table,)}), name)) is not None:
                    where = f'{show_name(name)} is an account of the table kind = "{table.kind}" in [[accounts]]'
                    return f"{where}: postane user shows and changes local accounts alone"
    return None


async def _find(settings: Config, name: str) -> Account | None:
    from postane.app import open_accounts

    store = open_accounts(settings)
    try:
        return await store.find(name)
    finally:
        await store.close()


def say(text: str) -> None:
    """Tell a person what was done; standard output is for data."""
    typer.echo(text, err=True)


def check_choice(from_stdin: bool, generate: bool) -> None:
    """The ways to give a password exclude each other, and a program must choose one."""
    if from_stdin and generate:
        raise Failure("--password-stdin and --generate exclude each other: give one", Exit.USAGE)
    if not from_stdin and not generate and not sys.stdin.isatty():
        words = "there is no terminal to ask for a password: give --password-stdin or --generate"
        raise Failure(words, Exit.USAGE)


def take_password(name: str, *, from_stdin: bool, generate: bool) -> str:
    """The password that `check_choice` allows: from standard input, made up, or asked for twice."""
    if generate:
        return generate_secret()
    if from_stdin:
        return read_secret()
    answer: str = typer.prompt(f"Password for {name}", hide_input=True, confirmation_prompt=True, err=True)
    return answer


def read_secret() -> str:
    """One line of standard input, without its end."""
    text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    line = text.removesuffix("\n").removesuffix("\r")
    if "\n" in line or "\r" in line:
        raise Failure("one line is expected on standard input: the password alone", Exit.DATA)
    return line
