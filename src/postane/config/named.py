"""What a configuration names outside of itself: are the files there, and may they be read; are the user and the
libraries there?

Every path is looked at, so that a new key is without being remembered here; but for those that Postane makes itself.

Must not know: what is in the files.
"""

import importlib.util
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from .model import Config
from .problems import Place

MADE = frozenset({("storage", "path"), ("auth", "key_file")})
"""Paths that are made where there is nothing."""

_URL = "://"

LIBRARIES = {
    "ldap": ("ldap", ("sansldap",)),
    "postgresql": ("cluster", ("asyncpg",)),
    "oauth": ("oauth", ("joserfc", "httpx2")),
}
"""By kind of [[accounts]]: the extra that brings what it needs, and that."""


def trouble_with_files(config: Config) -> list[tuple[Place, str]]:
    """Where a path stands in the configuration that cannot be read, and why, and what to do."""
    troubles = ((place, _trouble(path)) for place, path in _paths((), config) if place not in MADE)
    return [(place, words) for place, words in troubles if words is not None]


def trouble_with_machine(config: Config) -> list[tuple[Place, str]]:
    """The same for the user that workers run as, where root starts them, and for libraries."""
    troubles: list[tuple[Place, str]] = []
    if os.geteuid() == 0 and is_unknown(config.server.user):
        words = f'this machine has no user "{config.server.user}"; create it, or name another'
        troubles.append((("server", "user"), words))
    for number, table in enumerate(config.accounts):
        extra, modules = LIBRARIES.get(table.kind, ("", ()))
        for module in modules:
            if importlib.util.find_spec(module) is None:
                words = f"the module {module} is not installed; pip install 'postane[{extra}]'"
                troubles.append((("accounts", number, "kind"), words))
    return troubles


def is_unknown(user: str | None) -> bool:
    """Whether this machine has no such user."""
    try:
        return user is not None and not pwd.getpwnam(user)
    except (KeyError, ValueError):
        return True


def _paths(place: Place, value: object) -> Iterator[tuple[Place, Path]]:
    match value:
        case BaseModel():
            for name in value.model_fields_set:
                yield from _paths((*place, name), getattr(value, name))
        case tuple():
            for number, each in enumerate(value):
                yield from _paths((*place, number), each)
        case Path():
            yield place, value
        case str() if place[-1] == "jwks" and _URL not in value:
            yield place, Path(value)


def _trouble(path: Path) -> str | None:
    try:
        if not path.is_file():
            return f"{path} is not a file" if path.exists() else f"there is no file {path}: make it, or name another"
    except (OSError, ValueError) as error:
        return f"{path} cannot be a file: {error}"
    if not os.access(path, os.R_OK):
        return f"{path} may not be read by the user that starts Postane: see its owner and mode"
    return None
