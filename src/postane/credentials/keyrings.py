"""Passwords in the system's keyring, by the library `keyring`.

The library is loaded when it is needed: looking for a keyring takes a while, and may ask its user for a password, so
it is done beside the event loop.

Must not know: what is kept there.
"""

import asyncio
from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

from .base import NoSecret, Secret, SecretKind

ResultT = TypeVar("ResultT")

NO_KEYRING = (
    "there is no keyring here (a desktop session has one): keep the password elsewhere, such as in a file"
    " (password = { file = ... }) or behind a command"
)


class Keyring:
    """One service's secrets in the keyring, by user. All raise NoSecret where there is no keyring, or none to use."""

    def __init__(self, service: str) -> None:
        self.service = service

    async def get(self, user: str) -> str | None:
        """What is kept for a user."""

        def work(library: ModuleType) -> str | None:
            text: str | None = library.get_password(self.service, user)
            return text

        return await _beside(work)

    async def put(self, user: str, text: str) -> None:
        """Keep it, in the place of what was kept."""
        await _beside(lambda library: library.set_password(self.service, user, text))

    async def remove(self, user: str) -> None:
        """Keep nothing."""

        def work(library: ModuleType) -> None:
            if library.get_password(self.service, user) is not None:
                library.delete_password(self.service, user)

        await _beside(work)


class KeyringSecret:
    """It is kept in the keyring for a user of a service."""

    def __init__(self, service: str, user: str) -> None:
        self._keyring = Keyring(service)
        self._user = user

    async def get(self) -> Secret:
        """See SecretSource."""
        text = await self._keyring.get(self._user)
        if not text:
            service = self._keyring.service
            raise NoSecret(
                f"the keyring has no password of {self._user} for {service}: keyring set {service} {self._user}"
            )
        return Secret(SecretKind.PASSWORD, text)

    async def refuse(self) -> None:
        """See SecretSource."""


async def _beside(work: Callable[[ModuleType], ResultT]) -> ResultT:
    return await asyncio.to_thread(_with_library, work)


def _with_library(work: Callable[[ModuleType], ResultT]) -> ResultT:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise NoSecret("the library `keyring` is missing: pip install keyring") from None
    try:
        return work(keyring)
    except keyring.errors.NoKeyringError:
        raise NoSecret(NO_KEYRING) from None
    except keyring.errors.KeyringLocked as error:
        raise NoSecret(f"the keyring is locked ({error}): unlock it, then try again", may_pass=True) from None
    except keyring.errors.KeyringError as error:
        raise NoSecret(f"the keyring does not answer ({str(error) or type(error).__name__}): is it running?") from None
