"""The command with its sub-commands: only what is wanted is imported."""

import typer.main

from postane.cli.commands import MODULES, make_app


def names(*arguments: str) -> set[str]:
    return set(typer.main.get_group(make_app(arguments)).commands)


def test_all_of_them_where_nobody_says_which() -> None:
    assert names() == names("--help") == names("frobnicate") == set(MODULES)


def test_only_the_one_that_is_wanted() -> None:
    assert names("drop", "put") == {"drop"}
    assert names("sessions") == names("kick") == {"sessions", "kick"}
