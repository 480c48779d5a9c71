"""`postane drop expire`: what housekeeping does by itself, done by hand, or only told."""

from typing import Annotated

import typer

from postane.config.model import Config
from postane.maildrop.base import DropInUse
from postane.server.housekeeping import Housekeeper, Overdue

from .common import ConfigOption, JsonOption, print_table, read_config
from .drops import find_drop, opened_maildrops
from .words import Exit, Failure, moment, print_json, run, show

EXAMPLE = "Example: postane drop expire --dry-run"


def expire(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Which ones; none: all.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be removed.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Remove messages older than their retention, and what was deleted longer ago than the restore window.

    The server does so by itself every hour.
    """
    found, busy = run(_expire(read_config(config), names or [], dry_run))
    rows = [_as_dict(each) for each in found]
    if json:
        print_json(rows)
    else:
        columns = {"drop": "MAILDROP", "octets": "OCTETS", "uidl": "UIDL", "arrived": "ARRIVED", "deleted": "DELETED"}
        print_table(rows, columns, empty="nothing has outlived its time")
        if rows:
            typer.echo(f"{len(rows)} {'would be removed' if dry_run else 'removed'}", err=True)
    if busy:
        words = [f"{show(drop)} is in use: its messages stay until the next time" for drop in busy]
        raise Failure("\n".join(words), Exit.TEMP_FAIL)


async def _expire(config: Config, names: list[str], dry_run: bool) -> tuple[list[Overdue], list[str]]:
    from postane.app import open_accounts, open_housekeeper  # here: `--help` needs nothing of the house

    found: list[Overdue] = []
    busy: list[str] = []
    async with opened_maildrops(config) as store:
        accounts = open_accounts(config)
        try:
            housekeeper = open_housekeeper(config, store, accounts)
            for drop in [await find_drop(config, store, name) for name in names] or [n async for n in store.drops()]:
                try:
                    found += await _one(housekeeper, drop, dry_run)
                except DropInUse:
                    busy.append(drop)
        finally:
            await accounts.close()
    return found, busy


async def _one(housekeeper: Housekeeper, drop: str, dry_run: bool) -> list[Overdue]:
    return await (housekeeper.overdue(drop) if dry_run else housekeeper.tidy(drop))


def _as_dict(each: Overdue) -> dict[str, object]:
    row = each.row
    return {
        "drop": each.drop,
        "octets": row.facts.octets,
        "uidl": row.uidl,
        "arrived": moment(row.arrived),
        "deleted": None if row.deleted is None else moment(row.deleted),
        "sender": row.sender,
        "uid": row.uid,
    }
