"""What commands share that have options: those that several have, how they are helped, how they print tables.

Must not know: any command.
"""

import inspect
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from .words import NobodyReads, show

if TYPE_CHECKING:
    from postane.config.model import Config

ConfigOption = Annotated[
    Path | None,
    typer.Option("-c", "--config", metavar="FILE", help="Configuration file.", show_default="postane.toml if there"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


WIDTH = 78
"""Columns of help on a usual terminal."""


def read_config(path: Path | None) -> "Config":
    """The configuration that a command was given or found. Raises ConfigError."""
    from postane.config.file import find_config, load_config  # not every command has to do with it

    return load_config(find_config(path))


class PlainCommand(TyperCommand):
    """A command whose help says what is typed, and no types of Python: newer versions of typer put `<str>` there."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """What was typed; what is wrong with it is told without the words of the library that has found it."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            words = error.message.removeprefix("Value error, ").partition(", unable to parse")[0]
            error.message = words.replace("Input should be", "it should be")
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run it. Raises NobodyReads: the library would end with 1, which means something else."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise NobodyReads from error

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Its arguments, then its options."""
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            records = [each.get_help_record(ctx) for each in self.get_params(ctx) if each.param_type_name == kind]
            rows = [(re.sub(r" <.*>$", "", record[0]), record[1]) for record in records if record is not None]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows, col_max=30 * formatter.width // WIDTH)


def unwrap_help(app: typer.Typer) -> None:
    """Let a terminal's width say where the lines of help end, not the source's; examples stand below the options."""
    for command in app.registered_commands:
        if command.cls in (None, TyperCommand):
            command.cls = PlainCommand
        paragraphs = inspect.cleandoc(command.help or getattr(command.callback, "__doc__", None) or "").split("\n\n")
        if command.epilog is None and paragraphs[-1].startswith("Example: "):
            command.epilog = _on_one_line(paragraphs.pop())
        command.help = "\n\n".join(map(_on_one_line, paragraphs))
        if command.short_help is None:  # in a list of commands, which would cut it off
            command.short_help = command.help.partition("\n\n")[0].partition(". ")[0].removesuffix(".") + "."
    for group in app.registered_groups:
        if group.typer_instance is not None:
            group.short_help = group.typer_instance.info.help
            unwrap_help(group.typer_instance)


def help_width() -> int:
    """Columns for help: as the library has it, and fewer where a terminal has fewer than it knows of."""
    return max(min(shutil.get_terminal_size().columns - 2, WIDTH), 20)


def _on_one_line(paragraph: str) -> str:
    return " ".join(paragraph.split("\n"))


def print_table(
    rows: Sequence[Mapping[str, object]], columns: Mapping[str, str], *, empty: str, long: str = "", spare: str = ""
) -> None:
    """Print `rows` as a table with `columns` (key to heading); `empty` is said where there is no row.

    On a terminal that has no room for it, what is `long` stands below its row, and what is `spare` is left out if that
    does not do.
    """
    if not rows:
        typer.echo(empty, err=True)
        return
    lines = _lines(rows, columns)
    notes: list[list[str]] = [[] for _ in rows]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if room is not None and long in columns and _width(lines) > room:
        lines = _lines(rows, _without(columns, long))
        if _width(lines) > room:
            lines = _lines(rows, _without(columns, long, spare))
        notes = [_below(row[long], room) for row in rows]
    typer.echo(typer.style(lines[0], bold=True))
    for line, note in zip(lines[1:], notes, strict=True):
        typer.echo("\n".join([line, *note]))


def _lines(rows: Sequence[Mapping[str, object]], columns: Mapping[str, str]) -> list[str]:
    cells = [list(columns.values()), *([show(row[key]) for key in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    is_number = [isinstance(rows[0][key], int) for key in columns]
    lines = []
    for line in cells:
        padded = [
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(line, widths, is_number, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return lines


def _width(lines: Sequence[str]) -> int:
    return max(map(len, lines))


def _without(columns: Mapping[str, str], *keys: str) -> dict[str, str]:
    return {key: heading for key, heading in columns.items() if key not in keys}


def _below(value: object, room: int) -> list[str]:
    """On lines of their own, not at the margin, so that they are no rows."""
    if value is None:
        return []
    return textwrap.wrap(show(value), room, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
