"""`postane drop restore`, and a look at what it can bring back."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from postane.config.model import Config
from postane.config.units import parse_duration
from postane.maildrop.base import Receipt, Row

from .common import ConfigOption, JsonOption, print_table, read_config
from .drops import find_drop, opened_maildrops
from .words import Exit, Failure, moment, print_json, run, show

EXAMPLE = "Example: postane drop restore anna --since 2h"


def restore(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An account, one of its addresses, or a maildrop.")],
    uid: Annotated[
        list[int] | None, typer.Option("--uid", metavar="N", min=1, help="This message alone. Repeatable.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help='What was deleted since then: "2h" ago, or "2026-11-30T09:00" (UTC).'),
    ] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Bring back what was deleted, as new messages: mail programs fetch them once more. Without options, all of it."""
    if uid and since is not None:
        raise Failure("--uid and --since exclude each other: give one", Exit.USAGE)
    earliest = 0.0 if since is None else _moment_of(since)
    settings = read_config(config)
    receipts = run(_restore(settings, name, uid, earliest))
    if json:
        print_json([{"uid": each.uid, "uidl": each.uidl, "octets": each.octets} for each in receipts])
    else:
        typer.echo(f"{len(receipts) or 'nothing'} restored", err=True)


async def _restore(config: Config, name: str, uids: list[int] | None, earliest: float) -> list[Receipt]:
    async with opened_maildrops(config) as store:
        drop = await find_drop(config, store, name)
        kept = [row async for row in store.deleted(drop)]
        missing = sorted(set(uids or ()) - {row.uid for row in kept})
        if missing:
            words = ", ".join(map(str, missing))
            raise Failure(f"nothing is kept as {words}: see postane drop show {show(name)} --deleted", Exit.DATA)
        wanted = [row.uid for row in kept if not uids or row.uid in uids]
        late = {row.uid for row in kept if (row.deleted or 0.0) >= earliest}
        chosen = [each for each in wanted if each in late]
        return await store.restore(drop, chosen) if chosen else []


def show_deleted(config: Config, name: str, *, json: bool) -> None:
    """What was deleted and is kept."""
    rows = [_as_dict(row) for row in run(_kept(config, name))]
    if json:
        return print_json(rows)
    columns = {"uid": "UID", "octets": "OCTETS", "deleted": "DELETED", "arrived": "ARRIVED", "sender": "SENDER"}
    return print_table(rows, columns, empty=f"nothing that was deleted from the maildrop of {show(name)} is kept")


async def _kept(config: Config, name: str) -> list[Row]:
    async with opened_maildrops(config) as store:
        drop = await find_drop(config, store, name)
        return [row async for row in store.deleted(drop)]


def _as_dict(row: Row) -> dict[str, object]:
    return {
        "uid": row.uid,
        "octets": row.facts.octets,
        "deleted": moment(row.deleted or 0.0),
        "arrived": moment(row.arrived),
        "sender": row.sender,
        "uidl": row.uidl,
    }


def _moment_of(text: str) -> float:
    """A time, or how long ago it is, in seconds since the epoch."""
    try:
        return datetime.now(UTC).timestamp() - parse_duration(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        words = f'--since: {text!r} is not a time; write how long ago, "2h", or when, "2026-11-30T09:00"'
        raise Failure(words, Exit.USAGE) from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
