"""Finds and reads fetch.toml.

Must not know: what is in it.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from .fetching import Account, FetchConfig
from .problems import ConfigError, Problem, refusal
from .text import parse_text, read_text
from .units import expand_user

SEARCHED = ("fetch.toml", "~/.config/postane/fetch.toml", "/etc/postane/fetch.toml")
"""Where it is looked for when none is named."""

OTHERS: Mapping[str, str] = {
    "fetchmail": r"(?m)^[ \t]*(poll|skip|set)[ \t]+[^ \t=]",
    "mpop": r"(?m)^[ \t]*(account[ \t]+[^ \t=]|defaults[ \t]*$)",
    "getmail6": r"(?m)^\[retriever\]",
}
"""What a line of other retrievers' files begins with, that none of this one's does."""


Mailbox = tuple[str, int, tuple[str, str, str]]
"""By which protocol, at which port, and whose it is: host, user, folder. POP has the INBOX."""


def find_fetch_config(named: Path | None) -> Path:
    """The file to read: the one that was named, else the first that exists. Raises ConfigError."""
    if named is not None:
        return named
    for each in SEARCHED:
        with suppress(ValueError):  # nobody has to have a home
            path = expand_user(each)
            if path.is_file():
                return path
    raise ConfigError(
        f"there is no {', no '.join(SEARCHED)}: name yours with -c, or make one: postane fetch add you@example.org"
    )


def advice(path: Path, config: FetchConfig) -> Iterator[str]:
    """One sentence for each thing worth a look."""
    places = [account.password for account in config.account]
    places += [each.password for account in config.account for each in account.deliver]
    has_secrets = any(place is not None and place.text is not None for place in places)
    has_secrets |= any(urlsplit(account.url).password is not None for account in config.account)
    if has_secrets and os.name == "posix" and path.stat().st_mode & 0o077:
        yield f"{path} has passwords, and others can read it: chmod 600 {path}"
    for account in config.account:
        if account.tls == "none" and account.plaintext == "always":
            yield f"account {account.name}: its password and its mail cross in clear text"
    yield from _about_mailboxes([account for account in config.account if account.enabled])


def _about_mailboxes(accounts: Sequence[Account]) -> Iterator[str]:
    """What is fetched twice. Nobody is asked: two names of one server are two servers."""
    first: dict[Mailbox, str] = {}
    for account in accounts:
        protocol, port, box = _mailbox(account.url, account.user)
        name = first.setdefault((protocol, port, box), account.name)
        if name != account.name:
            yield f"{name} and {account.name} fetch the same mailbox: its mail comes twice"
        for each in account.deliver:
            if each.imap is not None and _mailbox(each.imap, each.user)[2] == box:
                yield f"account {account.name}: its mail goes to where it comes from: it is fetched again each time"


def _mailbox(url: str, user: str | None) -> Mailbox:
    from postane.fetching.places import parse_place  # where such URLs are read

    place = parse_place(url)
    folder = "INBOX" if place.folder.upper() == "INBOX" else place.folder  # RFC 9051 s5.1
    return place.protocol, place.port, (place.host.lower().rstrip("."), user or place.user or "", folder)


def load_fetch_config(path: Path) -> FetchConfig:
    """Read and check the file. Raises ConfigError."""
    text = read_text(path)
    try:
        return parse_text(text, str(path), FetchConfig)
    except ConfigError as error:
        if whose := next((name for name, line in OTHERS.items() if re.search(line, text)), None):
            words = f"this looks like {whose}'s file: docs/moving-here.md tells what to write in its place"
            raise refusal([*error.problems, Problem(str(path), words)]) from error
        raise
