"""Accounts by the ten thousand, for servers that do not run yet.

An account's own password has an argon2id hash, one for all, as making it a thousand times would take as long again. A
device's password costs no slow hash at its first login: what compares with a peer that reads plain passwords. The
library adds devices one by one, with keys for SCRAM that take a millisecond each; nobody here logs in by SCRAM, so
they are written in one transaction without.
"""

import sqlite3
import time
from collections.abc import Collection, Sequence
from contextlib import closing

from peers import PASSWORD

from postane.accounts.hashes import hash_password
from postane.accounts.records import Entry
from postane.app import open_registry
from postane.backends import accounts_place
from postane.config.model import Config

LABEL = "bench"


def add_accounts(config: Config, names: Sequence[str], devices: Collection[str] = ()) -> None:
    """Make them, all with the same password; those of `devices` get a device with it too."""
    registry = open_registry(config)
    try:
        hashed = hash_password(PASSWORD)
        registry.import_many([Entry(name, hashed) for name in names])
    finally:
        registry.close()
    if devices:
        _add_devices(config, devices)


def _add_devices(config: Config, names: Collection[str]) -> None:
    place = accounts_place(config)
    vault = place.vault()
    vault.make_key()
    rows = [(name, LABEL, vault.seal(name, LABEL, PASSWORD.encode()), time.time(), None) for name in names]
    with closing(sqlite3.connect(place.database)) as database, database:
        database.executemany("INSERT INTO device VALUES (?, ?, ?, ?, ?)", rows)
