"""Checks access tokens that are signed: JWTs (RFC 7519, RFC 9068) in compact form.

What a token says of itself decides nothing but which of our own keys is tried: its algorithm must be one of the
configuration's and fit the key (RFC 8725 s3.1), its `kid` is looked up in a dictionary, and keys or places of keys that
it brings along (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.

Must not know: where keys come from, accounts.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import Key
from joserfc.util import urlsafe_b64decode

from .claims import BadToken, Demands, parse_object
from .jwks import KINDS, KeySource

TOKEN_LIMIT = 32_768
"""Characters of a token at most; those of large directories, with all groups in them, have 16 kB."""

TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""RFC 9068 s4 wants the latter two, older servers say the first or nothing. Another kind of token of the same server,
such as one that logs somebody out, is none that lets somebody in (RFC 8725 s3.11)."""

_SIGNED = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_ENCRYPTED_DOTS = 4


class _Algorithms(jws.JWSRegistry):
    """The library's algorithms, once a token was found to be one of those that we take."""

    max_header_length = TOKEN_LIMIT
    max_payload_length = TOKEN_LIMIT
    max_signature_length = TOKEN_LIMIT

    def get_alg(self, name: str) -> JWSAlgModel:
        """The algorithm of that name, without the warning that goes with EdDSA: RFC 9864 has nothing against it
        but its name."""
        return self.algorithms[name]


@dataclass(frozen=True, slots=True)
class _Header:
    algorithm: str
    kid: str | None


class JwtChecker:
    """A TokenChecker over the keys of `keys`; `algorithms` are names out of `jwks.KINDS`."""

    def __init__(
        self, keys: KeySource, demands: Demands, algorithms: Collection[str], clock: Callable[[], float]
    ) -> None:
        self._keys = keys
        self._demands = demands
        self._algorithms = frozenset(algorithms) & KINDS.keys()
        self._clock = clock
        self._registry = _Algorithms(algorithms=self._algorithms, strict_check_header=False)

    async def check(self, token: str) -> str:
        """See TokenChecker."""
        header = self._read_header(token)  # before any key is asked for
        payload = await self._proven(token, header)
        try:
            claims = parse_object(payload)
        except ValueError as error:
            raise BadToken(f"what it says {error}") from None
        return self._demands.check(claims, self._clock())

    async def close(self) -> None:
        """See TokenChecker."""
        await self._keys.close()

    def _read_header(self, token: str) -> _Header:
        if len(token) > TOKEN_LIMIT:
            raise BadToken(f"it is longer than {TOKEN_LIMIT} characters")
        if not _SIGNED.fullmatch(token):
            is_encrypted = token.count(".") == _ENCRYPTED_DOTS
            raise BadToken("it is an encrypted one" if is_encrypted else "it is not a JWT")
        try:
            header = parse_object(urlsafe_b64decode(token.partition(".")[0].encode()))
        except ValueError:
            raise BadToken("its header cannot be read") from None
        algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
        if not isinstance(algorithm, str) or algorithm not in self._algorithms:  # RFC 8725 s3.1
            raise BadToken("its alg is not one of algorithms")
        if "crit" in header or "b64" in header:  # RFC 7515 s4.1.11: what is critical must be understood
            raise BadToken("its header has crit, and we know no extensions")
        if not isinstance(kind, str) or kind.lower() not in TYPES:
            raise BadToken("its typ is not that of an access token")
        if "kid" in header and not isinstance(kid, str):
            raise BadToken("its kid is not a text")
        return _Header(algorithm, kid)

    async def _proven(self, token: str, header: _Header) -> bytes:
        """What the token says, once one of the keys has been found to have signed it."""
        ring = await self._keys.current()
        payload = self._payload(token, ring.fitting(header.algorithm, header.kid))
        if payload is None and not ring.knows(header.kid):  # the keys may have been changed
            ring = await self._keys.renewed()
            payload = self._payload(token, ring.fitting(header.algorithm, header.kid))
        if payload is None:
            known = header.kid is None or ring.knows(header.kid)
            raise BadToken("no key fits its signature" if known else "it names a key that is not among ours")
        return payload

    def _payload(self, token: str, keys: list[Key]) -> bytes | None:
        for key in keys:
            try:
                return jws.deserialize_compact(token, key, registry=self._registry).payload  # RFC 7515 s5.2
            except (JoseError, ValueError):
                continue
        return None
