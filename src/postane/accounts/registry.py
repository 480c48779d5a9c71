"""The administrator's side of the accounts: add, change, list and remove them. Blocking, for commands and threads.

Every change is one transaction, durable when the method returns, and seen by every worker at its next login. Names
are taken as people write them and kept in their canonical form (`names`).

Must not know: the event loop, how logins are verified.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from postane.maildrop.base import Quota

from .base import Account, NameTaken, UnknownName
from .changes import Changes
from .devices import generate_secret
from .hashes import FULL, Cost, checked, hash_password, needs_upgrade, octets_of
from .leave import check_share, not_shared
from .names import canonical, domain_of, near_name, parse_address, parse_label, parse_name, show_name
from .partial import Salts
from .records import Entry, Place, Record, read_records, write_own
from .schema import open_database, told, transaction
from .scram_keys import KEEP, OWN, KeyMaker

ROWS_AT_ONCE = 500
"""Names in one question; SQLite takes 999 in its oldest builds."""


class Registry:
    """The accounts of one place. Opened at the first use; methods raise AccountsUnavailable besides what they name.

    May be used from one thread at a time.
    """

    def __init__(self, place: Place, *, clock: Callable[[], float] = time.time, cost: Cost = FULL) -> None:
        self._place = place
        self._clock = clock
        self._cost = cost
        self._vault = place.vault()
        self._maker = KeyMaker(self._vault, lambda question, _: self._ask(question))
        self._opened: sqlite3.Connection | None = None
        self._changes = Changes(place.folder, place.owner)

    def add(
        self, name: str, *, password: str | None = None, quota: Quota | None = None, aliases: Iterable[str] = ()
    ) -> Account:
        """A new account. Raises BadName, BadPassword, NameTaken."""
        name, bounds = parse_name(name), quota or Quota()
        addresses = dict.fromkeys(parse_address(alias) for alias in aliases)
        if name in addresses:
            raise NameTaken(f"{show_name(name)} cannot be an alias of itself")
        for address in (name, *addresses):  # before the slow hash
            self._check_free(address)
        stored = None if password is None else hash_password(checked(password), self._cost)
        keys = [] if password is None else self._keys(name, OWN, checked(password))
        with self._change() as database:
            for address in (name, *addresses):
                self._check_free(address)
            database.execute(
                "INSERT INTO account VALUES (?, ?, ?, 1, ?, ?, ?)",
                (name, domain_of(name), stored, bounds.octets, bounds.messages, self._clock()),
            )
            database.executemany(
                "INSERT INTO alias VALUES (?, ?, ?)", [(alias, domain_of(alias), name) for alias in addresses]
            )
            database.executemany(KEEP, keys)
        return Account(name, name, quota=bounds)

    def check_new(self, name: str) -> None:
        """Whether an account of that name could be added. Raises BadName, NameTaken."""
        self._check_free(parse_name(name))

    def names(self) -> list[str]:
        """The names of all accounts, sorted."""
        return [row[0] for row in self._ask("SELECT name FROM account ORDER BY name")]

    def records(self) -> list[Record]:
        """All accounts, sorted by name."""
        with told(self._place.database):
            return read_records(self._database(), None)

    def show(self, name: str) -> Record:
        """One account. Raises UnknownName."""
        known = self._known(name)
        with told(self._place.database):
            return read_records(self._database(), known)[0]

    def set_password(self, name: str, password: str) -> None:
        """Replace the password, and its SCRAM keys; those of devices stay. Raises UnknownName, BadPassword."""
        known = self._known(name)
        stored = hash_password(checked(password), self._cost)
        keys = self._keys(known, OWN, checked(password))
        with self._change() as database:
            done = database.execute("UPDATE account SET password = ? WHERE name = ?", (stored, known))
            if done.rowcount == 0:
                raise UnknownName(f"there is no {show_name(known)}")
            database.executemany(KEEP, keys)

    def set_enabled(self, name: str, is_enabled: bool) -> None:
        """Let an account log in or not. Raises UnknownName."""
        known = self._known(name)
        self._update(known, "UPDATE account SET enabled = ? WHERE name = ?", (int(is_enabled), known))

    def set_quota(self, name: str, quota: Quota) -> None:
        """Bound what the maildrop may hold. Raises UnknownName."""
        known = self._known(name)
        values = (quota.octets, quota.messages, known)
        self._update(known, "UPDATE account SET quota_octets = ?, quota_messages = ? WHERE name = ?", values)

    def configure(self, account: Account) -> None:
        """Take over the quota and what `account` has of its own. Raises UnknownName."""
        known = self._known(account.name)
        bounds = (account.quota.octets, account.quota.messages, known)
        with self._change() as database:
            database.execute("UPDATE account SET quota_octets = ?, quota_messages = ? WHERE name = ?", bounds)
            write_own(database, account)

    def remove(self, name: str) -> None:
        """Remove an account with its aliases, devices and leaves to read; its maildrop stays. Raises UnknownName."""
        known = self._known(name)
        self._update(known, "DELETE FROM account WHERE name = ?", (known,))

    def add_alias(self, name: str, address: str) -> None:
        """One more address of an account; `@domain` is all of a domain. Raises UnknownName, BadName, NameTaken."""
        known, alias = self._known(name), parse_address(address)
        with self._change() as database:
            self._check_free(alias)
            database.execute("INSERT INTO alias VALUES (?, ?, ?)", (alias, domain_of(alias), known))

    def remove_alias(self, name: str, address: str) -> None:
        """Take an address away. Raises UnknownName, BadName."""
        known, alias = self._known(name), parse_address(address)
        self._update(alias, "DELETE FROM alias WHERE address = ? AND account = ?", (alias, known))

    def add_device(self, name: str, label: str, secret: str | None = None) -> str:
        """A device password, generated where none is given, and returned; SCRAM keys are kept of it. Raises
        UnknownName, NameTaken, BadName, BadPassword."""
        known, label = self._known(name), parse_label(label)
        secret = generate_secret() if secret is None else checked(secret, is_stored=True)
        self._maker.make_key()
        sealed, keys = self._vault.seal(known, label, octets_of(secret)), self._keys(known, label, secret)
        with self._change() as database:
            if self._ask("SELECT 1 FROM device WHERE account = ? AND label = ?", known, label):
                raise NameTaken(f"{show_name(known)} has a device {show_name(label)} already")
            database.execute("INSERT INTO device VALUES (?, ?, ?, ?, NULL)", (known, label, sealed, self._clock()))
            database.executemany(KEEP, keys)
        return secret

    def revoke_device(self, name: str, label: str) -> None:
        """End a device password at once, and its keys. Raises UnknownName, BadName."""
        known, label = self._known(name), parse_label(label)
        with self._change() as database:
            done = database.execute("DELETE FROM device WHERE account = ? AND label = ?", (known, label))
            if done.rowcount == 0:
                raise UnknownName(f"{show_name(known)} has no device {show_name(label)}")

    def share(self, owner: str, reader: str) -> None:
        """Let `reader` read the maildrop of `owner`, from its next look on. Idempotent. Raises UnknownName, BadName."""
        pair = check_share(self._known(owner), self._known(reader))
        with self._change() as database:
            database.execute("INSERT OR IGNORE INTO share VALUES (?, ?)", pair)

    def unshare(self, owner: str, reader: str) -> None:
        """End that; who has the maildrop open reads until it is closed. Raises UnknownName."""
        pair = (self._known(owner), self._known(reader))
        with self._change() as database:
            if database.execute("DELETE FROM share WHERE owner = ? AND reader = ?", pair).rowcount == 0:
                raise not_shared(*pair)

    def existing(self, names: Sequence[str]) -> dict[str, str]:
        """Those of these canonical names that are taken, each with its account: itself, or whose alias it is."""
        taken: dict[str, str] = {}
        for at in range(0, len(names), ROWS_AT_ONCE):
            some = names[at : at + ROWS_AT_ONCE]
            marks = ", ".join("?" * len(some))
            accounts = f"SELECT name, name FROM account WHERE name IN ({marks})"  # noqa: S608 - question marks alone
            aliases = f"SELECT address, account FROM alias WHERE address IN ({marks})"  # noqa: S608 - the same
            taken |= dict(self._ask(aliases, *some)) | dict(self._ask(accounts, *some))
        return taken

    def import_many(self, entries: Sequence[Entry], *, update: bool = False) -> int:
        """Add accounts in one transaction; the number of those that are new. No name may be there twice.

        `update` gives accounts that exist their new password. Raises NameTaken, and nothing is done.
        """
        keys = self._maker.seal({(entry.name, OWN): entry.keys for entry in entries})
        with self._change() as database:
            taken = self.existing([entry.name for entry in entries])
            for name, owner in taken.items():
                if owner != name or not update:
                    raise NameTaken(f"{show_name(name)} exists already")
            now = self._clock()
            database.executemany(
                "INSERT INTO account VALUES (?, ?, ?, 1, NULL, NULL, ?)"
                " ON CONFLICT (name) DO UPDATE SET password = excluded.password",
                [(entry.name, domain_of(entry.name), entry.hash, now) for entry in entries],
            )
            database.executemany(KEEP, keys)
        return len(entries) - len(taken)

    def salts(self) -> Salts | None:
        """What the SCRAM keys of an import are to be made with (`bulk`); None where none can be kept."""
        return self._maker.salts()

    def renew(self, name: str, stored: str, password: str) -> None:
        """`password` fits the hash `stored`: make up for what could be kept of it today, a hash of the full cost and
        SCRAM keys. One that was changed meanwhile stays."""
        better = hash_password(password, self._cost) if needs_upgrade(stored) else stored
        keys = self._keys(name, OWN, password)
        if better == stored and not keys:
            return
        with self._change() as database:
            values = (better, name, stored)
            if database.execute("UPDATE account SET password = ? WHERE name = ? AND password = ?", values).rowcount:
                database.executemany(KEEP, keys)

    def renew_device(self, name: str, label: str) -> None:
        """Keep the SCRAM keys of a device that has none; a device that is not there any more gets none."""
        which = "SELECT secret FROM device WHERE account = ? AND label = ?"
        for (sealed,) in self._ask(which, name, label):
            secret = self._vault.open(name, label, sealed).decode("utf-8", "surrogateescape")
            keys = self._keys(name, label, secret)
            with self._change() as database:
                if self._ask(which, name, label) == [(sealed,)]:
                    database.executemany(KEEP, keys)

    def note_uses(self, uses: Iterable[tuple[float, str, str]]) -> None:
        """When devices logged in: time, name and label of each; what came after one of them under its label was not
        used. No worker is told: it changes nothing of what is remembered."""
        note = "UPDATE device SET last_used = ? WHERE account = ? AND label = ? AND created <= ?"
        with told(self._place.database), transaction(self._database()):
            self._database().executemany(note, [(*use, use[0]) for use in uses])

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _keys(self, name: str, label: str, password: str) -> list[tuple[str, str, str, bytes]]:
        """Rows of SCRAM keys, for KEEP."""
        return self._maker.seal({(name, label): self._maker.ring(name, password)})

    def _database(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = open_database(self._place.folder)
        return self._opened

    def _ask(self, question: str, *values: object) -> list[Any]:
        with told(self._place.database):
            return self._database().execute(question, values).fetchall()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, durable and known to all workers when it ends."""
        with told(self._place.database):
            database = self._database()
            self._changes.number()  # or nothing is changed: workers would not learn of it at once
            try:
                with transaction(database):
                    yield database
            finally:
                self._changes.note()  # after the commit, and after one that failed too: who knows how

    def _update(self, subject: str, statement: str, values: Sequence[object]) -> None:
        """One statement that must touch one row."""
        with self._change() as database:
            if database.execute(statement, values).rowcount == 0:
                raise UnknownName(f"there is no {show_name(subject)}")

    def _known(self, name: str) -> str:
        """The canonical form of a name that exists. Raises UnknownName."""
        known = canonical(name)
        if known is None or not self._ask("SELECT 1 FROM account WHERE name = ?", known):
            near = near_name(name, self.names())
            hint = f"; did you mean {show_name(near)}?" if near else ""
            raise UnknownName(f"there is no account {show_name(name)}{hint}", account=name)
        return known

    def _check_free(self, address: str) -> None:
        if self._ask("SELECT 1 FROM account WHERE name = ?", address):
            raise NameTaken(f"the account {show_name(address)} exists already")
        for (owner,) in self._ask("SELECT account FROM alias WHERE address = ?", address):
            raise NameTaken(f"{show_name(address)} is an alias of {show_name(owner)} already")
