"""Asks the authorization server whether a token is good: introspection (RFC 7662).

An answer that was yes is remembered for a short time and never longer than the token lives, under a keyed digest of the
whole token; the key is random and lives in this process alone. Refusals are not remembered.

Must not know: accounts, what is in a token.
"""

import asyncio
import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus

from .base import AccountsUnavailable
from .claims import BadToken, Claims, Demands, parse_object, read_time
from .files import read_secret
from .https import Https, unavailable
from .jwt import TOKEN_LIMIT
from .schema import UNAVAILABLE

REMEMBERED = 10_000
"""Answers remembered at once, about 300 octets each; the oldest go first."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
"""RFC 6750 s2.1."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where tokens are asked about, and as whom; without `client_id` as nobody."""

    url: str
    client_id: str | None = None
    secret_file: Path | None = None


class Introspector:
    """A TokenChecker that asks; `remember` is for how many seconds a yes holds, 0 for none."""

    def __init__(
        self, server: Server, https: Https, demands: Demands, clock: Callable[[], float], remember: float
    ) -> None:
        self._server = server
        self._https = https
        self._demands = demands
        self._clock = clock
        self._answers = Answers(remember, clock)

    async def check(self, token: str) -> str:
        """See TokenChecker."""
        if len(token) > TOKEN_LIMIT or not _TOKEN.fullmatch(token):
            raise BadToken("it is not one")
        name = self._answers.find(token)
        if name is None:
            claims = await self._ask(token)
            name = self._demands.check(claims, self._clock())
            self._answers.remember(token, name, read_time(claims.get("exp")))
        return name

    async def close(self) -> None:
        """See TokenChecker."""
        await self._https.close()

    async def _ask(self, token: str) -> Claims:
        """RFC 7662 s2.1 and s2.2."""
        form = {"token": token, "token_type_hint": "access_token"}
        octets = await self._https.post(self._server.url, form, await self._credentials())
        try:
            claims = parse_object(octets)
        except ValueError as error:
            raise unavailable(self._server.url, f"what it answered {error}") from None
        if claims.get("active") is not True:
            raise BadToken("the authorization server says that it is not active")
        return claims

    async def _credentials(self) -> dict[str, str]:
        """RFC 6749 s2.3.1: both are encoded as in a form before they are joined. Read each time: it may be changed."""
        server = self._server
        if server.client_id is None or server.secret_file is None:
            return {}
        try:
            secret = await asyncio.to_thread(read_secret, server.secret_file)
        except ValueError as error:
            raise AccountsUnavailable(UNAVAILABLE, str(error)) from None
        pair = f"{quote_plus(server.client_id)}:{quote_plus(secret)}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


class Answers:
    """Whose the tokens are that were asked about a moment ago."""

    def __init__(self, seconds: float, clock: Callable[[], float], limit: int = REMEMBERED) -> None:
        self._seconds = seconds
        self._clock = clock
        self._limit = limit
        self._key = secrets.token_bytes(32)
        self._names: dict[bytes, tuple[str, float]] = {}  # in the order of their coming

    def __len__(self) -> int:
        return len(self._names)

    def find(self, token: str) -> str | None:
        """Whose it is, where that is remembered."""
        name, until = self._names.get(self._digest(token), (None, 0.0))
        return name if until - self._seconds <= self._clock() < until else None

    def remember(self, token: str, name: str, ends: float | None) -> None:
        """The token was found to be of `name` just now, and ends at `ends`; None: nobody knows."""
        until = self._clock() + self._seconds
        digest = self._digest(token)
        self._names.pop(digest, None)
        if self._seconds:
            self._names[digest] = (name, until if ends is None else min(until, ends))
        if len(self._names) > self._limit:
            self._names.pop(next(iter(self._names)))

    def _digest(self, token: str) -> bytes:
        return hashlib.blake2b(token.encode(), key=self._key, digest_size=32).digest()
