"""What must be said of an access token for it to be taken: who gave it, for whom, until when, and whose it is.

The same for the claims of a JWT (RFC 7519 s4.1, RFC 9068 s4) and for what an authorization server tells of a token
(RFC 7662 s2.2).

Must not know: how the claims were got, accounts.
"""

import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from .names import show_name

LEEWAY = 60.0
"""Seconds that the clocks of two servers may differ by: "a small leeway, no more than a few minutes"
(RFC 7519 s4.1.4)."""

Claims = Mapping[str, Any]


class BadToken(Exception):
    """The token is not taken. The text is for the operator and never has a token, nor a part of one, in it."""


class TokenChecker(Protocol):
    """A way to find out whether a token is good."""

    async def check(self, token: str) -> str:
        """The name of the account that the token is for, as the token says it. Raises BadToken, AccountsUnavailable."""
        ...

    async def close(self) -> None:
        """Let go of all connections. Idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class Demands:
    """What a token must say. `claim` is the one with the account's name; what is None is not asked for.

    `scope` may be several words, all of which are needed. `must_end`: a token without an end is not taken.
    """

    claim: str
    issuer: str | None = None
    audience: str | None = None
    scope: str | None = None
    must_end: bool = True

    def check(self, claims: Claims, now: float) -> str:
        """The name that the claims give. Raises BadToken."""
        self._check_times(claims, now)
        if self.issuer is not None and claims.get("iss") != self.issuer:  # RFC 8725 s3.8
            raise BadToken(f"its iss is {_shown(claims.get('iss'))}")
        if self.audience is not None and self.audience not in _words(claims.get("aud")):  # RFC 8725 s3.9
            raise BadToken(f"its aud is {_shown(claims.get('aud'))}")
        if self.scope is not None and not set(self.scope.split()) <= _scopes(claims):
            raise BadToken(f"it does not have the scope {self.scope}")
        if "cnf" in claims:  # whoever shows it must also prove to have a key, which no SASL mechanism lets them do
            raise BadToken("it is bound to a key of its owner's, and no proof of that key came with it")
        return self._name(claims)

    def _check_times(self, claims: Claims, now: float) -> None:
        ends = _time(claims, "exp")
        if ends is None and self.must_end:
            raise BadToken("it has no exp")
        if ends is not None and now >= ends + LEEWAY:  # RFC 7519 s4.1.4
            raise BadToken("it has expired")
        for name in ("nbf", "iat"):  # RFC 7519 s4.1.5 and s4.1.6
            begins = _time(claims, name)
            if begins is not None and begins > now + LEEWAY:
                raise BadToken(f"its {name} is in the future")

    def _name(self, claims: Claims) -> str:
        name = claims.get(self.claim)
        if not isinstance(name, str) or not name:
            raise BadToken(f"it has no {self.claim}, or none that is a text")
        if self.claim == "email" and claims.get("email_verified", True) not in (True, "true"):
            raise BadToken("its email is one that its owner has not been seen to have")
        if not unicodedata.is_normalized("NFKC", name):  # a name with the Kelvin sign would become one with a k
            raise BadToken(f"its {self.claim} has letters that would become others")
        return name


def parse_object(octets: bytes) -> dict[str, Any]:
    """A JSON object in which no name is there twice. Raises ValueError, whose text has nothing of it."""
    try:
        value = json.loads(octets.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("is not a JSON object")
    return value


def read_time(value: object) -> float | None:
    """Seconds since the epoch (NumericDate), or None where the value is no such thing. RFC 7519 s2."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def _time(claims: Claims, name: str) -> float | None:
    if name not in claims:
        return None
    seconds = read_time(claims[name])
    if seconds is None:
        raise BadToken(f"its {name} is not a time")
    return seconds


def _words(value: object) -> list[str]:
    """RFC 7519 s4.1.3: one text or a list of them."""
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _scopes(claims: Claims) -> set[str]:
    """RFC 9068 s2.2.3: words with spaces between them; some servers call it scp, some make a list."""
    value = claims.get("scope", claims.get("scp"))
    return {word for each in _words(value) for word in each.split(" ")}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """RFC 7515 s4: names must be unique; whoever reads the first and whoever reads the last would see two tokens."""
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError
    return values


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity are not JSON


def _shown(value: object) -> str:
    return show_name(", ".join(_words(value))) if value else "not there"
