"""What is told of the accounts, as values, and how they are read from the tables.

Must not know: how accounts change, how logins are verified.
"""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from postane.maildrop.base import Quota

from .base import Account
from .devices import Vault
from .schema import FILE_NAME

KEY_NAME = "device.key"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the accounts are: the storage folder, and the key of the device passwords (None: beside them)."""

    folder: Path
    key_file: Path | None = None

    @property
    def database(self) -> Path:
        return self.folder / FILE_NAME

    def vault(self) -> Vault:
        """The device passwords' safe."""
        return Vault(self.key_file or self.folder / KEY_NAME)


@dataclass(frozen=True, slots=True)
class Device:
    """A device password without its secret. Times are in seconds since the epoch."""

    label: str
    created: float
    last_used: float | None


@dataclass(frozen=True, slots=True)
class Record:
    """All that is told of an account."""

    account: Account
    created: float
    has_password: bool
    aliases: tuple[str, ...]
    devices: tuple[Device, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One account of an import: a canonical name and a hash as it is stored."""

    name: str
    hash: str = field(repr=False)


def read_account(row: tuple[str, int, int | None, int | None]) -> Account:
    """An account from its columns name, enabled, quota_octets, quota_messages."""
    return Account(row[0], row[0], bool(row[1]), Quota(row[2], row[3]))


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
    rows = database.execute(
        "SELECT name, enabled, quota_octets, quota_messages, created, password IS NOT NULL FROM account"
        " WHERE :name IS NULL OR name = :name ORDER BY name",
        chosen,
    )
    return [
        Record(read_account(row[:4]), row[4], bool(row[5]), tuple(aliases[row[0]]), tuple(devices[row[0]]))
        for row in rows
    ]
