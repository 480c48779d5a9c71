"""Remembers for minutes that a password was right, so that a poller does not pay the slow hash at every login.

What is remembered is a keyed digest over name, stored hash and password; the key is random and lives in this process
alone. The stored hash is part of it: after a change of password nothing that was remembered fits any more, in no
worker. Nothing is remembered about wrong passwords.

Must not know: where accounts are kept.
"""

import hashlib
import secrets
from collections.abc import Callable

from .hashes import octets_of

CACHE_LIMIT = 50_000
"""Logins remembered at once, about 150 octets each; the oldest go first."""


class LoginCache:
    """Verified logins of the last `seconds`; 0 remembers nothing."""

    def __init__(self, seconds: float, clock: Callable[[], float], limit: int = CACHE_LIMIT) -> None:
        self._seconds = seconds
        self._clock = clock
        self._limit = limit
        self._key = secrets.token_bytes(32)
        self._until: dict[bytes, float] = {}  # in the order of time: the first ends first

    def __len__(self) -> int:
        return len(self._until)

    def knows(self, name: str, stored: str, password: str) -> bool:
        """Whether this very login was verified, against this very hash, not too long ago."""
        until = self._until.get(self._digest(name, stored, password))
        return until is not None and self._clock() < until

    def remember(self, name: str, stored: str, password: str) -> None:
        """This login was verified just now."""
        if not self._seconds:
            return
        now = self._clock()
        digest = self._digest(name, stored, password)
        self._until.pop(digest, None)
        self._until[digest] = now + self._seconds
        self._sweep(now)

    def _sweep(self, now: float) -> None:
        while self._until:
            oldest = next(iter(self._until))
            if self._until[oldest] > now and len(self._until) <= self._limit:
                return
            del self._until[oldest]

    def _digest(self, name: str, stored: str, password: str) -> bytes:
        digest = hashlib.blake2b(key=self._key, digest_size=32)
        for octets in (octets_of(name), stored.encode(), octets_of(password)):
            digest.update(len(octets).to_bytes(8, "big"))  # so that no two logins give the same octets
            digest.update(octets)
        return digest.digest()
