"""The keys that an authorization server signs tokens with: a set of them (RFC 7517 s5), from a file or from a URL.

A key's id (kid) is what it is found by in a dictionary, and nothing else: it never becomes a path, a URL or a query.
Only public keys are kept: a shared secret in such a set would be one that everybody has.

Must not know: tokens, accounts.
"""

import asyncio
import os
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from postane.net.base import ANSWER_LIMIT

from .base import AccountsUnavailable
from .claims import parse_object
from .https import Https, unavailable
from .schema import UNAVAILABLE

RENEW_EVERY = 15.0
"""Seconds between two questions for keys, however many tokens name one that is not known."""

RENEW_AFTER = 3600.0
"""Seconds after which keys are asked for again although all are known: one may have been withdrawn."""

KEYS_LIMIT = 64
"""Keys of a set that are looked at: a token without a kid is tried with each that fits."""

RSA_BITS = range(2048, 8193)
"""RFC 7518 s3.3: at least 2048; with very long ones every login would take long."""

KINDS: Mapping[str, tuple[str, frozenset[str]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", frozenset({""}))),
    "ES256": ("EC", frozenset({"P-256"})),
    "ES384": ("EC", frozenset({"P-384"})),
    "ES512": ("EC", frozenset({"P-521"})),
    "EdDSA": ("OKP", frozenset({"Ed25519", "Ed448"})),
    "Ed25519": ("OKP", frozenset({"Ed25519"})),
}
"""The signatures that can be checked, each with the kind of key it is for: its kty and crv. None is a digest with a
shared secret, nor "none": neither may ever be added (RFC 8725 s2.1)."""

_PUBLIC: Mapping[str, tuple[type[RSAKey | ECKey | OKPKey], tuple[str, ...]]] = {
    "RSA": (RSAKey, ("n", "e")),
    "EC": (ECKey, ("crv", "x", "y")),
    "OKP": (OKPKey, ("crv", "x")),
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key, and what it may be used for: `algorithm` None is any that fits its kind."""

    kid: str | None
    kind: tuple[str, str]
    algorithm: str | None
    key: Key

    def fits(self, algorithm: str) -> bool:
        """Whether a signature of that algorithm can be one of this key's."""
        kty, curves = KINDS[algorithm]
        return self.kind[0] == kty and self.kind[1] in curves and self.algorithm in (None, algorithm)


class KeyRing:
    """Keys by their ids."""

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self._all = tuple(keys)
        self._by_id: dict[str | None, list[PublicKey]] = {}
        for each in self._all:
            self._by_id.setdefault(each.kid, []).append(each)

    def knows(self, kid: str | None) -> bool:
        """Whether there is a key of that id."""
        return kid is not None and kid in self._by_id

    def fitting(self, algorithm: str, kid: str | None) -> list[Key]:
        """The keys that a token of that algorithm and id may have been signed with. Without an id: any (RFC 7515 s4.1.4
        leaves it optional); a key without one may be that of any token."""
        named = self._all if kid is None else [*self._by_id.get(kid, ()), *self._by_id.get(None, ())]
        return [each.key for each in named if each.fits(algorithm)]


class KeySource(Protocol):
    """Where keys come from."""

    async def current(self) -> KeyRing:
        """The keys. Raises AccountsUnavailable."""
        ...

    async def renewed(self) -> KeyRing:
        """The keys, asked for again unless that was done a moment ago. Raises AccountsUnavailable."""
        ...

    async def close(self) -> None:
        """Let go of all connections. Idempotent."""
        ...


class FileKeys:
    """The keys of a file, read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[tuple[int, ...], KeyRing] | None = None

    async def current(self) -> KeyRing:
        """See KeySource."""
        return await asyncio.to_thread(self._current)

    async def renewed(self) -> KeyRing:
        """See KeySource."""
        return await self.current()

    async def close(self) -> None:
        """See KeySource."""

    def _current(self) -> KeyRing:
        try:
            with open(self._path, "rb") as file:
                status = os.fstat(file.fileno())
                state = (status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev)
                if self._read is None or self._read[0] != state:
                    self._read = (state, parse_keys(file.read(ANSWER_LIMIT + 1)))
                return self._read[1]
        except OSError as error:
            raise unavailable(str(self._path), error.strerror or "cannot be read") from error
        except ValueError as error:
            raise unavailable(str(self._path), str(error)) from error


class UrlKeys:
    """The keys that a URL gives: fetched when first needed, kept, and asked for again when a token names another one.

    While the server is away the keys that were got go on being used. Each process has its own.
    """

    def __init__(self, url: str, https: Https, clock: Callable[[], float], renew_every: float = RENEW_EVERY) -> None:
        self._url = url
        self._https = https
        self._clock = clock
        self._renew_every = renew_every
        self._ring: KeyRing | None = None
        self._got = 0.0
        self._tried: float | None = None
        self._failure: str | None = None
        self._asking: asyncio.Task[None] | None = None

    async def current(self) -> KeyRing:
        """See KeySource."""
        if self._ring is None:
            return await self.renewed()
        if not self._is_recent(self._got, RENEW_AFTER) and self._asking is None:
            await self._renew()
        return self._ring

    async def renewed(self) -> KeyRing:
        """See KeySource."""
        await self._renew()
        if self._failure is not None or self._ring is None:
            raise AccountsUnavailable(UNAVAILABLE, self._failure or f"{self._url}: has given no keys")
        return self._ring

    async def close(self) -> None:
        """See KeySource."""
        if self._asking is not None:
            self._asking.cancel()
        await self._https.close()

    async def _renew(self) -> None:
        """Ask, unless that was done a moment ago; what comes of it is in `_ring` and `_failure`.

        One question for all who wait, which goes on when one of them goes: a client that hangs up must not keep the
        keys from the others.
        """
        if self._asking is None:
            if self._tried is not None and self._is_recent(self._tried, self._renew_every):
                return
            self._tried = self._clock()
            self._asking = asyncio.create_task(self._ask())
        await asyncio.shield(self._asking)

    async def _ask(self) -> None:
        try:
            self._failure = await self._fetch()
        finally:
            self._asking = None

    async def _fetch(self) -> str | None:
        """Fetch the keys; what went wrong, if something did."""
        try:
            self._ring = parse_keys(await self._https.get(self._url))
        except AccountsUnavailable as error:
            return error.log
        except ValueError as error:
            return f"{self._url}: {error}"
        self._got = self._clock()
        return None

    def _is_recent(self, when: float, seconds: float) -> bool:
        return 0 <= self._clock() - when < seconds  # a clock that was set back makes nothing recent for long


def parse_keys(octets: bytes) -> KeyRing:
    """The keys of a JWK Set; those that cannot be used are left out (RFC 7517 s5). Raises ValueError, whose text has
    nothing of them."""
    if len(octets) > ANSWER_LIMIT:
        raise ValueError(f"has more than {ANSWER_LIMIT} octets")
    listed = parse_object(octets).get("keys")
    if not isinstance(listed, list):
        raise ValueError("is not a set of keys: a JSON object with the list keys")
    keys = [key for each in listed[:KEYS_LIMIT] if isinstance(each, dict) and (key := _parse_key(each)) is not None]
    if not keys:
        raise ValueError("has no key that can be used: RSA of 2048 to 8192 bits, P-256, P-384, P-521 or Ed25519")
    return KeyRing(keys)


def _parse_key(value: dict[str, Any]) -> PublicKey | None:
    """RFC 7517 s4."""
    kty, kid, algorithm = value.get("kty"), value.get("kid"), value.get("alg")
    if not (isinstance(kty, str) and isinstance(kid, str | None) and isinstance(algorithm, str | None)):
        return None
    operations = value.get("key_ops", ["verify"])
    is_for_signatures = isinstance(operations, list) and "verify" in operations and value.get("use", "sig") == "sig"
    if kty not in _PUBLIC or not is_for_signatures:
        return None
    kind, members = _PUBLIC[kty]
    if kty == "RSA" and _bits(value.get("n")) not in RSA_BITS:
        return None
    try:
        key = kind.import_key({"kty": kty, **{name: value[name] for name in members}})
    except (KeyError, TypeError, ValueError, JoseError, UnsupportedAlgorithm):
        return None
    return PublicKey(kid, (kty, "" if kty == "RSA" else value["crv"]), algorithm, key)


def _bits(modulus: object) -> int:
    """The size of a number that is written in base64url; 0 where it is none."""
    try:
        return int.from_bytes(urlsafe_b64decode(f"{modulus}==")).bit_length()
    except ValueError:
        return 0
