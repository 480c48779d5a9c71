"""`postane drop verify`: proof that nothing is lost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from postane.config.model import Config
from postane.maildrop.base import Finding, FindingKind

from .common import ConfigOption, JsonOption, read_config
from .drops import find_drop, opened_maildrops
from .words import Exit, print_json, run, show

EXAMPLE = "Example: postane drop verify && echo all is sound"

_HARMLESS = frozenset({FindingKind.ORPHAN})
_MENDED = _HARMLESS | {FindingKind.TOTALS_WRONG}


def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Which ones; none: all.", show_default=False)
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Sweep what crashes left, mend totals. Never removes a message.")
    ] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Prove that every message is there and is what was stored; exit code 65 where one is not."""
    checked, findings = run(_verify(read_config(config), names or [], repair))
    if json:
        print_json([{"drop": f.drop, "kind": f.kind, "uid": f.uid, "detail": f.detail} for f in findings])
    else:
        for finding in findings:
            typer.echo(_line(finding))
        typer.echo(f"{checked} checked, {len({f.drop for f in findings}) or 'none'} with findings", err=True)
    if any(finding.kind not in (_MENDED if repair else _HARMLESS) for finding in findings):
        raise typer.Exit(Exit.DATA)


async def _verify(config: Config, names: list[str], repair: bool) -> tuple[int, list[Finding]]:
    findings = []
    async with opened_maildrops(config) as store:
        drops = [await find_drop(config, store, name) for name in names] or [name async for name in store.drops()]
        with _progress(len(drops)) as advance:
            for drop in drops:
                findings += [finding async for finding in store.verify(drop, repair=repair)]
                advance()
    return len(drops), findings


def _line(finding: Finding) -> str:
    where = show(finding.drop) + (f", message {finding.uid}" if finding.uid is not None else "")
    return f"{where}: {finding.kind}: {show(finding.detail)}"


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """Shows how far it is, on a terminal; gives what is called after each drop."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not Console(stderr=True).is_terminal) as shown:
        task = shown.add_task("verifying", total=total)
        yield lambda: shown.advance(task)
