"""Accounts by the ten thousand, for servers that do not run yet.

An account's own password has an argon2id hash, one for all, as making it a thousand times would take as long again. A
device's password costs no slow hash at its first login: what compares with a peer that reads plain passwords. The keys
for SCRAM, of which a server makes up for those that are missing, are the first account's for all: they take
milliseconds each, and nobody here logs in by them. All is written in two transactions.
"""

import sqlite3
import time
from collections.abc import Collection, Sequence
from contextlib import closing

from peers import PASSWORD

from postane.accounts.hashes import hash_password
from postane.accounts.records import Entry
from postane.accounts.scram_keys import KEEP, KeyRing, derive, seal
from postane.app import open_registry
from postane.backends import accounts_place
from postane.config.model import Config

LABEL = "bench"


def add_accounts(config: Config, names: Sequence[str], devices: Collection[str] = ()) -> None:
    """Make them, all with the same password; those of `devices` get a device with it too."""
    registry = open_registry(config)
    try:
        hashed, salts = hash_password(PASSWORD), registry.salts()
        ring = derive(PASSWORD, names[0], salts) if salts else {}
        registry.import_many([Entry(name, hashed, ring) for name in names])
    finally:
        registry.close()
    if devices:
        _add_devices(config, devices, ring)


def _add_devices(config: Config, names: Collection[str], ring: KeyRing) -> None:
    place = accounts_place(config)
    vault = place.vault()
    rows = [(name, LABEL, vault.seal(name, LABEL, PASSWORD.encode()), time.time(), None) for name in names]
    keys = [
        (name, digest.value, LABEL, seal(vault, (name, LABEL), digest, pair))
        for name in names
        for digest, pair in ring.items()
    ]
    with closing(sqlite3.connect(place.database)) as database, database:
        database.executemany("INSERT INTO device VALUES (?, ?, ?, ?, ?)", rows)
        database.executemany(KEEP, keys)
