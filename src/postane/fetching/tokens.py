"""Access tokens of OAuth, as fetch.toml names their provider.

Must not know: what they are for.
"""

import time
from collections.abc import Callable, Mapping

from postane.config.fetching import FetchConfig
from postane.config.problems import ConfigError
from postane.config.secrets import OauthProvider
from postane.credentials.base import NoSecret, Secret, SecretSource
from postane.credentials.browser import Page, authorize_in_browser
from postane.credentials.device import DeviceCode, Waiting, authorize
from postane.credentials.keyrings import Keyring
from postane.credentials.oauth import Provider, check_url
from postane.credentials.oauth_secret import OauthSecret
from postane.credentials.providers import KNOWN, Given, find_provider
from postane.credentials.sources import Warn
from postane.credentials.tokens import FileTokens, KeyringTokens, TokenStore
from postane.net.base import HttpAnswer
from postane.net.http import HttpsClient

KEYRING = "postane fetch"
"""The service that tokens are kept under in the keyring."""


class EachTime:
    """An Http that keeps no connection: an account asks once an hour."""

    async def get(self, url: str) -> HttpAnswer:
        """See Http."""
        http = HttpsClient()
        try:
            return await http.get(url)
        finally:
            await http.close()

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """See Http."""
        http = HttpsClient()
        try:
            return await http.post(url, form, headers)
        finally:
            await http.close()

    async def close(self) -> None:
        """See Http."""


class AccountTokens:
    """The tokens of one account: a SecretSource, and how somebody lets this program in. Raises NoSecret.

    `client_secret` is where the secret is that goes with the client id, if one does.
    """

    def __init__(
        self, name: str, table: OauthProvider, client_secret: SecretSource | None, store: TokenStore, account: str
    ) -> None:
        self._name = name
        self._table = table
        self._client_secret = client_secret
        self._store = store
        self._advice = f"run: postane fetch login {account}"
        self._secret: OauthSecret | None = None

    async def get(self) -> Secret:
        """See SecretSource."""
        if self._secret is None:
            provider = await self._provider()
            self._secret = OauthSecret(provider, self._store, EachTime(), time.time, self._advice)
        return await self._secret.get()

    async def refuse(self) -> None:
        """See SecretSource."""
        if self._secret is not None:
            await self._secret.refuse()

    async def log_in(self, show_code: Callable[[DeviceCode], object], page: Page) -> None:
        """Have somebody let this program in: with a code where the provider has such, else by a page."""
        provider = await self._provider()
        if provider.device_endpoint is not None:
            tokens = await authorize(EachTime(), provider, show_code, Waiting(time.time))
        else:
            tokens = await authorize_in_browser(EachTime(), provider, page)
        await self._store.save(tokens)

    async def _provider(self) -> Provider:
        table = self._table
        secret = None if self._client_secret is None else (await self._client_secret.get()).text
        given = Given(
            client_id=table.client_id,
            client_secret=secret,
            issuer=table.issuer,
            token_endpoint=table.token_endpoint,
            device_endpoint=table.device_endpoint,
            browser_endpoint=table.browser_endpoint,
            scope=table.scope,
        )
        return await find_provider(EachTime(), self._name, given)


def open_tokens(
    config: FetchConfig, name: str, account: str, client_secret: SecretSource | None, warn: Warn
) -> AccountTokens:
    """What gives tokens for an account; nothing is asked before it is. Raises ConfigError."""
    table = config.oauth.get(name)
    if table is None:
        needed = "client_id" if name in KNOWN else "client_id, device_endpoint and token_endpoint, or issuer"
        raise ConfigError(f'account {account}: there is no [oauth.{name}]: write that table, with {needed} = "..."')
    if name not in KNOWN and table.token_endpoint is None and table.issuer is None:
        raise ConfigError(f"[oauth.{name}]: write token_endpoint and device_endpoint, or issuer")
    for url in filter(None, (table.token_endpoint, table.device_endpoint, table.browser_endpoint, table.issuer)):
        try:
            check_url(url)
        except NoSecret as error:
            raise ConfigError(f"[oauth.{name}]: {error.text}") from error
    if table.store == "keyring":
        return AccountTokens(name, table, client_secret, KeyringTokens(Keyring(KEYRING), account), account)
    store = FileTokens(config.state.parent / "tokens", f"{name}:{account}", warn)
    return AccountTokens(name, table, client_secret, store, account)
