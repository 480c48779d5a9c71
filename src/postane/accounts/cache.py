"""Remembers for minutes that a password was right, so that a poller does not pay the slow hash at every login.

What is remembered is a keyed digest over name, stored hash and password; the key is random and lives in this process
alone. The stored hash is part of it: after a change of password nothing that was remembered fits any more, in no
worker. Nothing is remembered about wrong passwords.

In front of that, `Proofs` spare the look at the accounts as well, and `Addresses` the one for a recipient, for as long
as nobody has changed anything in them.

Must not know: where accounts are kept.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from .base import Account, Proof

CACHE_LIMIT = 50_000
"""Logins remembered at once, about 150 octets each; the oldest go first."""

PROOFS_LIMIT = 20_000
"""Proofs remembered at once, about 500 octets each; one too many, and all of them go: a proof is made in 20 us."""

ADDRESSES_LIMIT = 20_000
"""Addresses remembered at once, about 500 octets each; one too many, and all of them go."""

ADDRESS_LENGTH = 320
"""Characters of an address that is remembered, at most: some spellings mean the same and are of any length."""


class LoginCache:
    """Verified logins of the last `seconds`; 0 remembers nothing."""

    def __init__(self, seconds: float, clock: Callable[[], float], limit: int = CACHE_LIMIT) -> None:
        self._seconds = seconds
        self._clock = clock
        self._limit = limit
        self._digest = _Digest(32)
        self._until: dict[bytes, float] = {}  # in the order of time: the first ends first

    def __len__(self) -> int:
        return len(self._until)

    def knows(self, name: str, stored: str, password: str) -> bool:
        """Whether this very login was verified, against this very hash, not too long ago."""
        return self._clock() < self.until(name, stored, password)

    def until(self, name: str, stored: str, password: str) -> float:
        """Until when this very login is known, by the clock."""
        return self._until.get(self._digest.of(name, stored, password), 0.0)

    def remember(self, name: str, stored: str, password: str) -> float:
        """This login was verified just now; until when it will be known."""
        now = self._clock()
        if not self._seconds:
            return now
        digest = self._digest.of(name, stored, password)
        self._until.pop(digest, None)
        self._until[digest] = now + self._seconds
        self._sweep(now)
        return now + self._seconds

    def _sweep(self, now: float) -> None:
        while self._until:
            oldest = next(iter(self._until))
            if self._until[oldest] > now and len(self._until) <= self._limit:
                return
            del self._until[oldest]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A proof that was given when the accounts were of that `version`; `until` bounds it beside that."""

    proof: Proof
    version: int
    until: float


class Proofs:
    """What was proven by a name, as it was said, and a password, which is kept as a keyed digest alone."""

    def __init__(self, limit: int = PROOFS_LIMIT) -> None:
        self._limit = limit
        self._digest = _Digest(16)
        self._known: dict[bytes, Remembered] = {}

    def find(self, name: str, password: str) -> Remembered | None:
        """What was proven by this very login; whoever asks looks whether it is so still."""
        return self._known.get(self._digest.of(name, "", password))

    def keep(self, name: str, password: str, remembered: Remembered) -> None:
        """It was proven just now."""
        if len(self._known) >= self._limit:
            self._known.clear()
        self._known[self._digest.of(name, "", password)] = remembered


class Addresses:
    """Whose each address was, as it was said, when the accounts were of the `version`."""

    def __init__(self, limit: int = ADDRESSES_LIMIT) -> None:
        self.version = -1
        self._limit = limit
        self._known: dict[tuple[str, str], Account] = {}

    def find(self, local_part: str, domain: str) -> Account | None:
        """Whose it was; whoever asks looks whether the version is so still."""
        return self._known.get((local_part, domain))

    def keep(self, version: int, local_part: str, domain: str, account: Account) -> None:
        """It was so when the accounts were of this version, not an earlier one than the last."""
        if version != self.version or len(self._known) >= self._limit:
            self.version = version
            self._known.clear()
        if len(local_part) + len(domain) <= ADDRESS_LENGTH:
            self._known[local_part, domain] = account


class _Digest:
    """A digest by a random key."""

    def __init__(self, octets: int) -> None:
        self._keyed = hashlib.blake2b(key=secrets.token_bytes(32), digest_size=octets)

    def of(self, name: str, stored: str, password: str) -> bytes:
        """No two logins give the same octets to digest: it is told where a part ends."""
        digest = self._keyed.copy()
        text = f"{len(name)} {len(stored)} {name}{stored}{password}"
        digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.digest()
