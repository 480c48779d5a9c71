"""Where a password or a token comes from.

Must not know: what it is for, any protocol.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class SecretKind(StrEnum):
    """What is known of somebody."""

    PASSWORD = "password"  # noqa: S105 - a kind
    TOKEN = "token"  # noqa: S105 - a kind: an access token of OAuth


@dataclass(frozen=True, slots=True)
class Secret:
    """A password or an access token."""

    kind: SecretKind
    text: str = field(repr=False)


class NoSecret(Exception):
    """There is none; the text says why and what to do. `may_pass`: worth another try later."""

    def __init__(self, text: str, *, may_pass: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.may_pass = may_pass


class SecretSource(Protocol):
    """One place where a secret is kept."""

    async def get(self) -> Secret:
        """The secret as it is now. Raises NoSecret."""
        ...

    async def refuse(self) -> None:
        """The server did not take it: a token is made anew by the next `get`, where that is possible."""
        ...
