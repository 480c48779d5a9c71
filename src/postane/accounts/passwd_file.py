"""Accounts in a passwd-file, such as Dovecot's: read again when it changes, never written.

Each question looks whether the file is still the one that was read (its times, size and number), so that an edit
counts at the next login, in every worker, be the file replaced or written in place; who is gone from it is gone, and
without the file nobody gets in. Slow checks run in as many threads as there are processors, and a cache spares them
whose entries end with what was kept when they were made. A refusal takes one check of each kind that the file holds,
for a wrong password, a disabled account and an unknown name alike.

Must not know: protocols; the notation of the lines (`passwd_line`, `kept`).
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from postane.sasl.base import Means, ScramDigest
from postane.sasl.scram import derive_keys

from . import hashes
from .base import Account, AccountsUnavailable, LoginRefused, Proof, ScramEntry
from .cache import LoginCache
from .cram_context import CramContext
from .devices import apop_digest, is_same
from .kept import Kept, check_scheme, fits
from .names import bare_name, canonical, fold_domain, meanings, show_name
from .partial import REFUSED, Decoys, PartialAccounts
from .passwd_line import Entry
from .passwd_table import Table, mark_of, read_table
from .slow import SlowWork

PASSWORD = "password"  # noqa: S105 - the word for what proved it
_NOBODY = Kept()

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class PasswdFile:
    """Where it is, and the scheme of hashes that do not say theirs. Raises HashError for an unknown scheme."""

    path: Path
    scheme: str = "CRYPT"

    def __post_init__(self) -> None:
        object.__setattr__(self, "scheme", check_scheme(self.scheme))


class PasswdFileAccounts(PartialAccounts):
    """An AccountStore over `file`, which is read at the first question.

    `own_domains` are those whose mail belongs to bare names; `cache_seconds` is how long a verified password spares
    the slow check; `decoy_key` is one that all workers share, for SCRAM with names that have no keys.
    """

    def __init__(
        self,
        file: PasswdFile,
        *,
        own_domains: tuple[str, ...] = (),
        cache_seconds: float = 600.0,
        decoy_key: Callable[[], bytes] | None = None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._file = file
        self._own_domains = frozenset(fold_domain(domain) for domain in own_domains)
        self._cache = LoginCache(cache_seconds, steady)
        self._decoy_key = decoy_key
        self._shared_decoys: Decoys | None = None
        self._table: Table | None = None
        self._reading = asyncio.Lock()
        self._hashing = SlowWork()

    @property
    def means(self) -> frozenset[Means]:
        """See AccountStore. What the file holds, as far as it can be read: read here, where it has not been yet."""
        if self._table is None:
            try:
                self._table = read_table(self._file.path, self._file.scheme)
            except AccountsUnavailable:
                return super().means
        return self._table.means

    async def verify_password(self, name: str, password: str) -> Proof:
        """See AccountStore."""
        table = await self._current()
        entry = self._claimed(table, name)
        if entry is None or not entry.account.is_enabled:
            await self._slowly(lambda: _check(table, _NOBODY, password))
            raise _refusal(name, entry)
        account, kept = entry.account, entry.kept
        if self._cache.knows(account.name, kept.text, password):
            return Proof(account, PASSWORD)
        if not await self._slowly(lambda: _check(table, kept, password)):
            raise _refusal(name, entry)
        now = (await self._current()).entries.get(account.name)
        if now is None or not now.account.is_enabled or now.kept.text != kept.text:
            raise _refusal(name, now)  # what has changed during the slow check counts
        self._cache.remember(account.name, kept.text, password)
        return Proof(now.account, PASSWORD)

    async def verify_apop(self, name: str, stamp: str, digest: str) -> Proof:
        """See AccountStore. A password in clear text answers it."""
        return await self._verify_digest(name, digest, lambda kept: _apop(kept, stamp))

    async def verify_cram(self, name: str, challenge: bytes, digest: str) -> Proof:
        """See AccountStore. A password in clear text answers it, and what {CRAM-MD5} keeps of one."""
        return await self._verify_digest(name, digest, lambda kept: _cram(kept, challenge))

    async def scram(self, name: str, digest: ScramDigest) -> ScramEntry:
        """See AccountStore. For a password in clear text keys are made, and for every other name as much is done."""
        table = await self._current()
        entry = self._claimed(table, name)
        kept = _NOBODY if entry is None else entry.kept
        shown = kept.scram[1] if kept.scram is not None and kept.scram[0] is digest else None
        decoy = self._decoys_of_all().entry(self._seed(name, entry), digest).keys
        secret = hashes.octets_of(kept.password or name)
        made = await self._slowly(lambda: derive_keys(secret, decoy.salt, decoy.iterations, digest))
        if entry is None or (shown is None and kept.password is None):
            return ScramEntry(decoy, ())
        if not entry.account.is_enabled:  # what is seen of the keys stays the same
            shown = shown or decoy
            return ScramEntry(replace(decoy, salt=shown.salt, iterations=shown.iterations), ())
        return ScramEntry(shown or made, (Proof(entry.account, PASSWORD),))

    async def admit(self, name: str, credential: str) -> Proof:
        """See AccountStore."""
        entry = self._claimed(await self._current(), name)
        if entry is None or not entry.account.is_enabled:
            raise _refusal(name, entry)
        return Proof(entry.account, credential)

    async def find(self, name: str) -> Account | None:
        """See AccountStore."""
        entry = (await self._current()).entries.get(canonical(name) or "")
        return None if entry is None else entry.account

    async def resolve(self, local_part: str, domain: str | None) -> Account | None:
        """See AccountStore. The file knows no aliases."""
        entries = (await self._current()).entries
        names = meanings(local_part, domain, self._own_domains)
        return next((entries[name].account for name in names if name in entries), None)

    async def is_local(self, domain: str) -> bool:
        """See AccountStore."""
        place = fold_domain(domain)
        return place in self._own_domains or place in (await self._current()).domains

    async def close(self) -> None:
        """See AccountStore."""
        self._hashing.close()

    async def _current(self) -> Table:
        """What the file says now; one task reads, the others wait for it. Raises AccountsUnavailable."""
        mark = mark_of(self._file.path)
        if self._table is None or self._table.mark != mark or not self._table.is_settled:
            async with self._reading:
                if self._table is None or self._table.mark != mark_of(self._file.path) or not self._table.is_settled:
                    file = self._file
                    self._table = await asyncio.to_thread(read_table, file.path, file.scheme, self._table)
        return self._table

    def _claimed(self, table: Table, name: str) -> Entry | None:
        """Whom a client means that logs in by `name`: mail programs give the whole address of a bare name too."""
        bare = bare_name(name, self._own_domains)
        return table.entries.get(canonical(name) or "") or table.entries.get(canonical(bare or "") or "")

    async def _verify_digest(self, name: str, digest: str, expected: Callable[[Kept], bytes]) -> Proof:
        entry = self._claimed(await self._current(), name)
        right = expected(_NOBODY if entry is None else entry.kept)
        is_right = is_same(right, digest.encode("utf-8", "surrogatepass"))
        if entry is None or not entry.account.is_enabled or not is_right:
            raise _refusal(name, entry)
        return Proof(entry.account, PASSWORD)

    def _seed(self, name: str, entry: Entry | None) -> str:
        """What a salt is made of: the same for every form of a name, another one for another password."""
        if entry is not None:
            return f"{entry.account.name}\0{entry.kept.text if entry.kept.password is not None else ''}"
        bare = bare_name(name, self._own_domains)
        return f"{canonical(bare or name) or name}\0"

    def _decoys_of_all(self) -> Decoys:
        if self._shared_decoys is None:
            try:
                self._shared_decoys = self._decoys if self._decoy_key is None else Decoys(self._decoy_key())
            except AccountsUnavailable:
                return self._decoys  # until there is such a key
        return self._shared_decoys

    async def _slowly(self, work: Callable[[], ResultT]) -> ResultT:
        return await self._hashing.do(work)


def _check(table: Table, kept: Kept, password: str) -> bool:
    """Whether the password fits. Where it does not, one check of each kind of work that the file asks for was made."""
    if fits(kept, password):
        return True
    for cost, sample in table.samples.items():
        if cost != kept.cost:
            fits(sample, password)
    return False


def _apop(kept: Kept, stamp: str) -> bytes:
    """The right digest; without a password in clear text one that nobody can give."""
    if kept.password is None:
        return apop_digest(stamp, b"") + b"*"
    return apop_digest(stamp, hashes.octets_of(kept.password))


def _cram(kept: Kept, challenge: bytes) -> bytes:
    """The same by the states of MD5 for everybody, since that is slower than hashlib is."""
    context = kept.cram or CramContext.of(hashes.octets_of(kept.password or ""))
    return context.digest(challenge) + (b"*" if kept.cram is None and kept.password is None else b"")


def _refusal(name: str, entry: Entry | None) -> LoginRefused:
    return LoginRefused(REFUSED, f"{show_name(name)}: {_why(entry)}")


def _why(entry: Entry | None) -> str:
    if entry is None:
        return "no such account"
    if not entry.account.is_enabled:
        return "may not log in"
    return "wrong password" if entry.kept.means else entry.trouble or "its line has no password"
