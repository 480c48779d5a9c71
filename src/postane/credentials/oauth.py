"""OAuth 2: an authorization server, where its endpoints are, and what it says to a form.

RFC 6749 s5.1, RFC 6749 s5.2 and RFC 6749 s6; endpoints are looked up as RFC 8414 s3 has it. Only https is spoken, but
for servers on this machine. No text repeats a token.

Must not know: mail, where tokens are kept.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from postane.net.base import Http, HttpAnswer, NetError, Untrusted, is_private_url

from .base import NoSecret
from .tokens import Tokens

LIFE_LIMIT = 10 * 365 * 86400.0
"""Seconds of life that are believed of a token."""

WORDS_LIMIT = 300
"""Letters of a server's own words that are shown."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Who gives out tokens, and as whom we ask. `device_endpoint` and `browser_endpoint` are where somebody lets us in,
    with a code or in a browser; None where it has none."""

    name: str
    client_id: str
    token_endpoint: str
    device_endpoint: str | None = None
    browser_endpoint: str | None = None
    scope: str = ""
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider is asked, and what for."""

    token: str
    device: str | None
    browser: str | None
    scope: str = ""


class OauthRefusal(Exception):
    """The server has said no, with a code of RFC 6749 s5.2 or one that is registered beside those."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(f"{code}: {words}" if words else code)
        self.code = code
        self.words = words


def check_url(url: str) -> str:
    """The URL itself. Raises NoSecret where it is not https, nor http on this machine."""
    if not is_private_url(url):
        raise NoSecret(f"{url}: tokens are asked for by https alone; write https://...")
    return url


async def find_endpoints(http: Http, issuer: str) -> Endpoints:
    """Where an issuer is asked, as it tells itself. Raises NoSecret."""
    check_url(issuer)
    parts = urlsplit(issuer)
    path, place = parts.path.rstrip("/"), f"{parts.scheme}://{parts.netloc}"
    for url in (
        f"{place}/.well-known/oauth-authorization-server{path}",  # RFC 8414 s3.1
        f"{place}{path}/.well-known/openid-configuration",  # RFC 8414 s5
    ):
        try:
            answer = await http.get(url)
        except NetError as error:
            raise NoSecret(error.text, may_pass=may_pass(error)) from None  # which names the URL
        found = _members(answer) if answer.status == 200 else {}
        if found:
            return _endpoints(found, issuer, url)
    raise NoSecret(f"{issuer} does not tell its endpoints: give device_endpoint and token_endpoint")


def _endpoints(found: Mapping[str, Any], issuer: str, url: str) -> Endpoints:
    if found.get("issuer") != issuer:  # RFC 8414 s3.3: another one's metadata must not be used
        raise NoSecret(
            f"{url} speaks of another issuer ({_shown(found.get('issuer'))}): write that one, if it is right"
        )
    token, device, browser = (
        found.get(name) for name in ("token_endpoint", "device_authorization_endpoint", "authorization_endpoint")
    )
    if not isinstance(token, str):
        raise NoSecret(f"{url} names no token_endpoint: give device_endpoint and token_endpoint")
    return Endpoints(
        check_url(token),
        check_url(device) if isinstance(device, str) else None,
        check_url(browser) if isinstance(browser, str) else None,
    )


async def ask(http: Http, provider: Provider, url: str, form: Mapping[str, str]) -> Mapping[str, Any]:
    """What the server says to a form, as members of a JSON object. Raises OauthRefusal, NoSecret, NetError."""
    whole = {"client_id": provider.client_id, **form}
    if provider.client_secret is not None:
        whole["client_secret"] = provider.client_secret  # RFC 6749 s2.3.1
    answer = await http.post(check_url(url), whole)
    members = _members(answer)
    if isinstance(code := members.get("error"), str):
        raise OauthRefusal(_shown(code), _shown(members.get("error_description", "")))
    if answer.status != 200 or not members:
        may_pass = answer.status >= 500 or answer.status == 429
        raise NoSecret(f"{url} answered {answer.status}, and not as OAuth has it", may_pass=may_pass)
    return members


def read_tokens(members: Mapping[str, Any], now: float, refresh: str | None = None) -> Tokens:
    """The tokens of an answer; the refresh token that was used stays, where there is no new one. Raises NoSecret."""
    access, kind = members.get("access_token"), members.get("token_type", "bearer")
    if not isinstance(access, str) or not access or not access.isascii() or not access.isprintable():
        raise NoSecret("the authorization server gave no access token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise NoSecret(
            f"the authorization server gave a token of type {_shown(kind)}, and mail knows bearer tokens alone"
        )
    renewed, life = members.get("refresh_token"), _life(members.get("expires_in"))
    expires = None if life is None else now + life
    return Tokens(access, renewed if isinstance(renewed, str) and renewed else refresh, expires)


def _life(value: object) -> float | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = float(value)  # some send it in quotes
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return float(min(max(value, 0), LIFE_LIMIT))


async def refresh(http: Http, provider: Provider, tokens: Tokens, clock: Callable[[], float]) -> Tokens:
    """New tokens for the refresh token (RFC 6749 s6). Raises OauthRefusal, NoSecret, NetError."""
    assert tokens.refresh is not None, "there is one to use"
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh}
    asked = clock()  # a token lives from when it was made
    return read_tokens(await ask(http, provider, provider.token_endpoint, form), asked, tokens.refresh)


def refused(provider: Provider, refusal: OauthRefusal) -> NoSecret:
    """What a refusal means for whoever wants to let this program in."""
    name = provider.name
    match refusal.code:
        case "access_denied":
            return NoSecret(f"somebody has said no at {name}: log in again, and say yes")
        case "invalid_client" | "unauthorized_client":
            advice = f"is client_id (and client_secret) in [oauth.{name}] right, and may it be let in this way?"
        case "invalid_scope":
            advice = f"it does not give this scope this way: give another scope in [oauth.{name}], or use a browser"
        case _:
            advice = "log in again"
    return NoSecret(f"{name} has refused ({refusal}): {advice}")


def _members(answer: HttpAnswer) -> Mapping[str, Any]:
    try:
        found = json.loads(answer.octets)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _shown(value: object) -> str:
    """A server's words for a terminal and a log: one line of what can be printed."""
    words = value if isinstance(value, str) else repr(value)
    return "".join(letter if letter.isprintable() else " " for letter in words[:WORDS_LIMIT])


def may_pass(error: NetError) -> bool:
    """Whether a server may be asked again: one whose TLS is not believed needs a person."""
    return not isinstance(error, Untrusted)
