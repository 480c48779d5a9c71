"""Accounts in any tables of a PostgreSQL database: the administrator's queries say who they are.

The database is asked at each login, so that a change counts at once; only the slow hash is spared, by a cache whose
entries end with the hash they were made for. Names and addresses go to the database as values, never as text of a
query. Connections are opened at the first use: a process may fork after making a `PostgresAccounts`, not after that.

Must not know: protocols; any table.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from postane.maildrop.base import Quota

from . import hashes
from .base import Account, AccountsUnavailable, LoginRefused, Proof
from .cache import LoginCache
from .database import Connections, Database, Row
from .imported import HashError
from .kept import Kept, check_scheme, fits, parse_kept
from .names import bare_name, canonical, fold_domain, meanings, show_name
from .partial import REFUSED, PartialAccounts
from .queries import Query, parse_kind
from .schema import UNAVAILABLE
from .slow import SlowWork


@dataclass(frozen=True, slots=True)
class Queries:
    """What the database is asked. Raises BadQuery where one cannot be understood."""

    password: Query
    address: Query | None = None
    domain: Query | None = None
    update: Query | None = None

    @classmethod
    def parse(
        cls, password: str, address: str | None = None, domain: str | None = None, update: str | None = None
    ) -> Self:
        """Read them as they are configured."""
        return cls(
            parse_kind("password", password),
            (address and parse_kind("address", address)) or None,
            (domain and parse_kind("domain", domain)) or None,
            (update and parse_kind("update", update)) or None,
        )


@dataclass(frozen=True, slots=True)
class _Row:
    """One answer of the password query; `trouble` is why what it keeps cannot be read."""

    account: Account
    kept: Kept
    trouble: str = ""


class PostgresAccounts(PartialAccounts):
    """An AccountStore over `database`, which verifies passwords.

    `own_domains` are those whose mail belongs to bare names, `scheme` is that of hashes which do not say theirs,
    `cache_seconds` is how long a verified password spares the slow hash. Raises HashError for an unknown scheme.
    """

    def __init__(
        self,
        database: Database,
        queries: Queries,
        *,
        own_domains: tuple[str, ...] = (),
        scheme: str = "CRYPT",
        cache_seconds: float = 600.0,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._database = Connections(database)
        self._queries = queries
        self._own_domains = frozenset(fold_domain(domain) for domain in own_domains)
        self._scheme = check_scheme(scheme)
        self._cache = LoginCache(cache_seconds, steady)
        self._hashing = SlowWork()

    async def verify_password(self, name: str, password: str) -> Proof:
        """See AccountStore."""
        row = await self._claimed(name)
        if row is None or not row.account.is_enabled:
            await self._slowly(check, Kept(), password)
            raise _refusal(name, row)
        account = row.account
        if row.kept.text and self._cache.knows(account.name, row.kept.text, password):
            return Proof(account, "password")
        if not await self._slowly(check, row.kept, password):
            raise _refusal(name, row)
        return await self._verified(row, password)

    async def admit(self, name: str, credential: str) -> Proof:
        """See AccountStore."""
        row = await self._claimed(name)
        if row is None or not row.account.is_enabled:
            raise _refusal(name, row)
        return Proof(row.account, credential)

    async def find(self, name: str) -> Account | None:
        """See AccountStore."""
        row = await self._row(name)
        return row.account if row is not None and row.account.name == canonical(name) else None

    async def resolve(self, local_part: str, domain: str | None) -> Account | None:
        """See AccountStore."""
        for name in meanings(local_part, domain, self._own_domains):
            account = await self.find(name)
            if account is None and self._queries.address is not None:
                target = _one(await self._database.ask(self._queries.address, {"address": name}), name)
                account = None if target is None else await self.find(str(target.get("name") or ""))
            if account is not None:
                return account
        return None

    async def is_local(self, domain: str) -> bool:
        """See AccountStore. Without a query for domains, those that the post office was told."""
        place = fold_domain(domain)
        if place in self._own_domains:
            return True
        if self._queries.domain is None or not place or canonical(f"x@{place}") is None:
            return False
        return bool(await self._database.ask(self._queries.domain, {"domain": place}))

    async def close(self) -> None:
        """See AccountStore."""
        self._hashing.close()
        self._database.close()

    async def _verified(self, row: _Row, password: str) -> Proof:
        """The password was right when the row was read; what has changed during the slow hash counts."""
        now = await self._row(row.account.name)
        if now is None or not now.account.is_enabled or now.kept.text != row.kept.text:
            raise _refusal(row.account.name, now)
        self._cache.remember(row.account.name, row.kept.text, password)
        if self._queries.update is not None and needs_upgrade(row.kept):
            await self._upgrade(self._queries.update, row, password)
        return Proof(now.account, "password")

    async def _upgrade(self, update: Query, row: _Row, password: str) -> None:
        """Store a stronger hash. A login stands although it cannot be written: the next one tries again."""
        made = await self._slowly(stronger, password)
        try:
            await self._database.ask(update, {"user": row.account.name, "password": made, "old": row.kept.text})
        except AccountsUnavailable:
            return
        self._cache.remember(row.account.name, made, password)

    async def _claimed(self, name: str) -> _Row | None:
        """Whom a client means that logs in by `name`: mail programs give the whole address of a bare name too."""
        row = await self._row(name)
        bare = bare_name(name, self._own_domains)
        return await self._row(bare) if row is None and bare is not None else row

    async def _row(self, name: str) -> _Row | None:
        known = canonical(name)
        if known is None or known.startswith("@"):
            return None
        found = _one(await self._database.ask(self._queries.password, {"user": known}), known)
        return None if found is None else self._read(found, known)

    def _read(self, found: Row, asked: str) -> _Row | None:
        name = canonical(str(found.get("name") or asked))
        if name is None or name.startswith("@"):
            return None
        quota = Quota(_number(found, "quota"), _number(found, "quota_messages"))
        account = Account(name, name, is_enabled=_is_on(found.get("enabled", True)), quota=quota)
        try:
            return _Row(account, parse_kept(str(found.get("password") or ""), self._scheme))
        except HashError as error:
            return _Row(account, Kept(), str(error))

    async def _slowly(self, work: Callable[..., Any], *given: object) -> Any:
        return await self._hashing.do(work, *given)


def check(kept: Kept, password: str) -> bool:
    """Whether a password fits; where it does not, with the work that makes failures alike (see `hashes`). Slow."""
    if kept.hash is not None:
        return hashes.check(kept.hash, password)
    return fits(kept, password) or hashes.check(None, password)


def needs_upgrade(kept: Kept) -> bool:
    """Whether it is weaker than what `stronger` makes. What was made for a mechanism is left to it."""
    return kept.password is not None or (kept.hash is not None and hashes.needs_upgrade(kept.hash))


def stronger(password: str) -> str:
    """A new hash, tagged so that other servers that read the table know it too. Slow."""
    return f"{{ARGON2ID}}{hashes.hash_password(password)}"


def _one(rows: list[Row], name: str) -> Row | None:
    if len(rows) > 1:
        words = f"the database has {len(rows)} rows for {show_name(name)}: a query must give one at most"
        raise AccountsUnavailable(UNAVAILABLE, words)
    return rows[0] if rows else None


def _number(found: Row, column: str) -> int | None:
    """NULL, 0 and less: no limit."""
    value = found.get(column)
    try:
        number = int(value or 0)
    except (TypeError, ValueError, OverflowError):
        raise AccountsUnavailable(
            UNAVAILABLE, f"the database's {column} is no number, but {show_name(str(value))}"
        ) from None
    return number if number > 0 else None


def _is_on(value: object) -> bool:
    """Booleans, numbers, and the words that PostgreSQL's own boolean type reads; NULL is no."""
    return value.strip().lower() in {"t", "true", "y", "yes", "on", "1"} if isinstance(value, str) else bool(value)


def _refusal(name: str, row: _Row | None) -> LoginRefused:
    if row is None:
        why = "no such account"
    elif not row.account.is_enabled:
        why = "account is disabled"
    else:
        why = row.trouble or "wrong password"
    return LoginRefused(REFUSED, f"{show_name(name)}: {why}")
