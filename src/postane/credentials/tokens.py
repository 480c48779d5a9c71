"""Tokens of OAuth, and where they are kept: a file for its owner alone, or the system's keyring.

A refresh token is as good as a password. It is never shown, and a new one is durable before it is used: a server that
gives out a new one each time has forgotten the one before.

Must not know: who gives tokens out.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from .base import NoSecret
from .keyrings import Keyring
from .sources import Warn, read_private

if sys.platform != "win32":
    import fcntl

PAUSE = 0.1
"""Seconds between two looks at a lock that another process has."""

LOOKS = 1200
"""After so many it counts as forgotten: nobody asks a server for two minutes."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an authorization server gave. `expires` is in seconds since the epoch, None: nobody said."""

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires: float | None = None


def format_tokens(tokens: Tokens) -> str:
    """As they are kept."""
    return json.dumps(asdict(tokens))


def parse_tokens(text: str | bytes) -> Tokens:
    """The inverse. Raises ValueError, which repeats nothing of it."""
    try:
        found = json.loads(text)
    except ValueError:  # of decoding too
        found = None
    match found:
        case {"access": str(access), "refresh": str() | None as refresh, "expires": float() | int() | None as expires}:
            return Tokens(access, refresh, expires)
        case _:
            raise ValueError("these are no tokens") from None


class TokenStore(Protocol):
    """The tokens of one account. All raise NoSecret where they cannot be read or kept."""

    async def load(self) -> Tokens | None:
        """What is kept."""
        ...

    async def save(self, tokens: Tokens) -> None:
        """Keep these, durably, in the place of what was kept."""
        ...

    async def remove(self) -> None:
        """Keep none. Idempotent."""
        ...

    def exclusive(self) -> AbstractAsyncContextManager[None]:
        """While they are renewed: of several who do so, one at a time, in all processes as far as that can be."""
        ...


class FileTokens:
    """They are in a file of their own in a folder, made where there is none. Who else can read it is told to `warn`."""

    def __init__(self, folder: Path, name: str, warn: Warn) -> None:
        self._path = folder / f"{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.json"
        self._name = name
        self._warn = warn
        self._turn = asyncio.Lock()

    async def load(self) -> Tokens | None:
        """See TokenStore."""
        return await asyncio.to_thread(self._load)

    def _load(self) -> Tokens | None:
        if not self._path.exists():
            return None
        try:
            return parse_tokens(read_private(self._path, self._warn, "tokens"))
        except ValueError as error:
            raise NoSecret(f"{self._path} (tokens of {self._name}): {error}; remove it and log in anew") from None

    async def save(self, tokens: Tokens) -> None:
        """See TokenStore."""
        with self._told("written"):
            await asyncio.to_thread(self._save, format_tokens(tokens).encode())

    def _save(self, octets: bytes) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}")
        try:
            with open(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(octets)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        finally:
            temporary.unlink(missing_ok=True)
        if sys.platform != "win32":
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    async def remove(self) -> None:
        """See TokenStore."""
        with self._told("removed"):
            await asyncio.to_thread(self._path.unlink, missing_ok=True)

    @contextlib.asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """See TokenStore."""
        async with self._turn:
            with self._told("locked"):
                descriptor = await asyncio.to_thread(self._open_lock)
            try:
                for _ in range(LOOKS):
                    if _is_locked(descriptor):
                        break
                    await asyncio.sleep(PAUSE)
                yield
            finally:
                _unlock(descriptor)
                os.close(descriptor)

    def _open_lock(self) -> int:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            words = f"{self._path} (tokens of {self._name}) cannot be {what}: {error.strerror}"
            raise NoSecret(f"{words}: is there room, and may this user write there?", may_pass=True) from None


def _unlock(descriptor: int) -> None:
    """Before it is closed: a program that is just being started may have it open a moment longer."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _is_locked(descriptor: int) -> bool:
    if sys.platform == "win32":
        return True  # of one process, by its own lock
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class KeyringTokens:
    """They are in the keyring."""

    def __init__(self, keyring: Keyring, user: str) -> None:
        self._keyring = keyring
        self._user = user
        self._turn = asyncio.Lock()

    async def load(self) -> Tokens | None:
        """See TokenStore."""
        text = await self._keyring.get(self._user)
        try:
            return parse_tokens(text) if text else None
        except ValueError as error:
            where = f"the keyring's entry of {self._user} for {self._keyring.service}"
            raise NoSecret(f"{where}: {error}; remove it and log in anew") from None

    async def save(self, tokens: Tokens) -> None:
        """See TokenStore."""
        await self._keyring.put(self._user, format_tokens(tokens))

    async def remove(self) -> None:
        """See TokenStore."""
        await self._keyring.remove(self._user)

    @contextlib.asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """See TokenStore."""
        async with self._turn:
            yield
