"""`postane fetch check`: can fetch.toml be used, can mail be put where it says, and do the accounts let us in?

Must not know: how any of it is found out.
"""

from dataclasses import dataclass, field
from typing import Annotated

import typer

from postane.config.fetch_file import advice, find_fetch_config, load_fetch_config
from postane.config.fetching import Account, FetchConfig
from postane.fetch.errors import FetchError
from postane.fetching.readiness import Readiness, examine, examine_files, examine_state

from .common import JsonOption
from .fetch import AccountsArgument, FetchConfigOption
from .fetch_run import ask_password, choose
from .fetch_show import counted, worst_code
from .words import print_json, run, say, show


def check(
    accounts: AccountsArgument = None,
    connect: Annotated[
        bool,
        typer.Option("--connect", help="Log in to each account, and to the servers that mail goes to; read nothing."),
    ] = False,
    json: JsonOption = False,
    config: FetchConfigOption = None,
) -> None:
    """Say whether fetch.toml can be used, and whether mail can be put where it says; nothing is made or delivered.

    With --connect each account is logged in to, and each server that mail goes to. Ends with 0, or as a fetch would
    that meets the same.

    Example: postane fetch check --connect
    """
    from postane.fetching.house import check_accounts

    path = find_fetch_config(config)
    settings = load_fetch_config(path)
    chosen = choose(settings, accounts or [])
    check_accounts(settings, chosen)
    warnings = list(advice(path, settings))
    stateless = examine_state(settings.state)
    found = [_examined(settings, table, connects=connect) for table in chosen]
    wrong = found if stateless is not None else [each for each in found if each.errors]
    if json:
        state = {"file": str(settings.state), "ok": stateless is None, "error": stateless and stateless.text}
        rows = [each.as_json() for each in found]
        ok = not wrong and stateless is None
        print_json({"file": str(path), "ok": ok, "state": state, "accounts": rows, "advice": warnings})
    else:
        if stateless is not None:
            say(show(stateless.text), err=True)
        for each in found:
            each.tell()
        for words in warnings:
            say(f"warning: {show(words)}", err=True)
        if wrong:
            say(f"{path}: {len(wrong)} of {counted(len(found), 'account')} cannot be fetched", err=True)
        else:
            say(f"{path}: ok, {counted(len(found), 'account')}")
    errors = [*(error for each in found for error in each.errors), *([] if stateless is None else [stateless])]
    if code := worst_code({error.trouble for error in errors}):
        raise typer.Exit(code)


@dataclass(frozen=True, slots=True)
class Examined:
    """An account: `words` say how the login went, `refusal` why it failed; both are empty where none was tried."""

    account: str
    words: str = ""
    refusal: FetchError | None = None
    destinations: list[Readiness] = field(default_factory=list)

    @property
    def errors(self) -> list[FetchError]:
        """All that is wrong."""
        return [each for each in (self.refusal, *(one.error for one in self.destinations)) if each is not None]

    def tell(self) -> None:
        """For people: a line for the login, and one for each destination of which there is something to say."""
        if self.words:
            say(f"{show(self.account)}: {show(self.words)}", err=self.refusal is not None)
        for each in self.destinations:
            if each.error is not None:
                say(f"{show(self.account)}: {show(each.error.text)}", err=True)
            elif each.note:
                say(f"{show(self.account)}: {show(each.destination)} {show(each.note)}")

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "account": self.account,
            "ok": not self.errors,
            "error": None if self.refusal is None else self.refusal.text,
            "destinations": [
                {
                    "destination": each.destination,
                    "ok": each.error is None,
                    "error": None if each.error is None else each.error.text,
                    "note": each.note or None,
                }
                for each in self.destinations
            ],
        }


def _examined(settings: FetchConfig, table: Account, *, connects: bool) -> Examined:
    refusal = examine_files(settings, table)
    words = "" if refusal is None else refusal.text
    if refusal is None and connects:
        words, refusal = _connected(settings, table)
    destinations = [run(examine(settings, table, each, connects=connects)) for each in table.deliver]
    return Examined(table.name, words, refusal, destinations)


def _connected(settings: FetchConfig, table: Account) -> tuple[str, FetchError | None]:
    from postane.fetching.sight import look

    try:
        sight = run(look(settings, table, ask_password))
    except FetchError as error:
        return error.text, error
    messages = "" if sight.messages is None else f", {counted(sight.messages, 'message')}"
    return f"ok, {sight.tls or 'no TLS'}{messages}", None
