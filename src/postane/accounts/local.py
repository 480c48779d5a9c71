"""The accounts of one machine: an SQLite file that every worker reads with a handle of its own.

A login that was verified is remembered until anybody commits any change to the file, whichever process it is: each
login asks for that. Then the account's row is read anew, and what spares the slow hash is a cache whose entries end
with the hash they were made for. So a change is seen at once. Slow hashes run in as many threads as there are
processors, and the event loop goes on. A refusal takes the same work for a wrong password, a disabled account and an
unknown name.

Everything is opened at the first use: a process may fork after making a `LocalAccounts`, not after using it.

Must not know: protocols; how accounts are changed (`registry`).
"""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from postane.sasl.base import Means, ScramDigest

from . import hashes
from .base import Account, AccountsUnavailable, LoginRefused, Proof, ScramEntry, Spread
from .cache import Addresses, LoginCache, Proofs, Remembered
from .devices import apop_digest, cram_digest, credential_of, device_of, match
from .digests import DEVICES, Claim, Digests
from .hashes import octets_of
from .names import bare_name, canonical, fold_domain, meanings, show_name
from .partial import REFUSED
from .reader import Reader
from .records import COLUMNS, TABLES, WIDTH, Place, read_account
from .registry import Registry
from .scram_keys import ScramSafe
from .slow import SlowWork
from .spreads import Spreads
from .traces import Traces

MEANS = frozenset({Means.PASSWORD, Means.SECRET, Means.SCRAM_SHA_1, Means.SCRAM_SHA_256, Means.OUTSIDE})
"""What the accounts of a registry of ours can be proven by."""

WITHOUT_SCRAM = MEANS - {Means.SCRAM_SHA_1, Means.SCRAM_SHA_256}

COUNT_KEYS_EVERY = 60.0
"""Seconds between two looks whether SCRAM is to be offered: each takes some 10 ms for 100,000 accounts."""

NOBODY = ""
"""A name that no account can have."""

_ROW = f"SELECT {COLUMNS}, password FROM {TABLES} WHERE name = :name"  # noqa: S608 - our own words, as below
_NOBODYS = (NOBODY, 0, None, None, None, None, None, 0)
_MEANT = (
    f"SELECT {COLUMNS} FROM {TABLES}"  # noqa: S608
    " WHERE name = :name OR name = (SELECT account FROM alias WHERE address = :name)"
)
_SHARED = (
    f"SELECT {COLUMNS} FROM {TABLES} JOIN share ON share.owner = name"  # noqa: S608
    " WHERE name = :owner AND share.reader = :reader"
)
_IS_LOCAL = (
    "SELECT EXISTS (SELECT 1 FROM account WHERE domain = :domain)"
    " OR EXISTS (SELECT 1 FROM alias WHERE domain = :domain)"
)


@dataclass(frozen=True, slots=True)
class Clocks:
    """The time of day in seconds since the epoch, and one that never jumps."""

    now: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class _Row:
    account: Account
    password: str | None = field(repr=False)


