"""Passwords in ~/.netrc, as ftp and curl have them.

Read here and not by the standard library, whose parser keeps one entry of a host, the last, and stumbles over a comment
after an empty line.

Must not know: what a host is used for.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .base import NoSecret, Secret, SecretKind
from .sources import Warn, read_private

_TOKEN = re.compile(r'"(?P<quoted>(?:\\.|[^"\\])*)"|(?P<bare>\S+)', re.DOTALL)
_FIELDS = {"login": "login", "user": "login", "account": "account", "password": "password"}


@dataclass(slots=True)
class NetrcEntry:
    """What is said of a host; None: of all that are not named."""

    host: str | None
    login: str = ""
    account: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


class NoEntry(NoSecret):
    """The file can be read, and has none for this host and login."""


class NetrcSecret:
    """It is what a netrc file has for a host and a login: its entry, else one of the host without a login, else the
    default. Who else can read the file is told to `warn`."""

    def __init__(self, path: Path, host: str, login: str, warn: Warn) -> None:
        self._path = path
        self._host = host
        self._login = login
        self._warn = warn

    async def get(self) -> Secret:
        """See SecretSource."""
        found = await asyncio.to_thread(self._find)
        if found is None:
            raise NoEntry(
                f"{self._path} has no password of {self._login} for {self._host}: add the line"
                f" machine {self._host} login {self._login} password ..."
            )
        return Secret(SecretKind.PASSWORD, found)

    async def refuse(self) -> None:
        """See SecretSource."""

    def _find(self) -> str | None:
        octets = read_private(self._path, self._warn)
        try:
            entries = list(parse_netrc(octets.decode()))
        except ValueError as error:  # UnicodeDecodeError is one
            raise NoSecret(f"{self._path} cannot be understood ({error}): mend it") from None
        for host in (self._host.lower(), None):
            for login in (self._login, ""):
                for entry in entries:
                    if (entry.host, entry.login) == (host, login) and entry.password:
                        return entry.password
        return None


def netrc_path(environment: Mapping[str, str], home: Path) -> Path:
    """Where the file is: $NETRC, or in the home folder."""
    return Path(environment["NETRC"]) if environment.get("NETRC") else home / ".netrc"


def parse_netrc(text: str) -> Iterator[NetrcEntry]:
    """The entries, in their order. Raises ValueError, whose text names the line and nothing secret."""
    entry: NetrcEntry | None = None
    position = 0
    while (token := _TOKEN.search(text, position)) is not None:
        word, position = _word(token), token.end()
        if word.startswith("#") and token["bare"]:
            position = _end_of(text, "\n", position)
        elif word == "macdef":
            position = _end_of(text, "\n\n", position)
        elif word in ("machine", "default"):
            if entry is not None:
                yield entry
            entry = NetrcEntry(None)
            if word == "machine":
                value, position = _value(text, word, position)
                entry.host = value.lower()
        elif entry is not None and word in _FIELDS:
            value, position = _value(text, word, position)
            setattr(entry, _FIELDS[word], value)
        else:
            raise ValueError(f"line {_line(text, token.start())}: machine, login or password is expected")
    if entry is not None:
        yield entry


def _value(text: str, word: str, position: int) -> tuple[str, int]:
    token = _TOKEN.search(text, position)
    if token is None:
        raise ValueError(f"line {_line(text, position)}: {word} needs a word after it")
    return _word(token), token.end()


def _word(token: re.Match[str]) -> str:
    return re.sub(r"\\(.)", r"\1", token["quoted"] if token["bare"] is None else token["bare"], flags=re.DOTALL)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _end_of(text: str, mark: str, position: int) -> int:
    found = text.find(mark, position)
    return len(text) if found < 0 else found + len(mark)
