"""`postane user import`: many accounts from a file, all of them or none."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from postane.accounts.bulk import Line, Problem, cost_for, hash_lines, parse_lines
from postane.accounts.hashes import FULL, LIGHT, Cost
from postane.accounts.names import show_name
from postane.accounts.partial import Salts
from postane.accounts.records import Entry
from postane.accounts.registry import Registry

from .accounts import opened_registry, say
from .common import ConfigOption
from .words import Exit, Failure

EXAMPLE = (
    "Example: postane user import users.txt, with lines such as anna@example.org:secret or ben:{SHA512-CRYPT}$6$..."
)

PROBLEMS_SHOWN = 20

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="Lines NAME:PASSWORD or NAME:HASH; - is standard input.", allow_dash=True)
]
UpdateOption = Annotated[bool, typer.Option("--update", help="Give accounts that exist their new password.")]
FullCostOption = Annotated[
    bool, typer.Option("--full-cost", help="Hash with the full cost however many passwords there are; takes longer.")
]


def import_accounts(
    file: FileArgument, update: UpdateOption = False, full_cost: FullCostOption = False, config: ConfigOption = None
) -> None:
    """Add many accounts at once: all of the file, or nothing where a line is wrong."""
    lines, problems = parse_lines(_read(file))
    _refuse(file, problems)
    with opened_registry(config) as registry:
        _refuse(file, _taken(registry, lines, update=update))
        cost = FULL if full_cost else cost_for(lines)
        entries = _hash(lines, cost, registry.salts())
        added = registry.import_many(entries, update=update)
    say(f"added {added} accounts" + (f", updated {len(lines) - added}" if update else ""))
    if cost == LIGHT:
        say(
            f"so many passwords were hashed with a lighter argon2id ({LIGHT.memory // 1024} MiB, {LIGHT.passes} pass);"
            " each is hashed with the full cost at its first login (--full-cost does so now)"
        )
    if keyless := sum(not entry.keys for entry in entries):
        say(
            f"{keyless} accounts get their keys for SCRAM at the first login with the password in clear text"
            " (PLAIN, PASS); until then SCRAM refuses them, and nobody is offered it while most passwords lack keys"
        )


def _read(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}", Exit.NO_INPUT) from error


def _taken(registry: Registry, lines: Sequence[Line], *, update: bool) -> list[Problem]:
    """The lines whose names cannot be used, as the accounts are now."""
    taken = registry.existing([line.name for line in lines])
    problems = []
    for line in lines:
        owner = taken.get(line.name)
        if owner is not None and owner != line.name:
            problems.append(Problem(line.number, f"{show_name(line.name)} is an alias of {show_name(owner)}"))
        elif owner is not None and not update:
            words = f"{show_name(line.name)} exists already; --update would give it the new password"
            problems.append(Problem(line.number, words))
    return problems


def _hash(lines: Sequence[Line], cost: Cost, salts: Salts | None) -> list[Entry]:
    if not sys.stderr.isatty():
        return hash_lines(lines, cost, salts, lambda: None)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("hashing passwords"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(lines))
        return hash_lines(lines, cost, salts, lambda: progress.advance(task))


def _refuse(file: Path, problems: Sequence[Problem]) -> None:
    if not problems:
        return
    where = "standard input" if str(file) == "-" else file
    shown = [f"{where}:{problem.number}: {problem.text}" for problem in problems[:PROBLEMS_SHOWN]]
    if len(problems) > PROBLEMS_SHOWN:
        shown.append(f"... and {len(problems) - PROBLEMS_SHOWN} more")
    raise Failure("\n".join([*shown, "nothing was imported"]), Exit.DATA)
