"""`postane user device`: passwords for one device or program each, which can be ended alone and answer APOP."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from postane.accounts.records import Device

from .accounts import NameArgument, opened_registry, read_secret, say
from .common import ConfigOption, JsonOption, print_table
from .words import print_json

app = typer.Typer(no_args_is_help=True, help="Passwords for one device or program each.")

LabelArgument = Annotated[str, typer.Argument(metavar="LABEL", help='What it is for: "phone".', show_default=False)]
SecretStdinOption = Annotated[
    bool, typer.Option("--secret-stdin", help="Read the secret from standard input instead of making one up.")
]


@app.command(epilog="Example: postane user device add anna@example.org scanner")
def add(
    name: NameArgument, label: LabelArgument, secret_stdin: SecretStdinOption = False, config: ConfigOption = None
) -> None:
    """Add a device password; a generated one is printed, and never again."""
    given = read_secret() if secret_stdin else None
    with opened_registry(config) as registry:
        secret = registry.add_device(name, label, given)
    if given is None:
        typer.echo(secret)
    say(f"added device {label} of {name}")


@app.command("list", epilog="Example: postane user device list anna@example.org --json")
def list_devices(name: NameArgument, json: JsonOption = False, config: ConfigOption = None) -> None:
    """List an account's devices and when each logged in last (to the hour)."""
    with opened_registry(config) as registry:
        devices = registry.show(name).devices
    if json:
        return print_json([as_json(device) for device in devices])
    rows = [
        {"label": device.label, "created": moment(device.created), "last_used": moment(device.last_used)}
        for device in devices
    ]
    columns = {"label": "LABEL", "created": "CREATED", "last_used": "LAST USED"}
    return print_table(rows, columns, empty=f"{name} has no devices: postane user device add {name} LABEL")


@app.command(epilog="Example: postane user device revoke anna@example.org scanner")
def revoke(name: NameArgument, label: LabelArgument, config: ConfigOption = None) -> None:
    """End a device password at once."""
    with opened_registry(config) as registry:
        registry.revoke_device(name, label)
    say(f"revoked device {label} of {name}")


def as_json(device: Device) -> dict[str, Any]:
    """A device for programs."""
    last_used = None if device.last_used is None else stamp(device.last_used)
    return {"label": device.label, "created": stamp(device.created), "last_used": last_used}


def stamp(seconds: float) -> str:
    """A time for programs: ISO 8601, UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def moment(seconds: float | None) -> str:
    """A time for people."""
    return "never" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
