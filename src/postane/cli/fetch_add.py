"""`postane fetch add`: find a mail address's server, try the login, show what is there, write the account down."""

import asyncio
import getpass
import json as json_
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote

import typer

from postane.config.fetch_file import SEARCHED
from postane.config.fetching import Account, FetchConfig
from postane.config.text import parse_text
from postane.discovery.base import Candidate, DiscoveryError, Method, Service
from postane.fetch.errors import FetchError
from postane.fetching.sight import Sight, look
from postane.net.base import TlsMode
from postane.net.pins import format_pin

from .common import Exit, Failure, moment, run, show
from .fetch import FetchConfigOption
from .fetch_show import CODES, octets

TLS_WORDS = {
    TlsMode.IMPLICIT: "TLS",
    TlsMode.REQUIRED: "STLS",
    TlsMode.OFFERED: "STLS if offered",
    TlsMode.NONE: "no TLS",
}

KEEP_HELP = "true (it stays there), false (it is deleted), 30d, or until-deleted-here"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was said on the command line; None: to be asked, or found out."""

    address: str
    url: str | None
    name: str | None
    user: str | None
    keep: str | None
    maildir: Path | None
    password: Mapping[str, str | bool] | None
    is_silent: bool
    tls_pin: str | None
    tls_ca: Path | None


def add(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Your mail address.")],
    url: Annotated[str | None, typer.Option(help="The server, where it is known: pop3s://HOST.")] = None,
    name: Annotated[str | None, typer.Option(help="What the account is called; the domain's name otherwise.")] = None,
    user: Annotated[str | None, typer.Option(help="The login name, where it is not the address.")] = None,
    keep: Annotated[str | None, typer.Option(help=f"What becomes of fetched mail at the server: {KEEP_HELP}.")] = None,
    maildir: Annotated[Path | None, typer.Option(help="Where the mail goes; ~/Mail/NAME otherwise.")] = None,
    password: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE", help="Where the password is: env:NAME, file:PATH, command:WORDS, keyring:NAME, netrc."
        ),
    ] = None,
    oauth: Annotated[str | None, typer.Option(help="A provider of tokens: google, microsoft, or a table.")] = None,
    tls_pin: Annotated[str | None, typer.Option(help="Believe this certificate alone: sha256:...")] = None,
    tls_ca: Annotated[Path | None, typer.Option(help="PEM file: whom to believe.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take what is found, and defaults.")] = False,
    config: FetchConfigOption = None,
) -> None:
    """Add an account to fetch.toml: find its server, try the login, show what the server offers.

    The server is found by the domain's service records (RFC 6186, RFC 8314), by its autoconfiguration, then by trying
    usual names. Nothing is written before a login has succeeded.

    Example: postane fetch add you@example.org
    """
    place: Mapping[str, str | bool] | None = {"oauth": oauth} if oauth else _place(password)
    wanted = Wanted(address, url, name, user, keep, maildir, place, yes or not sys.stdin.isatty(), tls_pin, tls_ca)
    path = config or next((each for each in map(_expanded, SEARCHED) if each.is_file()), _expanded(SEARCHED[1]))
    text = path.read_text("utf-8") if path.is_file() else ""
    known = parse_text(text, str(path), FetchConfig)
    table, is_asked = _tried(wanted, known)
    if wanted.keep is None and not wanted.is_silent:
        table["keep"] = _parse_keep(typer.prompt(f"Keep fetched mail at the server? {KEEP_HELP}", default="true"))
    if is_asked is not None:
        table["password"] = _kept_password(str(table["name"]), is_asked, path)
    _write(path, text, table)
    typer.echo(f"{table['name']} is in {path}; fetch it: postane fetch {table['name']}")


def _tried(wanted: Wanted, known: FetchConfig) -> tuple[dict[str, Any], str | None]:
    """The table of the first server at which the login succeeds, and the password where one was typed."""
    asked: list[str] = []

    def ask(prompt: str) -> str | None:
        if wanted.is_silent:
            return None
        asked[:] = [getpass.getpass(prompt)]
        return asked[0] or None

    refusal: FetchError | None = None
    for table in _tables(wanted, known):
        typer.echo(f"trying {table['url']} ...", err=True)
        try:
            sight = run(look(known, Account.model_validate(table), ask))
        except FetchError as error:
            typer.echo(f"  {show(error.text)}", err=True)
            refusal = error
            continue
        _show(sight)
        return table, asked[0] if asked else None
    if refusal is None:
        raise Failure(
            f"no server was found for {show(wanted.address)}: name it with --url pop3s://HOST", Exit.UNAVAILABLE
        )
    raise Failure("nothing was written: no login succeeded", CODES[refusal.trouble])


def _tables(wanted: Wanted, known: FetchConfig) -> Sequence[dict[str, Any]]:
    domain = wanted.address.rpartition("@")[2]
    names = {account.name for account in known.account}
    name = wanted.name or next(each for each in (domain, wanted.address) if each not in names or each is wanted.address)
    if name in names:
        raise Failure(f"there is an account {show(name)} already: name this one with --name", Exit.USAGE)
    common = {
        "keep": _parse_keep(wanted.keep or "true"),
        "deliver": [{"maildir": str(wanted.maildir or f"~/Mail/{name}")}],
        **({"password": wanted.password} if wanted.password else {}),
        **({"tls_pin": wanted.tls_pin} if wanted.tls_pin else {}),
        **({"tls_ca": str(wanted.tls_ca.absolute())} if wanted.tls_ca else {}),
    }
    if wanted.url is not None:
        return [{"name": name, "url": wanted.url, "user": wanted.user or _user_of(wanted), **common}]
    tables = []
    for candidate in _candidates(wanted):
        for user in [wanted.user] if wanted.user else candidate.logins:
            tables.append({"name": name, **_server(candidate), "user": user, **common})
    return tables


def _user_of(wanted: Wanted) -> str:
    """RFC 2384: a URL may name the user; else it is the address."""
    login = (wanted.url or "").partition("://")[2].rpartition("@")[0]
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
            typer.echo("  it takes access tokens: --oauth google, --oauth microsoft", err=True)
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


def _place(text: str | None) -> dict[str, str | bool] | None:
    kind, _, rest = (text or "").partition(":")
    if text is None:
        return None
    if kind == "netrc":
        return {"netrc": True}
    if kind not in ("env", "file", "command", "keyring") or not rest:
        raise Failure("--password takes env:NAME, file:PATH, command:WORDS, keyring:NAME, or netrc", Exit.USAGE)
    return {kind: rest}


def _parse_keep(text: str) -> bool | str:
    return {"true": True, "yes": True, "false": False, "no": False}.get(text.strip().lower(), text.strip())


def _kept_password(name: str, password: str, path: Path) -> dict[str, str]:
    """Keep what was typed: in the keyring where there is one, else in a file of its owner's alone."""
    from postane.credentials.base import NoSecret
    from postane.credentials.keyrings import Keyring

    service = f"postane fetch {name}"
    try:
        asyncio.run(Keyring(service).put(name, password))
    except NoSecret:
        folder = path.parent / "passwords"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / name.replace("/", "_")
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(password + "\n")
        typer.echo(f"there is no keyring here: the password is in {file}, which nobody else may read", err=True)
        return {"file": str(file)}
    return {"keyring": service}


def _write(path: Path, text: str, table: dict[str, Any]) -> None:
    """Put the account at the end of the file, which is read before it is put in the place of the old one."""
    lines = ["[[account]]"]
    lines += [f"{key} = {_value(value)}" for key, value in table.items() if key != "deliver" and value is not None]
    for each in table["deliver"]:
        lines += ["[[account.deliver]]", *(f"{key} = {_value(value)}" for key, value in each.items())]
    new = text + ("\n" if text and not text.endswith("\n") else "") + ("\n" if text else "") + "\n".join(lines) + "\n"
    parse_text(new, str(path), FetchConfig)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(new)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)


def _value(value: object) -> str:
    """A value of TOML: its strings are written as JSON's."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    return json_.dumps(value, ensure_ascii=False)


def _expanded(path: str) -> Path:
    return Path(path).expanduser()
