"""Accounts in an LDAP directory: who logs in is searched for, and proven by a bind as whom was found.

The directory is searched at each login, so that an account which is gone or disabled is refused at once. A verified
password spares the bind for a short while, and only where the directory tells a version of the entry: the next change
of the entry, its password among it, ends that. What the directory itself counts or locks is noticed after that while.

Connections are opened at the first use: a process may fork after making an `LdapAccounts`, not after that.

Must not know: protocols; any schema.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from sansldap import LDAPFilter, SearchScope

from .base import Account, AccountsUnavailable, LoginRefused, Proof
from .cache import LoginCache
from .directory import Directory, Links
from .filters import Filter, parse_filter
from .hashes import BadPassword, checked
from .ldap_link import Entry, Search
from .names import bare_name, canonical, fold_domain, meanings, show_name
from .partial import REFUSED, PartialAccounts
from .schema import UNAVAILABLE

CACHE_SECONDS = 60.0
"""How long a verified password spares the bind at most: what the directory locks is let in for no longer."""

VERSIONS = ("entrycsn", "entryusn", "usnchanged")
"""Attributes that change with every change of an entry: of OpenLDAP, 389 Directory Server, Active Directory. The
standard's modifyTimestamp (RFC 4512 s3.4.4) is none: two changes in a second leave it alone."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Where and how people are searched for. `name` is the attribute that is an account's name; one that does not
    match `enabled` cannot log in."""

    base: str
    filter: Filter
    address_filter: Filter
    name: str = "uid"
    enabled: LDAPFilter | None = None

    @classmethod
    def parse(
        cls,
        base: str,
        filter: str = "(uid={user})",
        address_filter: str = "(mail={address})",
        name: str = "uid",
        enabled_filter: str | None = None,
    ) -> Self:
        """Read what is configured. Raises BadFilter."""
        enabled = None if enabled_filter is None else parse_filter(enabled_filter, ()).about("")
        return cls(base, parse_filter(filter, ("user",)), parse_filter(address_filter, ("address",)), name, enabled)


@dataclass(frozen=True, slots=True)
class _Person:
    account: Account
    dn: str
    version: str


class LdapAccounts(PartialAccounts):
    """An AccountStore over `directory`, which verifies passwords.

    `own_domains` are those whose mail belongs to bare names. Raises ValueError for a URL that is none.
    """

    def __init__(
        self,
        directory: Directory,
        tree: Tree,
        *,
        own_domains: tuple[str, ...] = (),
        cache_seconds: float = CACHE_SECONDS,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._links = Links(directory)
        self._tree = tree
        self._own_domains = frozenset(fold_domain(domain) for domain in own_domains)
        self._cache = LoginCache(min(cache_seconds, CACHE_SECONDS), steady)

    async def verify_password(self, name: str, password: str) -> Proof:
        """See AccountStore. A password that proves nothing is not tried."""
        person, prepared = await self._claimed(name), _prepared(password)
        if person is None or not person.account.is_enabled or not prepared:
            await self._refuse_slowly()
            raise _refusal(name, person)
        stored = f"{person.dn}\0{person.version}"
        if person.version and self._cache.knows(person.account.name, stored, prepared):
            return Proof(person.account, "password")
        if not await self._links.proves(person.dn, prepared):
            raise _refusal(name, person)
        if person.version:
            self._cache.remember(person.account.name, stored, prepared)
        return Proof(person.account, "password")

    async def admit(self, name: str, credential: str) -> Proof:
        """See AccountStore."""
        person = await self._claimed(name)
        if person is None or not person.account.is_enabled:
            raise _refusal(name, person)
        return Proof(person.account, credential)

    async def find(self, name: str) -> Account | None:
        """See AccountStore."""
        person = await self._person(name)
        return person.account if person is not None and person.account.name == canonical(name) else None

    async def resolve(self, local_part: str, domain: str | None) -> Account | None:
        """See AccountStore."""
        for name in meanings(local_part, domain, self._own_domains):
            account = await self.find(name)
            if account is None:
                person = await self._search(self._tree.address_filter.about(name), name)
                account = None if person is None else person.account
            if account is not None:
                return account
        return None

    async def is_local(self, domain: str) -> bool:
        """See AccountStore: the domains that the post office was told."""
        return fold_domain(domain) in self._own_domains

    async def close(self) -> None:
        """See AccountStore."""
        self._links.close()

    async def _claimed(self, name: str) -> _Person | None:
        """Whom a client means that logs in by `name`: mail programs give the whole address of a bare name too."""
        person = await self._person(name)
        bare = bare_name(name, self._own_domains)
        return await self._person(bare) if person is None and bare is not None else person

    async def _person(self, name: str) -> _Person | None:
        known = canonical(name)
        if known is None or known.startswith("@"):
            return None
        return await self._search(self._tree.filter.about(known), known)

    async def _search(self, about: LDAPFilter, asked: str) -> _Person | None:
        """Exactly one entry must be meant."""
        wanted = (self._tree.name, *VERSIONS)
        found = await self._links.search(Search(self._tree.base, about, wanted))
        if len(found) > 1:
            words = f"the directory has more than one entry for {show_name(asked)}: a filter must match one at most"
            raise AccountsUnavailable(UNAVAILABLE, words)
        return await self._read(found[0], asked) if found else None

    async def _read(self, entry: Entry, asked: str) -> _Person | None:
        name = _name(entry.attributes.get(self._tree.name.lower(), []), asked)
        if name is None:
            return None
        version = next((_text(entry.attributes[each][0]) for each in VERSIONS if entry.attributes.get(each)), "")
        return _Person(Account(name, name, is_enabled=await self._is_enabled(entry)), entry.dn, version)

    async def _is_enabled(self, entry: Entry) -> bool:
        if self._tree.enabled is None:
            return True
        search = Search(entry.dn, self._tree.enabled, ("1.1",), SearchScope.BASE)
        return bool(await self._links.search(search))

    async def _refuse_slowly(self) -> None:
        """A bind that fails, so that the time does not tell who exists. What hashing costs is the directory's."""
        await self._links.proves(f"{self._tree.name}=-,{self._tree.base}", secrets.token_urlsafe())


def _name(values: list[bytes], asked: str) -> str | None:
    """The account's name: of several values the one that was asked for, else none, as values have no order."""
    names = {canonical(_text(value)) for value in values} - {None}
    if asked in names:
        return asked
    name = names.pop() if len(names) == 1 else None
    return None if name is None or name.startswith("@") else name


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _prepared(password: str) -> str:
    """RFC 4511 s4.2: a password is sent as UTF-8, prepared by SASLprep. Nothing where it proves nothing (RFC 4513
    s5.1.2), where it is no text, and where some directories would stop reading, at NUL."""
    try:
        prepared = checked(password)
        prepared.encode()
    except (BadPassword, UnicodeEncodeError):
        return ""
    return prepared


def _refusal(name: str, person: _Person | None) -> LoginRefused:
    if person is None:
        why = "no such account"
    else:
        why = "wrong password" if person.account.is_enabled else "account is disabled"
    return LoginRefused(REFUSED, f"{show_name(name)}: {why}")
