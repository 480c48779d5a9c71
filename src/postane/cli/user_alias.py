"""`postane user alias`: further addresses of an account, and whose mail an address takes away."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from postane.accounts.names import bare_name, fold_domain
from postane.accounts.registry import Registry

from .accounts import NameArgument, opened_registry, say
from .common import ConfigOption, JsonOption, print_table, read_config
from .words import print_json

app = typer.Typer(no_args_is_help=True, help="Further addresses of an account.")

AddressArgument = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="An address, or @DOMAIN for all of a domain.", show_default=False)
]


@app.command(epilog="Example: postane user alias add anna@example.org info@example.org")
def add(name: NameArgument, address: AddressArgument, config: ConfigOption = None) -> None:
    """Let an account have the mail of one more address."""
    with opened_registry(config) as registry:
        registry.add_alias(name, address)
        tell_of_taken(registry, config, [address])
    say(f"{address} is an address of {name}")


@app.command("list", epilog="Example: postane user alias list anna@example.org --json")
def list_aliases(name: NameArgument, json: JsonOption = False, config: ConfigOption = None) -> None:
    """List an account's further addresses."""
    with opened_registry(config) as registry:
        aliases = registry.show(name).aliases
    if json:
        return print_json(list(aliases))
    rows = [{"address": alias} for alias in aliases]
    return print_table(rows, {"address": "ADDRESS"}, empty=f"{name} has no further addresses")


@app.command(epilog="Example: postane user alias remove anna@example.org info@example.org")
def remove(name: NameArgument, address: AddressArgument, config: ConfigOption = None) -> None:
    """Take an address away from an account."""
    with opened_registry(config) as registry:
        registry.remove_alias(name, address)
    say(f"{address} is no address of {name} any more")


def tell_of_taken(registry: Registry, config: Path | None, addresses: Iterable[str]) -> None:
    """Say whose mail goes elsewhere now: an account `ben` had the mail of ben@DOMAIN in the domains of our own."""
    settings = read_config(config)
    own = frozenset(map(fold_domain, (settings.hostname or "localhost", "localhost", *settings.smtp.domains)))
    for address in addresses:
        bare = bare_name(address, own)
        if bare and registry.existing([bare]):
            say(f'from now on mail to {address} does not go to "{bare}" any more')
