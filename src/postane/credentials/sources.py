"""Passwords from where their owner keeps them: an environment variable, a file, the configuration itself.

Must not know: what they are for; other programs.
"""

import asyncio
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from .base import NoSecret, Secret, SecretKind

LIMIT = 65_536
"""Octets of a file or of a program's answer at most."""

Warn = Callable[[str], None]
"""Hears of what is not as it should be, and does not stop anything."""


class LiteralSecret:
    """It stands in the configuration."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def get(self) -> Secret:
        """See SecretSource."""
        return Secret(SecretKind.PASSWORD, self._text)

    async def refuse(self) -> None:
        """See SecretSource."""


class EnvironmentSecret:
    """It is the value of an environment variable."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self._name = name
        self._environment = environment

    async def get(self) -> Secret:
        """See SecretSource."""
        text = self._environment.get(self._name)
        if not text:
            trouble = "is not set" if text is None else "is empty"
            raise NoSecret(
                f"the environment variable {self._name}, which should hold the password, {trouble}: set and export it"
            )
        return Secret(SecretKind.PASSWORD, text)

    async def refuse(self) -> None:
        """See SecretSource."""


class FileSecret:
    """It is the first line of a file, read anew each time. Who else can read the file is told to `warn`."""

    def __init__(self, path: Path, warn: Warn) -> None:
        self._path = path
        self._warn = warn

    async def get(self) -> Secret:
        """See SecretSource."""
        octets = await asyncio.to_thread(read_private, self._path, self._warn)
        return Secret(SecretKind.PASSWORD, first_line(octets, str(self._path)))

    async def refuse(self) -> None:
        """See SecretSource."""


def read_private(path: Path, warn: Warn, what: str = "the password") -> bytes:
    """What is in a file that should be its owner's alone. Raises NoSecret."""
    try:
        with open(path, "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            octets = file.read(LIMIT)
    except OSError as error:
        raise NoSecret(
            f"{path}, which should hold {what}, cannot be read ({error.strerror}): is the path right, and may"
            " this user read it?"
        ) from None
    if mode & 0o077 and os.name == "posix":
        warn(f"{path}: others can read or change it (mode {mode:04o}): chmod 600 {path}")
    return octets


def first_line(octets: bytes, place: str) -> str:
    """The first line as text, without its end. Raises NoSecret, whose text names the place alone."""
    line = octets.partition(b"\n")[0].removesuffix(b"\r")
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NoSecret(f"{place}: its first line is not UTF-8 text: write the password there") from None
    if not text:
        raise NoSecret(f"{place}: its first line is empty: write the password there")
    return text
