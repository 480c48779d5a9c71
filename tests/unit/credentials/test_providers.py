"""Providers by name, by what is given, and by what their issuer tells."""

import pytest

from postane.credentials.base import NoSecret
from postane.credentials.oauth import Provider, check_url
from postane.credentials.providers import KNOWN, Given, find_provider


@pytest.mark.parametrize("name", ["google", "microsoft"])
async def test_known_ones_need_a_client_alone(http, name):
    provider = await find_provider(http, name, Given("an id", "a secret"))
    endpoints = KNOWN[name]
    assert provider == Provider(
        name, "an id", endpoints.token, endpoints.device, endpoints.browser, endpoints.scope, "a secret"
    )
    for url in (provider.token_endpoint, provider.device_endpoint, provider.browser_endpoint):
        assert url is None or check_url(url).startswith("https://")
    assert provider.device_endpoint or provider.browser_endpoint
    assert "a secret" not in repr(provider)


async def test_what_is_given_comes_before_what_is_known(http):
    given = Given("an id", token_endpoint="https://own.example/t", device_endpoint="https://own.example/d", scope="")
    provider = await find_provider(http, "microsoft", given)
    assert (provider.token_endpoint, provider.device_endpoint) == ("https://own.example/t", "https://own.example/d")
    assert (provider.browser_endpoint, provider.scope) == (KNOWN["microsoft"].browser, "")


async def test_what_is_not_given_is_told_by_the_issuer(server, http):
    server.metadata = {
        "issuer": server.url,
        "token_endpoint": f"{server.url}/token",
        "device_authorization_endpoint": f"{server.url}/device",
    }
    given = Given("an id", issuer=server.url, device_endpoint="https://own.example/d", scope="mail")
    provider = await find_provider(http, "ours", given)
    assert provider == Provider("ours", "an id", f"{server.url}/token", "https://own.example/d", None, "mail")
    server.asked.clear()
    whole = Given("an id", issuer=server.url, token_endpoint="https://x/t", device_endpoint="https://x/d")
    await find_provider(http, "ours", whole)
    assert server.asked == [], "there is nothing to ask for"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            Given("an id"),
            r"nobody said where ours is asked for tokens: give issuer or token_endpoint in \[oauth.ours\]",
        ),
        (Given("an id", token_endpoint="http://x.example/t"), "https alone"),
        (Given("an id", token_endpoint="https://x/t", browser_endpoint="http://x.example/"), "https alone"),
        (Given("an id", issuer="http://x.example"), "https alone"),
    ],
)
async def test_what_is_not_enough(http, given, words):
    with pytest.raises(NoSecret, match=words):
        await find_provider(http, "ours", given)
