"""Options as the fields of a value."""

import dataclasses
import inspect
from typing import Annotated

import typer
from typer.testing import CliRunner

from postane.cli.talk_options import taking


@dataclasses.dataclass(frozen=True)
class Wish:
    what: Annotated[str, typer.Argument()]
    loud: Annotated[bool, typer.Option("--loud")] = False


def test_each_field_is_a_parameter():
    got: list[Wish] = []

    def command(wish: Wish) -> None:
        """Wish."""
        got.append(wish)

    taken = taking(Wish, command)
    assert list(inspect.signature(taken).parameters) == ["what", "loud"]
    app = typer.Typer()
    app.command()(taken)
    assert CliRunner().invoke(app, ["tea", "--loud"]).exit_code == 0
    assert CliRunner().invoke(app, []).exit_code == 2
    assert got == [Wish("tea", True)]
