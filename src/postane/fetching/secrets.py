"""From what fetch.toml says of a secret to where it really comes from.

Must not know: what it is for.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from postane.config.fetching import FetchConfig
from postane.config.secrets import SecretPlace
from postane.credentials.base import NoSecret, Secret, SecretKind, SecretSource
from postane.credentials.sources import EnvironmentSecret, FileSecret, LiteralSecret

if TYPE_CHECKING:
    from .tokens import AccountTokens

Ask = Callable[[str], str | None]
"""Asks somebody at a terminal for a password, of whom is said; None: nobody is there."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose secret it is: `user` at `host`, of the account `name`."""

    name: str
    user: str
    host: str


def warn(words: str) -> None:
    """Tell a person, or whoever keeps what is said: standard output is for data."""
    sys.stderr.write(f"warning: {''.join(each if each.isprintable() else ascii(each)[1:-1] for each in words)}\n")


def open_secret(config: FetchConfig, place: SecretPlace, owner: Owner) -> SecretSource:
    """Where a secret comes from; nothing is asked before it is. Raises ConfigError.

    Each kind is imported where it is wanted.
    """
    if place.env is not None:
        return EnvironmentSecret(place.env, os.environ)
    if place.file is not None:
        return FileSecret(place.file.expanduser(), warn)
    if place.command is not None:
        from postane.credentials.commands import CommandSecret

        return CommandSecret(place.command)
    if place.keyring is not None:
        from postane.credentials.keyrings import KeyringSecret

        return KeyringSecret(place.keyring, owner.user)
    if place.netrc:
        from postane.credentials.netrc_file import NetrcSecret, netrc_path

        path = place.netrc if isinstance(place.netrc, Path) else netrc_path(os.environ, Path.home())
        return NetrcSecret(path.expanduser(), owner.host, owner.user, warn)
    if place.oauth is not None:
        return open_account_tokens(config, place.oauth, owner)
    return LiteralSecret(place.text or "")


def open_account_tokens(config: FetchConfig, provider: str, owner: Owner) -> "AccountTokens":
    """What gives access tokens for an account. Raises ConfigError."""
    from .tokens import open_tokens  # few use them, and they come with a client of HTTP

    table = config.oauth.get(provider)
    secret = None
    if table is not None and table.client_secret is not None:
        secret = open_secret(config, table.client_secret, owner)
    return open_tokens(config, provider, owner.name, secret, warn)


@dataclass(slots=True)
class UnsaidSecret:
    """Nobody said where the password is: ~/.netrc may have it, or somebody at the terminal."""

    owner: Owner
    ask: Ask = field(repr=False)
    _kept: Secret | None = field(default=None, init=False, repr=False)

    async def get(self) -> Secret:
        """See SecretSource."""
        from postane.credentials.netrc_file import NetrcSecret, NoEntry, netrc_path

        path = netrc_path(os.environ, Path.home())
        if _is_there(path):
            try:
                return await NetrcSecret(path, self.owner.host, self.owner.user, warn).get()
            except NoEntry:
                pass
            except NoSecret as error:  # the terminal may know
                warn(error.text)
        if self._kept is None:
            self._kept = self._asked()
        return self._kept

    async def refuse(self) -> None:
        """See SecretSource."""
        self._kept = None

    def _asked(self) -> Secret:
        text = self.ask(f"Password of {self.owner.user} at {self.owner.host}: ")
        if not text:
            name = self.owner.name
            why = f"nobody said where the password of {name} is" if text is None else f"no password of {name} was given"
            raise NoSecret(f'{why}: write for example password = {{ env = "MAIL_PASSWORD" }} into fetch.toml')
        return Secret(SecretKind.PASSWORD, text)


def _is_there(path: Path) -> bool:
    """Also where it cannot be read, or points nowhere."""
    return os.path.lexists(path)
