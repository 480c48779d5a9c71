"""`postane user share`: leave to read another account's maildrop, for the protocols that can name one."""

from typing import Annotated, Any

import typer

from postane.accounts.records import Record

from .accounts import NameArgument, opened_registry, say
from .common import ConfigOption, JsonOption
from .words import print_json, show

EXAMPLE = "Example: postane user share anna@example.org --with ben@example.org"

WithOption = Annotated[
    str, typer.Option("--with", metavar="OTHER", help="The account that may read NAME's mail.", show_default=False)
]
StopOption = Annotated[bool, typer.Option("--stop", help="End it; a session that reads now may read to its end.")]


def share(
    name: NameArgument,
    other: WithOption,
    stop: StopOption = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Let another account read the mail of NAME and delete nothing, by POP2's FOLD and POP1's RETR."""
    with opened_registry(config) as registry:
        if stop:
            registry.unshare(name, other)
        else:
            registry.share(name, other)
        record = registry.show(name)
    if json:
        return print_json({"name": record.account.name, **as_json(record)})
    if stop:
        return say(f"{other} cannot read the mail of {name} any more")
    return say(f"{other} can read the mail of {name}: FOLD {name} in POP2, RETR {name} in POP1")


def shown(record: Record) -> list[str]:
    """Both directions as `user show` prints them."""
    lines = [f"{'read by':13}{show(reader)}" for reader in record.readers]
    return lines + [f"{'may read':13}{show(owner)}" for owner in record.owners]


def as_json(record: Record) -> dict[str, Any]:
    """Both directions for programs."""
    return {"read_by": list(record.readers), "may_read": list(record.owners)}
