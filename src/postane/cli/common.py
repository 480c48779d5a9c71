"""What every command shares: its options, its exit codes, its way to print and to fail.

Exit codes are those of sysexits.h; scripts and MTAs rely on them.
"""

import asyncio
import inspect
import json
import sys
from collections.abc import Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from postane.config.model import Config

ResultT = TypeVar("ResultT")

ConfigOption = Annotated[
    Path | None,
    typer.Option("-c", "--config", metavar="FILE", help="Configuration file.", show_default="postane.toml if there"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


class Exit(IntEnum):
    """sysexits.h"""

    OK = 0
    USAGE = 64
    DATA = 65
    NO_INPUT = 66
    NO_USER = 67
    UNAVAILABLE = 69
    SOFTWARE = 70
    OS_ERROR = 71
    CANNOT_CREATE = 73
    IO_ERROR = 74
    TEMP_FAIL = 75
    PROTOCOL = 76
    NO_PERMISSION = 77
    CONFIG = 78


class Failure(Exception):
    """A command cannot do what was asked; `text` tells the person what to do about it."""

    def __init__(self, text: str, code: Exit) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


def read_config(path: Path | None) -> "Config":
    """The configuration that a command was given or found. Raises ConfigError."""
    from postane.config.file import find_config, load_config  # not every command has to do with it

    return load_config(find_config(path))


def unwrap_help(app: typer.Typer) -> None:
    """Let a terminal's width say where the lines of help end, not the source's; examples stand below the options."""
    for command in app.registered_commands:
        paragraphs = inspect.cleandoc(command.help or getattr(command.callback, "__doc__", None) or "").split("\n\n")
        if command.epilog is None and paragraphs[-1].startswith("Example: "):
            command.epilog = _on_one_line(paragraphs.pop())
        command.help = "\n\n".join(map(_on_one_line, paragraphs))
    for group in app.registered_groups:
        if group.typer_instance is not None:
            unwrap_help(group.typer_instance)


def _on_one_line(paragraph: str) -> str:
    return " ".join(paragraph.split("\n"))


def run(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a command's asynchronous part."""
    return asyncio.run(work)


def print_json(value: object) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def print_table(rows: Sequence[Mapping[str, object]], columns: Mapping[str, str], *, empty: str) -> None:
    """Print `rows` as a table with `columns` (key to heading); `empty` is said where there is no row."""
    if not rows:
        typer.echo(empty, err=True)
        return
    cells = [list(columns.values()), *([show(row[key]) for key in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    is_number = [isinstance(rows[0][key], int) for key in columns]
    for number, line in enumerate(cells):
        padded = [
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(line, widths, is_number, strict=True)
        ]
        text = "  ".join(padded).rstrip()
        typer.echo(typer.style(text, bold=True) if number == 0 else text)


def show(value: object) -> str:
    """A value for people, on one line: control characters of hostile names are made visible."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(value))


def moment(seconds: float) -> str:
    """A time for people and programs."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
