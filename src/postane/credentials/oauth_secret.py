"""An access token as an account's secret: the one that is kept, or a new one for the refresh token.

Must not know: how somebody lets this program in at first.
"""

from collections.abc import Callable

from postane.net.base import Http, NetError

from .base import NoSecret, Secret, SecretKind
from .oauth import OauthRefusal, Provider, may_pass, refresh
from .tokens import Tokens, TokenStore

MARGIN = 60.0
"""Seconds before a token's end in which it is not used any more: a login takes a while, and clocks differ."""

PASSING = frozenset({"temporarily_unavailable", "server_error", "slow_down"})


class OauthSecret:
    """The access token of one account. `advice` says how to let this program in ("run: postane fetch login work")."""

    def __init__(
        self, provider: Provider, store: TokenStore, http: Http, clock: Callable[[], float], advice: str
    ) -> None:
        self._provider = provider
        self._store = store
        self._http = http
        self._clock = clock
        self._advice = advice
        self._given: str | None = None
        self._refused: str | None = None
        self._unsaved: Tokens | None = None  # what a full disk did not take

    async def get(self) -> Secret:
        """See SecretSource."""
        async with self._store.exclusive():
            tokens = await self._current()
            self._given = tokens.access
            return Secret(SecretKind.TOKEN, tokens.access)

    async def refuse(self) -> None:
        """See SecretSource."""
        self._refused = self._given

    async def _current(self) -> Tokens:
        if self._unsaved is not None:
            await self._save(self._unsaved)
        tokens = await self._store.load()
        if tokens is None:
            raise NoSecret(f"{self._provider.name} has not let this program in yet: {self._advice}")
        if tokens.access != self._refused and (tokens.expires is None or self._clock() < tokens.expires - MARGIN):
            return tokens
        if tokens.refresh is None:
            raise NoSecret(f"the token of {self._provider.name} is not good any more: {self._advice}")
        renewed = await self._renew(tokens)
        await self._save(renewed)
        return renewed

    async def _save(self, tokens: Tokens) -> None:
        self._unsaved = tokens
        await self._store.save(tokens)
        self._unsaved = None

    async def _renew(self, tokens: Tokens) -> Tokens:
        name = self._provider.name
        try:
            return await refresh(self._http, self._provider, tokens, self._clock)
        except NetError as error:
            raise NoSecret(f"{name} cannot be asked for a new token: {error.text}", may_pass=may_pass(error)) from None
        except OauthRefusal as refusal:
            if refusal.code in PASSING:
                raise NoSecret(f"{name} gives no new token now ({refusal}): try again later", may_pass=True) from None
            if refusal.code in ("invalid_client", "unauthorized_client"):
                advice = f"is client_id (and client_secret) in [oauth.{name}] right?"
                raise NoSecret(f"{name} does not know this program ({refusal}): {advice}") from None
            raise NoSecret(f"{name} does not let this program in any more ({refusal}): {self._advice}") from None
