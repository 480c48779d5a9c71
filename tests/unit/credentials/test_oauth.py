"""What an authorization server says: endpoints, tokens, refusals."""

import pytest

from postane.credentials.base import NoSecret
from postane.credentials.oauth import (
    LIFE_LIMIT,
    Endpoints,
    OauthRefusal,
    ask,
    check_url,
    find_endpoints,
    read_tokens,
    refresh,
)
from postane.credentials.tokens import Tokens

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    "url", ["https://x.example/token", "http://127.0.0.1:1/", "http://[::1]/", "http://localhost/"]
)
def test_places_that_may_be_asked(url):
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    ["http://x.example/", "http://127.0.0.1.example/", "ftp://x/", "https://", "", "file:///x", "http://10.0.0.1/"],
)
def test_places_that_may_not(url):
    with pytest.raises(NoSecret, match="https alone"):
        check_url(url)


# Tokens


@pytest.mark.parametrize(
    ("life", "expires"),
    [
        (3600, NOW + 3600),
        ("3599", NOW + 3599),
        (0, NOW),
        (-5, NOW),
        (1e300, NOW + LIFE_LIMIT),
        (10**400, NOW + LIFE_LIMIT),
        (None, None),
        ("soon", None),
        (True, None),
        (float("nan"), None),
    ],
)
def test_how_long_a_token_lives(life, expires):
    assert read_tokens({"access_token": "a", "token_type": "bearer", "expires_in": life}, NOW).expires == expires


def test_a_refresh_token_that_is_not_renewed_stays():
    assert read_tokens({"access_token": "a"}, NOW, "old") == Tokens("a", "old", None)
    assert read_tokens({"access_token": "a", "refresh_token": "new"}, NOW, "old") == Tokens("a", "new", None)
    assert read_tokens({"access_token": "a", "refresh_token": ""}, NOW, "old") == Tokens("a", "old", None)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "a\r\nb"},
        {"access_token": "a\x01b"},
        {"access_token": "ü"},
        {"access_token": "a", "token_type": "mac"},
        {"access_token": "a", "token_type": None},
    ],
)
def test_what_is_no_token(members):
    with pytest.raises(NoSecret):
        read_tokens(members, NOW)


async def test_refreshing(server, http, provider, clock):
    server.refresh_tokens = {"old"}
    renewed = await refresh(http, provider, Tokens("a", "old", 1.0), clock)
    assert renewed == Tokens("access-1", "refresh-1", NOW + 3600)
    with pytest.raises(OauthRefusal, match="invalid_grant: used, or revoked"):
        await refresh(http, provider, Tokens("a", "old", 1.0), clock)


@pytest.mark.parametrize(
    ("status", "body", "may_pass"),
    [
        (200, b"", False),
        (200, b"<html>", False),
        (200, b"[1]", False),
        (200, b"[" * 100_000, False),
        (404, b"{}", False),
        (302, b'{"access_token": "a"}', False),
        (500, b"{}", True),
        (503, b"", True),
        (429, b"slowly", True),
    ],
)
async def test_what_is_no_answer(server, http, provider, status, body, may_pass):
    server.answers = [(status, body)]
    with pytest.raises(NoSecret, match=f"/token answered {status}, and not as OAuth has it") as caught:
        await ask(http, provider, provider.token_endpoint, {"grant_type": "refresh_token"})
    assert caught.value.may_pass is may_pass


async def test_a_servers_words_are_one_line_of_what_can_be_printed(server, http, provider):
    server.answers = [(400, b'{"error": "x\\u001b]0;y", "error_description": "' + b"a\\n" * 500 + b'"}')]
    with pytest.raises(OauthRefusal) as caught:
        await ask(http, provider, provider.token_endpoint, {})
    assert caught.value.code == "x ]0;y"
    assert caught.value.words == "a " * 150


# Endpoints


@pytest.mark.parametrize("path", ["", "/tenant"])
@pytest.mark.parametrize("form", ["/.well-known/oauth-authorization-server{}", "{}/.well-known/openid-configuration"])
async def test_endpoints_are_looked_up(server, http, path, form):
    server.metadata_path = form.format(path)
    server.metadata = {
        "issuer": server.url + path,
        "token_endpoint": f"{server.url}/token",
        "device_authorization_endpoint": f"{server.url}/device",
        "authorization_endpoint": f"{server.url}/authorize",
    }
    found = await find_endpoints(http, server.url + path)
    assert found == Endpoints(f"{server.url}/token", f"{server.url}/device", f"{server.url}/authorize")


async def test_an_issuer_without_a_place_for_devices(server, http):
    server.metadata = {"issuer": server.url, "token_endpoint": f"{server.url}/token"}
    assert await find_endpoints(http, server.url) == Endpoints(f"{server.url}/token", None, None)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"issuer": "https://evil.example", "token_endpoint": "https://evil.example/t"}, "speaks of another issuer"),
        ({"token_endpoint": "https://evil.example/t"}, r"another issuer \(None\)"),
        ({"issuer": None}, "names no token_endpoint"),
        ({"issuer": None, "token_endpoint": "http://evil.example/t"}, "https alone"),
        ({"issuer": None, "token_endpoint": "https://x/", "device_authorization_endpoint": "http://x/"}, "https alone"),
        ({}, "does not tell its endpoints"),
    ],
)
async def test_metadata_that_is_not_to_be_used(server, http, metadata, words):
    server.metadata = {name: server.url if value is None else value for name, value in metadata.items()}
    with pytest.raises(NoSecret, match=words):
        await find_endpoints(http, server.url)


async def test_an_issuer_that_does_not_answer(server, http):
    server.answers = [None]
    with pytest.raises(NoSecret) as caught:
        await find_endpoints(http, server.url)
    assert caught.value.may_pass
    assert str(caught.value).count(server.url) == 1


async def test_an_issuer_that_others_can_listen_to(http):
    with pytest.raises(NoSecret, match="https alone"):
        await find_endpoints(http, "http://login.example.org")
