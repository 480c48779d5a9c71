"""`postane fetch add`: find a mail address's server, try the login, show what is there, write the account down."""

import getpass
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote

import typer
from pydantic import ValidationError

from postane.config.fetch_file import SEARCHED
from postane.config.fetching import Account, FetchConfig, parse_keep
from postane.config.text import key_at, parse_text
from postane.discovery.base import Candidate, DiscoveryError, Method, Service
from postane.fetch.errors import FetchError, Trouble
from postane.fetching.sight import Sight, look
from postane.net.base import TlsMode
from postane.net.pins import format_pin

from .fetch import FetchConfigOption
from .fetch_keep import keep_password, with_account, write_private
from .fetch_show import CODES, octets
from .words import Exit, Failure, moment, run, show

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
    url: Annotated[str | None, typer.Option(help="The server, where it is known: pop3s://HOST.")] = None,
    maildir: Annotated[Path | None, typer.Option(help="Where the mail goes; ~/Mail/NAME otherwise.")] = None,
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
        keys["deliver"] = [{"maildir": str(maildir.expanduser().absolute())}]  # whoever fetches may be elsewhere
    wanted = Wanted(address, _nested(keys), yes or not sys.stdin.isatty())
    path = config or next((each for each in map(_expanded, SEARCHED) if each.is_file()), _expanded(SEARCHED[1]))
    text = path.read_text("utf-8") if path.is_file() else ""
    table, typed = _tried(wanted, parse_text(text, str(path), FetchConfig))
    if "keep" not in wanted.keys and not wanted.is_silent:
        question = f"Keep fetched mail at the server? {KEEP_HELP}"
        table["keep"] = typer.prompt(question, default="true", value_proc=_parse_keep)
    with_account(path, text, table)  # what cannot be written is told before a password is kept
    if typed is not None:
        table["password"] = keep_password(table, typed, path)
    write_private(path, with_account(path, text, table))
    typer.echo(f"{table['name']} is in {path}; fetch it: postane fetch {table['name']}")


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
    return nested


def _tried(wanted: Wanted, known: FetchConfig) -> tuple[dict[str, Any], str | None]:
    """The table of the first server at which the login succeeds, and the password where one was typed."""
    asked: list[str] = []

    def ask(prompt: str) -> str | None:
        if wanted.is_silent:
            return None
        if not asked:
            asked.append(getpass.getpass(prompt))
        return asked[0] or None

    refusal: FetchError | None = None
    for table in _tables(wanted, known):
        account = _account(table)
        typer.echo(f"trying {show(_without_password(account.url))} ...", err=True)
        try:
            sight = run(look(known, account, ask))
        except FetchError as error:
            typer.echo(f"  {show(error.text)}", err=True)
            refusal = error
            if error.trouble is Trouble.LOGIN:  # it may have been mistyped; elsewhere it was not even looked at
                asked.clear()
            continue
        _show(sight)
        return table, asked[0] if asked else None
    if refusal is None:
        raise Failure(
            f"no server was found for {show(wanted.address)}: name it with --url pop3s://HOST", Exit.UNAVAILABLE
        )
    raise Failure("nothing was written: no login succeeded", CODES[refusal.trouble])


def _account(table: Mapping[str, Any]) -> Account:
    """Raises Failure with what is wrong with it, which was said on the command line."""
    try:
        return Account.model_validate(table)
    except ValidationError as error:
        words = [f"{key_at(each['loc'])}: {each['msg'].removeprefix('Value error, ')}" for each in error.errors()]
        raise Failure("\n".join(words), Exit.USAGE) from None


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


def _without_password(url: str) -> str:
    login, at, place = url.partition("://")[2].rpartition("@")
    return f"{url.partition('://')[0]}://{login.partition(':')[0]}{at}{place}"


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
        said.append(("has", f"{sight.messages} messages, {octets(sight.octets or 0)}"))
    if sight.has_uidl is False:
        said.append(("unique-ids", "none: messages are known by their headers and sizes"))
    for what, value in said:
        if value is not None:
            typer.echo(f"  {what}: {show(value)}", err=True)


def _expanded(path: str) -> Path:
    return Path(path).expanduser()
