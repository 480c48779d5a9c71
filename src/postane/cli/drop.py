"""`postane drop`: look at maildrops, put a message in, prove that they are sound."""

import sys
import time
from collections.abc import AsyncIterator
from typing import Annotated

import typer

from postane.config.model import Config
from postane.maildrop.base import Holder, Lock, LockPolicy, MaildropStore, Row, StoreDamaged, StoreTooNew

from . import drop_expire, drop_put, drop_restore, drop_verify
from .common import ConfigOption, JsonOption, print_table, read_config
from .drops import find_drop, opened_maildrops
from .words import Exit, Failure, moment, print_json, run, show

app = typer.Typer(no_args_is_help=True, help="Look into maildrops, put mail in, check that all is sound.")

BLOCK = 64 * 1024
"""Octets that are copied at once."""

PATIENCE = Lock(LockPolicy.WAIT, 5.0)
"""How long a command waits for a drop that a session has open."""

DropArgument = Annotated[str, typer.Argument(metavar="NAME", help="An account, one of its addresses, or a maildrop.")]


@app.command("list", epilog="Example: postane drop list --json")
def list_drops(json: JsonOption = False, config: ConfigOption = None) -> None:
    """List all maildrops with what they hold."""
    rows, damaged = run(_list(read_config(config)))
    if json:
        print_json(rows)
    else:
        columns = {"name": "NAME", "messages": "MESSAGES", "octets": "OCTETS", "deleted": "DELETED", "newest": "NEWEST"}
        print_table(rows, columns, empty="no maildrops yet: postane drop put NAME < message")
    if damaged:
        raise Failure("\n".join(damaged), Exit.DATA)


async def _list(config: Config) -> tuple[list[dict[str, object]], list[str]]:
    rows: list[dict[str, object]] = []
    damaged = []
    async with opened_maildrops(config) as store:
        async for name in store.drops():
            try:
                held = await store.usage(name)
            except (StoreDamaged, StoreTooNew) as error:
                damaged.append(error.log)
                continue
            newest = moment(held.newest) if held.newest is not None else None
            row = {"name": name, "messages": held.messages, "octets": held.octets, "newest": newest}
            rows.append(row | {"deleted": held.deleted_messages, "deleted_octets": held.deleted_octets})
    return rows, damaged


@app.command("show", epilog="Example: postane drop show anna --message 1 | less")
def show_drop(
    name: DropArgument,
    message: Annotated[
        int | None, typer.Option("--message", "-m", metavar="N", min=1, help="Print message N as it is stored.")
    ] = None,
    deleted: Annotated[
        bool, typer.Option("--deleted", help="Show what was deleted and is kept; see postane drop restore.")
    ] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show the messages of a maildrop, or one of them."""
    settings = read_config(config)
    if deleted and message is not None:
        raise Failure("--deleted and --message exclude each other: restore a message to read it", Exit.USAGE)
    if deleted:
        return drop_restore.show_deleted(settings, name, json=json)
    if message is not None:
        return run(_print_message(settings, name, message))
    rows = run(_rows(settings, name))
    if json:
        return print_json(rows)
    columns = {"number": "NUMBER", "octets": "OCTETS", "uidl": "UIDL", "arrived": "ARRIVED", "sender": "SENDER"}
    return print_table(rows, columns, empty=f"the maildrop of {show(name)} is empty")


async def _rows(config: Config, name: str) -> list[dict[str, object]]:
    async with opened_maildrops(config) as store:
        drop = await find_drop(config, store, name)
        return [_as_dict(number, row) async for number, row in _numbered(store, drop)]


async def _numbered(store: MaildropStore, drop: str) -> AsyncIterator[tuple[int, Row]]:
    number = 0
    async for row in store.rows(drop):
        number += 1
        yield number, row


def _as_dict(number: int, row: Row) -> dict[str, object]:
    return {
        "number": number,
        "octets": row.facts.octets,
        "uidl": row.uidl,
        "arrived": moment(row.arrived),
        "sender": row.sender,
        "uid": row.uid,
        "file": row.blob.name if row.blob else None,
    }


async def _print_message(config: Config, name: str, number: int) -> None:
    async with opened_maildrops(config) as store:
        drop = await find_drop(config, store, name)
        session = await store.open(drop, Holder("drop show", "", "local", time.time()), PATIENCE)
        try:
            await session.load()
            if number > session.snapshot.total:
                raise Failure(f"no message {number}: the maildrop has {session.snapshot.total}", Exit.DATA)
            message = await session.open_message(number)
            try:
                sys.stdout.buffer.write(message.head)
                while message.rest and (octets := await message.rest.read(BLOCK)):
                    sys.stdout.buffer.write(octets)
                sys.stdout.buffer.flush()
            finally:
                await message.close()
        finally:
            await session.close()


app.command("expire", epilog=drop_expire.EXAMPLE)(drop_expire.expire)
app.command("restore", epilog=drop_restore.EXAMPLE)(drop_restore.restore)
app.command("put", epilog=drop_put.EXAMPLE)(drop_put.put)
app.command("verify", epilog=drop_verify.EXAMPLE)(drop_verify.verify)
