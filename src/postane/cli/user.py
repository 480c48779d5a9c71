"""`postane user`: the accounts."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from postane.accounts.records import Record
from postane.config.file import find_config
from postane.config.units import format_size, parse_size
from postane.maildrop.base import Quota

from . import user_alias, user_device, user_import, user_set, user_share
from .accounts import (
    GenerateOption,
    NameArgument,
    PasswordStdinOption,
    check_choice,
    opened_registry,
    say,
    take_password,
)
from .common import ConfigOption, JsonOption, print_table, read_config
from .words import Exit, Failure, print_json, run, show

app = typer.Typer(no_args_is_help=True, help="Add, change and list accounts.")
app.command("import", epilog=user_import.EXAMPLE)(user_import.import_accounts)
app.add_typer(user_alias.app, name="alias")
app.add_typer(user_device.app, name="device")
app.command("set", epilog=user_set.EXAMPLE)(user_set.set_settings)
app.command("share", epilog=user_share.EXAMPLE)(user_share.share)

QuotaOption = Annotated[
    str | None, typer.Option(metavar="SIZE", help='What the maildrop may hold, such as "2GB".', show_default="no bound")
]
AliasOption = Annotated[
    list[str] | None, typer.Option(metavar="ADDRESS", help="One more address; @DOMAIN is all of a domain. Repeatable.")
]
DropOption = Annotated[bool, typer.Option("--drop", help="Remove the maildrop and all its messages too.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command(epilog="Example: postane user add anna@example.org --generate --quota 2GB --alias info@example.org")
def add(
    name: NameArgument,
    password_stdin: PasswordStdinOption = False,
    generate: GenerateOption = False,
    quota: QuotaOption = None,
    alias: AliasOption = None,
    config: ConfigOption = None,
) -> None:
    """Add an account; on a terminal its password is asked for."""
    check_choice(password_stdin, generate)
    bounds = Quota(octets=None if quota is None else _size(quota))
    with opened_registry(config) as registry:
        registry.check_new(name)  # before anybody types a password
        password = take_password(name, from_stdin=password_stdin, generate=generate)
        account = registry.add(name, password=password, quota=bounds, aliases=alias or ())
        user_alias.tell_of_taken(registry, config, [account.name, *(alias or ())])
    if generate:
        typer.echo(password)
    say(f"added {account.name}")


@app.command("list", epilog="Example: postane user list --json")
def list_accounts(json: JsonOption = False, config: ConfigOption = None) -> None:
    """List all accounts."""
    with opened_registry(config) as registry:
        records = registry.records()
    if json:
        return print_json([_as_json(record) for record in records])
    columns = {"name": "NAME", "enabled": "ENABLED", "quota": "QUOTA", "aliases": "ALIASES", "devices": "DEVICES"}
    rows = [
        {
            "name": record.account.name,
            "enabled": record.account.is_enabled,
            "quota": _quota(record.account.quota),
            "aliases": len(record.aliases),
            "devices": len(record.devices),
        }
        for record in records
    ]
    return print_table(rows, columns, empty=f"no accounts yet in {_where(config)}: postane user add NAME")


@app.command("show", epilog="Example: postane user show anna@example.org")
def show_account(name: NameArgument, json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show one account: its state, quota, settings, aliases, devices, and who reads whose mail."""
    with opened_registry(config) as registry:
        record = registry.show(name)
    if json:
        return print_json(_as_json(record))
    lines = {
        "name": record.account.name,
        "enabled": record.account.is_enabled,
        "password": "set" if record.has_password else "none",
        "scram": _scram(record),
        "quota": _quota(record.account.quota),
        **user_set.shown(record.account),
        "created": user_device.moment(record.created),
    }
    for key, value in lines.items():
        typer.echo(f"{key:13}{show(value)}")
    for alias in record.aliases:
        typer.echo(f"{'alias':13}{show(alias)}")
    for device in record.devices:
        typer.echo(f"{'device':13}{show(device.label)} (last used {user_device.moment(device.last_used)})")
    for line in user_share.shown(record):
        typer.echo(line)
    return None


