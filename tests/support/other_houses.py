"""Account stores over data of others, for the contract suite: their tables and trees, and how these are changed."""

import base64
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from postane.accounts import hashes
from postane.accounts.base import Account
from postane.accounts.database import Database
from postane.accounts.directory import Directory
from postane.accounts.ldap import LdapAccounts, Tree
from postane.accounts.postgres import PostgresAccounts, Queries
from postane.sasl.base import Means
from support import engines
from support.account_houses import OWN_DOMAINS, House

TABLES = """
DROP TABLE IF EXISTS people, addresses;
CREATE TABLE people (name text PRIMARY KEY, secret text, active boolean DEFAULT true, octets bigint, letters int);
CREATE TABLE addresses (address text PRIMARY KEY, owner text NOT NULL);
"""

QUERIES = Queries.parse(
    "SELECT name, secret AS password, active AS enabled, octets AS quota, letters AS quota_messages"
    " FROM people WHERE name = :user",
    "SELECT owner AS name FROM addresses WHERE address = :address",
    "SELECT 1 FROM people WHERE split_part(name, '@', 2) = :domain"
    " UNION SELECT 1 FROM addresses WHERE split_part(address, '@', 2) = :domain",
    "UPDATE people SET secret = :password WHERE name = :user AND secret = :old",
)


class PostgresKeeper:
    """Who has these tables."""

    def __init__(self, engine: engines.Postgres) -> None:
        self._engine = engine
        engine.sql(f"SET client_min_messages = error; {TABLES}")

    def add(self, name: str, *, password: str | None = None) -> Account:
        secret = "" if password is None else hashes.hash_password(password, hashes.LIGHT)
        words = "INSERT INTO people (name, secret) VALUES (:'name', nullif(:'secret', ''))"
        self._engine.sql(words, name=name, secret=secret)
        return Account(name, name)

    def set_password(self, name: str, password: str) -> None:
        self.store(name, hashes.hash_password(password, hashes.LIGHT))

    def store(self, name: str, secret: str) -> None:
        self._engine.sql("UPDATE people SET secret = :'secret' WHERE name = :'name'", name=name, secret=secret)

    def set_enabled(self, name: str, is_enabled: bool) -> None:
        words = "UPDATE people SET active = :'active'::boolean WHERE name = :'name'"
        self._engine.sql(words, name=name, active=str(is_enabled))

    def remove(self, name: str) -> None:
        self._engine.sql("DELETE FROM people WHERE name = :'name'", name=name)

    def add_alias(self, name: str, address: str) -> None:
        words = "INSERT INTO addresses (address, owner) VALUES (:'address', :'name')"
        self._engine.sql(words, name=name, address=address)


@contextlib.asynccontextmanager
async def open_postgres(folder: Path) -> AsyncIterator[House]:
    """The accounts of `postgres`, in tables made for them."""
    del folder
    engine = engines.postgres()
    keeper = PostgresKeeper(engine)
    store = PostgresAccounts(Database(engine.url), QUERIES, own_domains=OWN_DOMAINS)
    try:
        yield House(store, keeper, frozenset({Means.PASSWORD, Means.OUTSIDE}))
    finally:
        await store.close()


class LdapKeeper:
    """Who has this directory."""

    def __init__(self, engine: engines.Slapd) -> None:
        self._engine = engine
        if everybody := engine.everybody():
            engine.change("\n".join(f"{line}\nchangetype: delete\n" for line in everybody))

    def add(self, name: str, *, password: str | None = None) -> Account:
        secret = [] if password is None else [_field("userPassword", engines.ssha(hashes.octets_of(password)))]
        named = _field("cn", name), _field("sn", name)
        self._change(name, "changetype: add", "objectClass: inetOrgPerson", *named, *secret)
        return Account(name, name)

    def set_password(self, name: str, password: str) -> None:
        self.replace(name, "userPassword", engines.ssha(hashes.octets_of(password)))

    def set_enabled(self, name: str, is_enabled: bool) -> None:
        self.replace(name, "employeeType", "enabled" if is_enabled else "disabled")

    def remove(self, name: str) -> None:
        self._change(name, "changetype: delete")

    def replace(self, name: str, attribute: str, *values: str) -> None:
        """Give an attribute these values alone."""
        lines = [_field(attribute, value) for value in values]
        self._change(name, "changetype: modify", f"replace: {attribute}", *lines)

    def _change(self, name: str, *lines: str) -> None:
        self._engine.change("\n".join([_field("dn", f"uid={name},{self._engine.base}"), *lines, ""]))


def _field(attribute: str, value: str) -> str:
    """A line of LDIF for any value (RFC 2849)."""
    return f"{attribute}:: {base64.b64encode(hashes.octets_of(value)).decode()}"


ENABLED = "(!(employeeType=disabled))"


@contextlib.asynccontextmanager
async def open_ldap(folder: Path) -> AsyncIterator[House]:
    """The accounts of `ldap`, in a directory that is emptied for them."""
    del folder
    engine = engines.slapd()
    keeper = LdapKeeper(engine)
    tree = Tree.parse(engine.base, enabled_filter=ENABLED)
    store = LdapAccounts(Directory(engine.url, ca=engine.ca), tree, own_domains=OWN_DOMAINS)
    try:
        yield House(store, keeper, frozenset({Means.PASSWORD, Means.OUTSIDE}))
    finally:
        await store.close()


OTHERS: dict[str, Callable[[Path], AbstractAsyncContextManager[House]]] = {
    "postgres": open_postgres,
    "ldap": open_ldap,
}
"""By the name in the tests' ids."""
