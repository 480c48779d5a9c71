"""Providers of OAuth: those that are known by name, and those whose endpoints are given or looked up.

Must not know: how anybody is let in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from postane.net.base import Http

from .base import NoSecret
from .oauth import Endpoints, Provider, check_url, find_endpoints

KNOWN: Mapping[str, Endpoints] = {
    "google": Endpoints(
        token="https://oauth2.googleapis.com/token",  # noqa: S106 - a place
        device=None,  # theirs refuses the scope of mail
        browser="https://accounts.google.com/o/oauth2/v2/auth",
        scope="https://mail.google.com/",
    ),
    "microsoft": Endpoints(
        token="https://login.microsoftonline.com/common/oauth2/v2.0/token",  # noqa: S106 - a place
        device="https://login.microsoftonline.com/common/oauth2/v2.0/devicecode",
        browser="https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        scope="https://outlook.office.com/POP.AccessAsUser.All https://outlook.office.com/IMAP.AccessAsUser.All"
        " offline_access",
    ),
}
"""Providers whose endpoints need not be given. The client id is its user's own."""


@dataclass(frozen=True, slots=True)
class Given:
    """What is said of a provider; what is not said is known of its name, or told by its issuer."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    issuer: str | None = None
    token_endpoint: str | None = None
    device_endpoint: str | None = None
    browser_endpoint: str | None = None
    scope: str | None = None


async def find_provider(http: Http, name: str, given: Given) -> Provider:
    """The provider with all that it takes to ask it. The issuer is asked only where it is named, and something is
    lacking. Raises NoSecret."""
    endpoints = KNOWN.get(name, _NONE)
    if given.issuer is not None and (given.token_endpoint is None or given.device_endpoint is None):
        endpoints = await find_endpoints(http, given.issuer)
    token = given.token_endpoint or endpoints.token
    if not token:
        raise NoSecret(f"nobody said where {name} is asked for tokens: give issuer or token_endpoint in [oauth.{name}]")
    device, browser = given.device_endpoint or endpoints.device, given.browser_endpoint or endpoints.browser
    for url in (token, device, browser):
        if url is not None:
            check_url(url)
    scope = given.scope if given.scope is not None else KNOWN.get(name, _NONE).scope
    return Provider(name, given.client_id, token, device, browser, scope, given.client_secret)


_NONE = Endpoints("", None, None)
