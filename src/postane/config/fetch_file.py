"""Finds and reads fetch.toml.

Must not know: what is in it.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from .fetching import FetchConfig
from .problems import ConfigError
from .text import parse_text, read_text
from .units import expand_user

SEARCHED = ("fetch.toml", "~/.config/postane/fetch.toml", "/etc/postane/fetch.toml")
"""Where it is looked for when none is named."""


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


def load_fetch_config(path: Path) -> FetchConfig:
    """Read and check the file. Raises ConfigError."""
    return parse_text(read_text(path), str(path), FetchConfig)