@app.command(epilog="Example: postane user password anna@example.org --generate")
def password(
    name: NameArgument,
    password_stdin: PasswordStdinOption = False,
    generate: GenerateOption = False,
    config: ConfigOption = None,
) -> None:
    """Change an account's password; the old one ends at once."""
    check_choice(password_stdin, generate)
    with opened_registry(config) as registry:
        registry.show(name)  # before anybody types a password
        secret = take_password(name, from_stdin=password_stdin, generate=generate)
        registry.set_password(name, secret)
    if generate:
        typer.echo(secret)
    say(f"changed the password of {name}")


@app.command(epilog="Example: postane user disable anna@example.org")
def disable(name: NameArgument, config: ConfigOption = None) -> None:
    """End logins of an account at once; it still receives mail."""
    with opened_registry(config) as registry:
        registry.set_enabled(name, False)
    say(f"disabled {name}: it cannot log in, and still receives mail")


@app.command(epilog="Example: postane user enable anna@example.org")
def enable(name: NameArgument, config: ConfigOption = None) -> None:
    """Let an account log in again."""
    with opened_registry(config) as registry:
        registry.set_enabled(name, True)
    say(f"enabled {name}")


@app.command(epilog="Example: postane user remove anna@example.org --drop --yes")
def remove(name: NameArgument, drop: DropOption = False, yes: YesOption = False, config: ConfigOption = None) -> None:
    """Remove an account with its aliases and devices."""
    with opened_registry(config) as registry:
        account = registry.show(name).account
        _confirm(account.name, drop=drop, yes=yes)
        if drop:  # first: while somebody reads the mail nothing is removed
            run(_remove_drop(config, account.drop))
        registry.remove(account.name)
    if drop:
        say(f"removed {account.name} and its mail")
    else:
        say(f"removed {account.name}; its mail is kept, and a new account of that name would get it")


def _where(named: Path | None) -> str:
    """Where accounts were looked for, and why there."""
    path = find_config(named)
    told = "the default, as there is no configuration file" if path is None else f"storage.path of {path}"
    return f"{read_config(path).storage.path} ({told})"


def _confirm(name: str, *, drop: bool, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        if drop:  # what only the account loses can be given again, mail cannot
            raise Failure(f"not removing {name} and its mail: nobody can be asked here, say --yes", Exit.USAGE)
        return
    typer.confirm(f"Remove {name}" + (" and all its mail?" if drop else "? Its mail is kept."), abort=True, err=True)


async def _remove_drop(config: Path | None, drop: str) -> None:
    from postane.app import open_maildrops  # here: `--help` needs nothing of the house

    maildrops = open_maildrops(read_config(config))
    try:
        await maildrops.remove(drop)
    finally:
        await maildrops.close()


def _scram(record: Record) -> str:
    if record.has_scram_keys or not record.has_password:
        return "keys kept" if record.has_scram_keys else "no keys"
    return "no keys yet: made at the next login with the password in clear text"  # they cannot be made of a hash


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise Failure(f"--quota: {error}", Exit.USAGE) from error


def _quota(quota: Quota) -> str | None:
    bounds = [format_size(quota.octets)] if quota.octets is not None else []
    bounds += [f"{quota.messages} messages"] if quota.messages is not None else []
    return ", ".join(bounds) or None


def _as_json(record: Record) -> dict[str, Any]:
    return {
        "name": record.account.name,
        "enabled": record.account.is_enabled,
        "has_password": record.has_password,
        "has_scram_keys": record.has_scram_keys,
        "quota_octets": record.account.quota.octets,
        "quota_messages": record.account.quota.messages,
        **user_set.as_json(record.account),
        "aliases": list(record.aliases),
        "devices": [user_device.as_json(device) for device in record.devices],
        **user_share.as_json(record),
        "created": user_device.stamp(record.created),
    }
