"""The account stores that pass the contract suite: one function for each, listed in EVERY.

A store joins by a function that opens it over an empty place with nobody in it, and tells what it can do: its `means`
and how its accounts are changed. What its means do not name it must refuse, and the suite looks that it does.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from postane.accounts.base import Account, AccountStore
from postane.accounts.hashes import LIGHT
from postane.accounts.local import LocalAccounts
from postane.accounts.memory import MemoryAccounts
from postane.accounts.records import Place
from postane.accounts.registry import Registry
from postane.sasl.base import Means

OWN_DOMAINS = ("dbc.mtview.ca.us", "localhost", "[127.0.0.1]")
"""Every store of the suite is told these."""

HOSTILE = (
    "mrose' OR '1'='1",
    "mrose'; DROP TABLE account; --",
    "../mrose",
    "mrose/",
    "mrose\0",
    "mrose\r\nDELE 1",
    "\u202emrose",
    "mro\udcffse",
    "\ud800",
    "",
    "@",
    "mrose@",
    "@example.org",
    "mrose " * 10_000,
    "mrose:x",
)
"""Names that nobody can have, and that do harm where one is put into a path, a query or a line."""

STRANGE = ("%", "*", "mrose)(uid=*", "mrose=", "mrose,n", "mro%")
"""Names that somebody may have, that nobody has here, and that do harm in a query or a filter."""


class Keeper(Protocol):
    """How whoever owns a store's data changes them. Our own stores have all of `Registry` and run further tests."""

    def add(self, name: str, *, password: str | None = None) -> Account:
        """A new account, whose password SCRAM keys are kept of where the store has such means."""
        ...

    def set_password(self, name: str, password: str) -> None:
        """Replace the password; what was kept of the old one goes."""
        ...

    def set_enabled(self, name: str, is_enabled: bool) -> None:
        """Let an account log in or not, by whatever the store reads that from."""
        ...

    def remove(self, name: str) -> None:
        """Remove an account."""
        ...


def _nothing(name: str, secret: str) -> str:
    raise AssertionError("this store does not name such means")


@dataclass
class House:
    """A store and the way it is changed.

    `give_secret(name, secret)` makes the account answer to the secret by Means.SECRET, `give_token(name, token)` makes
    the token one that is taken as the account's; both return what the proof will say. A store without such means
    leaves them out. `scram_credential` is what a proof by SCRAM says.
    """

    store: AccountStore
    registry: Any  # a Keeper; all of Registry in those of OURS
    means: frozenset[Means]
    give_secret: Callable[[str, str], str] = _nothing
    give_token: Callable[[str, str], str] = _nothing
    scram_credential: str = "password"
    tells_disabled: bool = True  # before somebody wants to come in
    own_password_answers: bool = False  # the user's own password is kept in clear text, and answers for Means.SECRET


OUR_MEANS = frozenset({Means.PASSWORD, Means.SECRET, Means.SCRAM_SHA_1, Means.SCRAM_SHA_256, Means.OUTSIDE})


def _device(registry: Registry | MemoryAccounts) -> Callable[[str, str], str]:
    def give(name: str, secret: str) -> str:
        registry.add_device(name, "phone", secret)
        return "device phone"

    return give


@contextlib.asynccontextmanager
async def open_memory(folder: Path) -> AsyncIterator[House]:
    """The accounts of `memory`."""
    del folder
    memory = MemoryAccounts(own_domains=OWN_DOMAINS)
    yield House(memory, memory, OUR_MEANS, _device(memory))


@contextlib.asynccontextmanager
async def open_local(folder: Path) -> AsyncIterator[House]:
    """The accounts of `local`, changed by its registry."""
    place = Place(folder / "storage")
    local, registry = LocalAccounts(place, own_domains=OWN_DOMAINS), Registry(place, cost=LIGHT)
    try:
        yield House(local, registry, OUR_MEANS, _device(registry))
    finally:
        registry.close()
        await local.close()


OURS: dict[str, Callable[[Path], AbstractAsyncContextManager[House]]] = {"memory": open_memory, "local": open_local}
"""Those that are changed by a registry of ours: with aliases, devices, settings, leave to read."""

EVERY: dict[str, Callable[[Path], AbstractAsyncContextManager[House]]] = {**OURS}
"""All of them, by the name in the tests' ids. Add yours here."""
