"""`postane fetch add`: find a mail address's server, try the login, show what is there, write the account down."""

import shlex
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote

import typer

from postane.config.fetch_file import SEARCHED
from postane.config.fetch_words import parse_keep
from postane.config.fetching import Account, FetchConfig
from postane.config.problems import ConfigError
from postane.config.text import check_values, parse_text, read_text
from postane.config.units import expand_user
from postane.discovery.base import Candidate, DiscoveryError, Method, Service
from postane.fetching.readiness import examine
from postane.net.base import TlsMode

from .asking import type_password
from .fetch import FetchConfigOption
from .fetch_keep import check_place, keep_password, with_account, write_private
from .fetch_show import CODES
from .fetch_try import first_open
from .words import Exit, Failure, run, show

TLS_WORDS = {
    TlsMode.IMPLICIT: "TLS",
    TlsMode.REQUIRED: "STLS",
    TlsMode.OFFERED: "STLS if offered",
    TlsMode.NONE: "no TLS",
}

KEEP_HELP = "true (it stays there), false (it is deleted), 30d, or until-deleted-here"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was said on the command line: `keys` are of an [[account]] table, and win over what is found out."""

    address: str
    keys: Mapping[str, Any]
    is_silent: bool


def add(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Your mail address.")],
    url: Annotated[str | None, typer.Option(metavar="URL", help="The server, where it is known: pop3s://HOST.")] = None,
    maildir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the mail goes; ~/Mail/NAME otherwise.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="A key of the account: name=work, keep=30d, password.env=PW. Repeatable."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take what is found, and defaults.")] = False,
    config: FetchConfigOption = None,
) -> None:
    """Add an account to fetch.toml: find its server, try the login, show what the server offers.

    The server is found by the domain's service records (RFC 6186, RFC 8314), by its autoconfiguration, then by trying
    usual names. Nothing is written before a login has succeeded.

    Example: postane fetch add you@example.org --set keep=30d
    """
    keys = dict(map(_parse_setting, settings or []))
    if url is not None:
        keys["url"] = url
    if maildir is not None:
        keys["deliver"] = [{"maildir": str(_expanded(maildir).absolute())}]  # whoever fetches may be elsewhere
    wanted = Wanted(address, _nested(keys), yes or not sys.stdin.isatty())
    path = config or next((each for each in map(_expanded, SEARCHED) if each.is_file()), _expanded(SEARCHED[1]))
    check_place(path)
    text = read_text(path) if path.is_file() else ""
    known = parse_text(text, str(path), FetchConfig)
    tables = _tables(wanted, known)
    for account in [_check(each) for each in tables][:1]:  # they differ in their servers
        _check_destinations(account, known)
    if not tables:
        raise Failure(
            f"no server was found for {show(wanted.address)}: name it with --url pop3s://HOST", Exit.UNAVAILABLE
        )
    table, typed = first_open(tables, known, None if wanted.is_silent else type_password)
    if "keep" not in wanted.keys and not wanted.is_silent:
        question = f"Keep fetched mail at the server? {KEEP_HELP}"
        table["keep"] = typer.prompt(question, default="true", value_proc=_parse_keep)
    with_account(path, text, table)  # what cannot be written is told before a password is kept
    if typed is not None:
        table["password"] = keep_password(table, typed, path)
    write_private(path, with_account(path, text, table))
    words = ["postane", "fetch", *([] if config is None else ["-c", str(path)]), str(table["name"])]
    typer.echo(f"{table['name']} is in {path}; fetch it: {shlex.join(words)}")


def _parse_setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise Failure(f"--set takes KEY=VALUE, not {show(text)}: --set keep=30d", Exit.USAGE)
    if key.strip() in ("password", "password.text"):
        raise Failure("arguments are seen by everybody here: --set password.env=NAME, or be asked for it", Exit.USAGE)
    return key.strip(), _parse_value(value)


def _parse_value(text: str) -> Any:
    """A value as the file has it; what is none is a text."""
    try:
        return tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()


def _parse_keep(text: str) -> Any:
    """What was typed; who mistypes is asked again."""
    value = _parse_value(text)
    try:
        parse_keep(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return value


def _nested(keys: Mapping[str, Any]) -> dict[str, Any]:
    """password.env becomes a table."""
    nested: dict[str, Any] = {}
    for key, value in keys.items():
        *path, last = key.split(".")
        table = nested
        for name in path:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                raise Failure(f"--set {show(key)}: {show(name)} is no table, as another --set says", Exit.USAGE)
        table[last] = value
    if isinstance(nested.get("deliver"), dict):
        nested["deliver"] = [nested["deliver"]]  # deliver.mbox=FILE
    return nested


def _check(table: dict[str, Any]) -> Account:
    """Raises Failure with what is wrong with it, which was said on the command line."""
    try:
        return check_values(table, "the account", Account)
    except ConfigError as error:
        raise Failure(str(error), Exit.USAGE) from None


def _check_destinations(account: Account, known: FetchConfig) -> None:
    """As far as they are on this machine. Raises Failure, ConfigError."""
    for table in account.deliver:
        if (error := run(examine(known, account, table, connects=False)).error) is not None:
            remedy = "--maildir or --set deliver.KIND=... names another place"
            raise Failure(f"no mail can be put there: {error.text}; {remedy}", CODES[error.trouble])


def _tables(wanted: Wanted, known: FetchConfig) -> Sequence[dict[str, Any]]:
    """The account with each server that was found, or with the one that was named."""
    domain = wanted.address.rpartition("@")[2]
    names = {account.name for account in known.account}
    name = str(wanted.keys.get("name") or (domain if domain not in names else wanted.address))
    if name in names:
        raise Failure(f"there is an account {show(name)} already: name this one with --set name=...", Exit.USAGE)
    usual = {"keep": True, "deliver": [{"maildir": f"~/Mail/{name}"}], **wanted.keys, "name": name}
    if "url" in wanted.keys:
        return [{"name": name, "user": _user_of(wanted), **usual}]
    return [
        {"name": name, **_server(candidate), "user": login, **usual}
        for candidate in _candidates(wanted)
        for login in ([wanted.keys["user"]] if "user" in wanted.keys else candidate.logins)
    ]


def _user_of(wanted: Wanted) -> str:
    """RFC 2384: a URL may name the user; else it is the address."""
    login = str(wanted.keys["url"]).partition("://")[2].rpartition("@")[0]
    return unquote(login.partition(":")[0].partition(";")[0]) or wanted.address


def _candidates(wanted: Wanted) -> list[Candidate]:
    from postane.fetching.search import search

    typer.echo(f"looking for the server of {show(wanted.address)} ...", err=True)
    try:
        found = run(search(wanted.address))
    except DiscoveryError as error:
        raise Failure(error.text, Exit.USAGE) from error
    for words in found.troubles:
        typer.echo(f"  {show(words)}", err=True)
    chosen = []
    for each in found.candidates:
        words = f"{each.service} {each.host}:{each.port}, {TLS_WORDS[each.tls]}, found by {each.way}"
        typer.echo(f"  {show(words)}", err=True)
        if Method.OAUTH2 in each.methods:
            typer.echo("  it takes access tokens: --set password.oauth=google, or microsoft", err=True)
        if each.needs_confirmation:
            question = f"  {show(each.confirmation)}. Send your password there?"
            if wanted.is_silent or not typer.confirm(question, default=False, err=True):
                continue
        chosen.append(each)
    return chosen


def _server(candidate: Candidate) -> dict[str, Any]:
    scheme = "pop3" if candidate.service is Service.POP3 else "imap"
    usual = {"pop3": (995, 110), "imap": (993, 143)}[scheme]
    is_tls = candidate.tls is TlsMode.IMPLICIT
    port = "" if candidate.port == usual[0 if is_tls else 1] else f":{candidate.port}"
    table: dict[str, Any] = {"url": f"{scheme}{'s' * is_tls}://{candidate.host}{port}"}
    return table if is_tls else {**table, "tls": candidate.tls.value}


def _expanded(path: str | Path) -> Path:
    try:
        return expand_user(path)
    except ValueError as error:
        raise Failure(str(error), Exit.USAGE) from None