class LocalAccounts:
    """An AccountStore over the file of `place`.

    `own_domains` are those whose mail belongs to bare names; `cache_seconds` is how long a verified password spares
    the slow hash.
    """

    def __init__(
        self,
        place: Place,
        *,
        own_domains: tuple[str, ...] = (),
        cache_seconds: float = 600.0,
        clocks: Clocks | None = None,
    ) -> None:
        self._own_domains = frozenset(fold_domain(domain) for domain in own_domains)
        self._clocks = clocks or Clocks()
        self._cache = LoginCache(cache_seconds, self._clocks.steady)
        self._proofs = Proofs()
        self._addresses = Addresses()
        self._cache_seconds = cache_seconds
        self._vault = place.vault()
        self._reader = Reader(place, self._clocks.steady)
        self._spreads = Spreads(self._reader)
        self._safe = ScramSafe(self._vault, self._reader.ask)
        self._registry = Registry(place, clock=self._clocks.now)
        self._traces = Traces(self._registry, self._safe, self._clocks.now, self._clocks.steady)
        self._digests = Digests(self._vault, self._reader, self._traces)
        self._hashing = SlowWork()
        self._means = MEANS
        self._counted = -math.inf  # when

    @property
    def means(self) -> frozenset[Means]:
        """See AccountStore. SCRAM is left out while most passwords could not be proven by it: decision 0010."""
        now = self._clocks.steady()
        if now - self._counted >= COUNT_KEYS_EVERY:
            with suppress(AccountsUnavailable):  # nobody gets in by anything then
                self._means = MEANS if self._safe.serves_most() else WITHOUT_SCRAM
                self._counted = now
        return self._means

    async def verify_password(self, name: str, password: str) -> Proof:
        """See AccountStore."""
        version = self._reader.version()  # before the row is read: what is committed in between makes it another one
        row = self._claimed(name)
        if row is None or not row.account.is_enabled:
            self._match(NOBODY, octets_of(password), lambda secret: secret)
            await self._hashing.do(hashes.check, None, password)
            raise _refusal(name, row)
        account = row.account
        if row.password is not None:
            until = self._cache.until(account.name, row.password, password)
            if self._clocks.steady() < until:
                return self._remembered(name, password, Remembered(Proof(account, "password"), version, until))
        label, trouble = self._match(account.name, octets_of(password), lambda secret: secret)
        if label is not None:
            until = self._clocks.steady() + self._cache_seconds
            return self._remembered(name, password, Remembered(self._used(account, label), version, until))
        if await self._hashing.do(hashes.check, row.password, password) and row.password is not None:
            proof = self._verified(row, row.password, password)
            until = self._cache.until(account.name, row.password, password)
            return self._remembered(name, password, Remembered(proof, version, until))
        if trouble is not None:
            raise trouble
        raise _refusal(name, row)

    def recall(self, name: str, password: str) -> Proof | None:
        """See AccountStore."""
        known = self._proofs.find(name, password)
        if known is None or self._clocks.steady() >= known.until or not self._reader.is_still(known.version):
            return None
        proof = known.proof
        if proof.credential != "password" and (label := device_of(proof.credential)) is not None:
            self._traces.used_again(proof.account.name, label)
        return proof

    async def verify_apop(self, name: str, stamp: str, digest: str) -> Proof:
        """See AccountStore."""
        return self._verify_digest(name, digest, lambda secret: apop_digest(stamp, secret))

    async def verify_cram(self, name: str, challenge: bytes, digest: str) -> Proof:
        """See AccountStore."""
        return self._verify_digest(name, digest, lambda secret: cram_digest(challenge, secret))

    def recall_apop(self, name: str, stamp: str, digest: str) -> Proof | None:
        """See AccountStore."""
        return self._digests.recall(Claim(name, octets_of(digest), lambda secret: apop_digest(stamp, secret)))

    def recall_cram(self, name: str, challenge: bytes, digest: str) -> Proof | None:
        """See AccountStore."""
        return self._digests.recall(Claim(name, octets_of(digest), lambda secret: cram_digest(challenge, secret)))

    async def scram(self, name: str, digest: ScramDigest) -> ScramEntry:
        """See AccountStore."""
        row = self._claimed(name)
        meant = bare_name(name, self._own_domains) or name  # a name and its address have the same decoy
        self._traces.asked(NOBODY if row is None or not row.account.is_enabled else row.account.name)
        return self._safe.entry(meant, None if row is None else row.account, digest)

    async def verify_token(self, name: str | None, token: str) -> Proof:
        """See AccountStore."""
        del token
        raise LoginRefused(REFUSED, f"{show_name(name or '')}: this account store takes no tokens")

    async def admit(self, name: str, credential: str) -> Proof:
        """See AccountStore."""
        row, label = self._claimed(name), device_of(credential)
        if row is None or not row.account.is_enabled:
            raise _refusal(name, row)
        if label is None:
            return Proof(row.account, credential)
        if label not in dict(self._reader.ask(DEVICES, {"name": row.account.name})):
            raise LoginRefused(REFUSED, f"{show_name(name)}: no such device")
        return self._used(row.account, label)

    async def find(self, name: str) -> Account | None:
        """See AccountStore."""
        row = self._row(name)
        return None if row is None else row.account

    async def resolve(self, local_part: str, domain: str | None) -> Account | None:
        """See AccountStore."""
        version = self._reader.version()  # before it is read, as above
        for name in meanings(local_part, domain, self._own_domains):
            for row in self._reader.ask(_MEANT, {"name": name}):
                account = read_account(row)
                if domain is not None and self._is_local(domain):
                    self._addresses.keep(version, local_part, domain, account)
                return account
        return None

    def recall_address(self, local_part: str, domain: str) -> Account | None:
        """See AccountStore."""
        known = self._addresses
        return known.find(local_part, domain) if self._reader.is_still(known.version) else None

    async def shared_with(self, reader: str, owner: str) -> Account | None:
        """See AccountStore."""
        names = {"owner": canonical(owner) or NOBODY, "reader": canonical(reader) or NOBODY}
        return next((read_account(row) for row in self._reader.ask(_SHARED, names)), None)

    async def is_local(self, domain: str) -> bool:
        """See AccountStore."""
        return self._is_local(domain)

    async def spread(self) -> Spread:
        """See AccountStore."""
        return self._spreads.read()

    def recall_spread(self) -> Spread | None:
        """See AccountStore."""
        return self._spreads.recall()

    async def close(self) -> None:
        """See AccountStore."""
        self._hashing.close()
        await self._traces.close()
        self._registry.close()
        self._reader.forget()

    def _is_local(self, domain: str) -> bool:
        place = fold_domain(domain)
        if place in self._own_domains:
            return True
        if not place or canonical(f"x@{place}") is None:
            return False
        return bool(self._reader.ask(_IS_LOCAL, {"domain": place})[0][0])

    def _verified(self, row: _Row, stored: str, password: str) -> Proof:
        """The password was right when the row was read; what has changed during the slow hash counts."""
        now = self._row(row.account.name)
        if now is None or not now.account.is_enabled or now.password != stored:
            raise _refusal(row.account.name, now)
        self._cache.remember(row.account.name, stored, password)
        self._traces.verified(row.account.name, stored, password)
        return Proof(now.account, "password")

    def _remembered(self, name: str, password: str, known: Remembered) -> Proof:
        self._proofs.keep(name, password, known)
        return known.proof

    def _verify_digest(self, name: str, digest: str, expected: Callable[[bytes], bytes]) -> Proof:
        """Check a digest that is made of a secret. Who is nobody costs the same work."""
        version = self._reader.version()  # before it is read, as above
        row = self._claimed(name)
        if row is None or not row.account.is_enabled:
            self._match(NOBODY, octets_of(digest), expected)
            raise _refusal(name, row)
        claim = Claim(name, octets_of(digest), expected)
        return self._used(row.account, self._digests.verify(claim, row.account, version))

    def _match(
        self, name: str, answer: bytes, expected: Callable[[bytes], bytes]
    ) -> tuple[str | None, AccountsUnavailable | None]:
        return match(self._vault, name, self._reader.ask(DEVICES, {"name": name}), answer, expected)

    def _used(self, account: Account, label: str) -> Proof:
        self._traces.used(account.name, label)
        return Proof(account, credential_of(label))

    def _claimed(self, name: str) -> _Row | None:
        """Whom a client means that logs in by `name`: mail programs give the whole address of a bare name too."""
        row = self._row(name)
        bare = bare_name(name, self._own_domains)
        return self._row(bare) if row is None and bare is not None else row

    def _row(self, name: str) -> _Row | None:
        known = canonical(name)
        if known is None:
            return None
        for row in self._reader.ask(_ROW, {"name": known}):
            return _Row(read_account(row[:WIDTH]), row[WIDTH])
        read_account(_NOBODYS)  # the work that a name somebody has would take
        return None


def _refusal(name: str, row: _Row | None) -> LoginRefused:
    why = "no such account" if row is None else "wrong password" if row.account.is_enabled else "account is disabled"
    return LoginRefused(REFUSED, f"{show_name(name)}: {why}")
