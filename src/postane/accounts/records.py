"""What is told of the accounts, as values, and how they are read from the tables.

Must not know: how accounts change, how logins are verified.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from postane.maildrop.base import LockPolicy, Quota

from .base import Account
from .devices import Vault
from .files import Owner
from .schema import FILE_NAME
from .scram_keys import KeyRing

KEY_NAME = "device.key"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the accounts are: the storage folder, and the key file (None: beside them); to whom a key file that root
    makes belongs (None: whoever has the folder)."""

    folder: Path
    key_file: Path | None = None
    owner: Owner | None = None

    @property
    def database(self) -> Path:
        return self.folder / FILE_NAME

    def vault(self) -> Vault:
        """What seals device passwords and SCRAM keys."""
        return Vault(self.key_file or self.folder / KEY_NAME, self.owner)


@dataclass(frozen=True, slots=True)
class Device:
    """A device password without its secret. Times are in seconds since the epoch."""

    label: str
    created: float
    last_used: float | None


@dataclass(frozen=True, slots=True)
class Record:
    """All that is told of an account. `readers` may read its maildrop, and it may read those of `owners`.

    With `has_scram_keys` it can log in by SCRAM with its own password.
    """

    account: Account
    created: float
    has_password: bool
    has_scram_keys: bool
    aliases: tuple[str, ...]
    devices: tuple[Device, ...]
    readers: tuple[str, ...]
    owners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One account of an import: a canonical name, a hash as it is stored, and SCRAM keys where they are known."""

    name: str
    hash: str = field(repr=False)
    keys: KeyRing = field(default_factory=dict, repr=False)


COLUMNS = "name, enabled, quota_octets, quota_messages, lock, retention, login_delay, keep_deleted"
WIDTH = 8
"""What `read_account` reads, and how many columns it is."""

TABLES = "account LEFT JOIN own ON own.account = account.name"
"""Where they come from."""

_HAS_KEYS = "EXISTS (SELECT 1 FROM scram WHERE scram.account = account.name AND label = '')"


def read_account(row: Sequence[Any]) -> Account:
    """An account from its COLUMNS."""
    name, enabled, octets, messages, lock, retention, login_delay, keep_deleted = row
    return Account(
        name,
        name,
        bool(enabled),
        Quota(octets, messages),
        None if lock is None else LockPolicy(lock),
        retention,
        login_delay,
        bool(keep_deleted),
    )


def write_own(database: sqlite3.Connection, account: Account) -> None:
    """Keep what an account has of its own."""
    values = (account.name, account.lock, account.retention, account.login_delay, int(account.keep_deleted))
    database.execute("INSERT OR REPLACE INTO own VALUES (?, ?, ?, ?, ?)", values)


def read_records(database: sqlite3.Connection, name: str | None) -> list[Record]:
    """The record of one account (a list of one or none), or of all, sorted by name."""
    chosen = {"name": name}
    aliases: defaultdict[str, list[str]] = defaultdict(list)
    for account, address in database.execute(
        "SELECT account, address FROM alias WHERE :name IS NULL OR account = :name ORDER BY address", chosen
    ):
        aliases[account].append(address)
    devices: defaultdict[str, list[Device]] = defaultdict(list)
    for account, *columns in database.execute(
        "SELECT account, label, created, last_used FROM device WHERE :name IS NULL OR account = :name ORDER BY label",
        chosen,
    ):
        devices[account].append(Device(*columns))
    readers: defaultdict[str, list[str]] = defaultdict(list)
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for owner, reader in database.execute(
        "SELECT owner, reader FROM share WHERE :name IS NULL OR :name IN (owner, reader) ORDER BY owner, reader", chosen
    ):
        readers[owner].append(reader)
        owners[reader].append(owner)
    rows = database.execute(
        f"SELECT created, password IS NOT NULL, {_HAS_KEYS}, {COLUMNS} FROM {TABLES}"  # noqa: S608 - our own words alone
        " WHERE :name IS NULL OR name = :name ORDER BY name",
        chosen,
    )
    return [
        Record(
            read_account(row),
            created,
            bool(has_password),
            bool(has_scram_keys),
            tuple(aliases[row[0]]),
            tuple(devices[row[0]]),
            tuple(readers[row[0]]),
            tuple(owners[row[0]]),
        )
        for created, has_password, has_scram_keys, *row in rows
    ]
