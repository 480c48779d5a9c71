"""Trying accounts one after the other, until one lets somebody in: for `postane fetch add`.

A password that was typed is tried with every login name that fits a server, and asked for again where it is taken with
none of them: it may have been mistyped.

Must not know: where the accounts come from, what becomes of the one that opens.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import typer

from postane.config.fetching import Account, FetchConfig
from postane.credentials.base import NoSecret
from postane.fetch.errors import FetchError, Trouble
from postane.fetching.sight import Sight, look
from postane.net.distrust import as_options
from postane.net.pins import format_pin

from .fetch_show import CODES, counted, octets
from .words import Failure, moment, run, show

TRIES = 3
"""Times that a password may be typed for one server."""

HINT = "say where it is, as --set password.env=PW does for the environment's PW"

FOLDERS = 20
"""Folders of an IMAP server that are named."""

Table = dict[str, Any]
Ask = Callable[[str], str]


def first_open(tables: Sequence[Table], known: FetchConfig, ask: Ask | None) -> tuple[Table, str | None]:
    """The first of these accounts at whose server the login succeeds, and the password where one was typed. `ask` is
    None where nobody is there. Raises Failure where it is none."""
    typed = Typed(ask)
    refusals: list[FetchError] = []
    for _, same_server in groupby(tables, key=lambda table: str(table["url"])):
        group = list(same_server)
        for _ in range(TRIES):
            for table in group:
                if _opens(table, known, typed, refusals):
                    return table, typed.password
            if not typed.is_wrong(refusals):
                break
            typed.forget()
            typer.echo("  the password was not taken: type it again, or nothing to give up", err=True)
        typed.forget()
    raise Failure("nothing was written: no login succeeded", CODES[refusals[-1].trouble])


@dataclass(slots=True)
class Typed:
    """A password that somebody types, once for all that it is tried with; None: nobody was asked."""

    ask: Ask | None = field(repr=False)
    password: str | None = field(default=None, repr=False)

    def get(self, prompt: str) -> str:
        """The password. Raises NoSecret where nobody types one."""
        if self.ask is None:
            raise NoSecret(f"nobody is asked for the password here: {HINT}")
        if self.password is None:
            self.password = self.ask(prompt)
        if not self.password:
            raise NoSecret(f"no password was given: {HINT}")
        return self.password

    def is_wrong(self, refusals: Sequence[FetchError]) -> bool:
        """Whether one was typed, and the last server would not have it."""
        return bool(self.password) and refusals[-1].trouble is Trouble.LOGIN

    def forget(self) -> None:
        """The next one is typed anew."""
        self.password = None


def _opens(table: Table, known: FetchConfig, typed: Typed, refusals: list[FetchError]) -> bool:
    """Whether the login succeeds, of which is told."""
    account = Account.model_validate(table)
    typer.echo(f"trying {show(_without_password(account.url))} as {show(account.user)} ...", err=True)
    try:
        sight = run(look(known, account, typed.get))
    except FetchError as error:
        typer.echo(f"  {show(as_options(error.text, '--set tls_{}=...', '--set tls=required'))}", err=True)
        refusals.append(error)
        return False
    _show(sight)
    return True


def _without_password(url: str) -> str:
    login, at, place = url.partition("://")[2].rpartition("@")
    return f"{url.partition('://')[0]}://{login.partition(':')[0]}{at}{place}"


def _show(sight: Sight) -> None:
    """What the server shows."""
    said: list[tuple[str, object]] = [("server", sight.implementation), ("TLS", sight.tls or "none")]
    if (shown := sight.certificate) is not None:
        said += [("certificate", shown.subject), ("  signed by", shown.issuer), ("  until", moment(shown.expires))]
        said += [("  pin", format_pin(shown.digest))]
    said += [("offers", ", ".join(sight.capabilities) or None)]
    if sight.expire is not None:
        is_for_ever = sight.expire.startswith("NEVER")
        said.append(("keeps mail", "until it is deleted" if is_for_ever else f"for {sight.expire} days"))
    if sight.login_delay is not None:
        said.append(("wants between logins", f"{sight.login_delay} s"))
    if sight.messages is not None:
        size = "" if sight.octets is None else f", {octets(sight.octets)}"
        said.append(("has", f"{counted(sight.messages, 'message')}{size}"))
    if sight.folders:
        more = f" and {len(sight.folders) - FOLDERS} more" if len(sight.folders) > FOLDERS else ""
        said.append(("folders", f"{', '.join(sight.folders[:FOLDERS])}{more}"))
    if sight.has_uidl is False:
        said.append(("unique-ids", "none: messages are known by their headers and sizes"))
    for what, value in said:
        if value is not None:
            typer.echo(f"  {what}: {show(value)}", err=True)
