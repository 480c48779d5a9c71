"""`postane sessions` and `postane kick`: who is connected now, and the end of a session."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from .common import ConfigOption, JsonOption, print_table, read_config
from .words import Exit, Failure, moment, print_json

COLUMNS = {
    "id": "ID",
    "account": "ACCOUNT",
    "service": "SERVICE",
    "address": "ADDRESS",
    "age": "AGE",
    "idle": "IDLE",
    "commands": "COMMANDS",
    "messages": "MESSAGES",
    "octets": "OCTETS",
    "state": "STATE",
}


def list_sessions(json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show who is connected now: account, service, address, for how long, how long silent, and what was done.

    AGE and IDLE are in seconds; MESSAGES and OCTETS were handed out or taken in.
    """
    answers = _ask(config, {"ask": "sessions"})
    rows = [row for answer in answers for row in answer["sessions"]]
    rows.sort(key=lambda row: row["since"])
    for row in rows:
        row["since"] = moment(row["since"])
    if json:
        print_json(rows)
    else:
        print_table(rows, COLUMNS, empty="nobody is connected")


def kick(
    session: Annotated[str, typer.Argument(metavar="ID", help="The session, as postane sessions shows it.")],
    config: ConfigOption = None,
) -> None:
    """End a session as if its connection had been lost: nothing it marked is deleted, its maildrop is free at once."""
    answers = _ask(config, {"ask": "kick", "session": session})
    if not any(answer["kicked"] for answer in answers):
        raise Failure(f"there is no session {session}: see postane sessions", Exit.NO_USER)


def _ask(config: Path | None, question: Mapping[str, object]) -> list[dict[str, Any]]:
    from postane.supervisor.control import NobodyAnswers, ask_all

    storage = read_config(config).storage.path
    try:
        return ask_all(storage, question)
    except NobodyAnswers as error:
        raise Failure(f"no server runs on {storage}", Exit.UNAVAILABLE) from error
    except PermissionError as error:
        raise Failure(f"the server on {storage} belongs to another user", Exit.NO_PERMISSION) from error


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("sessions", epilog="Example: postane sessions --json")(list_sessions)
    app.command("kick", epilog="Example: postane kick 3f9a0c12b7de")(kick)
