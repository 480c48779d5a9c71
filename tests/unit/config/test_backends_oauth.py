"""[[accounts]] of the kind oauth: what would let a stranger in is refused while the file is read."""

from dataclasses import fields

import pytest
from pydantic import ValidationError

from postane.accounts.jwks import KINDS
from postane.accounts.oauth import OauthSettings
from postane.config.backends import OauthBackend, parse_backend, parse_web_address

BY_KEYS = {"kind": "oauth", "jwks": "/etc/postane/keys.json", "issuer": "https://login.example.org", "audience": "post"}
BY_ASKING = {"kind": "oauth", "introspection": "https://login.example.org/introspect", "audience": "post"}


@pytest.mark.parametrize(
    "url",
    [
        "https://login.example.org/keys",
        "https://login.example.org:8443/keys?tenant=1",
        "HTTPS://login.example.org",
        "http://127.0.0.1:8080/keys",
        "http://[::1]/keys",
        "http://localhost/keys",
    ],
)
def test_web_addresses(url):
    assert parse_web_address(url) == url
    assert parse_backend({**BY_KEYS, "jwks": url}).jwks == url


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.org/keys",
        "http://127.0.0.1.example.org/",
        "http://localhost.example.org/",
        "http://127.0.0.1@example.org/",
        "https://user:hunter2@login.example.org/",
        "https://hunter2@login.example.org/",
        "https://login.example.org/#hunter2",
        "https://",
        "https:///keys",
        "https://login.example.org:hunter2/",
        "https://[::1/hunter2",
        "https://login.example.org/\r\nhunter2",
        "file:///etc/passwd",
        "ftp://login.example.org/",
        "gopher://127.0.0.1:25/",
    ],
)
def test_what_is_no_web_address_to_trust(url):
    for table in ({**BY_KEYS, "jwks": url}, {**BY_ASKING, "introspection": url}):
        with pytest.raises(ValidationError, match=r"web address|https://") as caught:
            parse_backend(table)
        assert "hunter2" not in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize("algorithms", [["none"], ["HS256"], ["RS256", "HS256"], ["rs256"], ["RS1"], ["ES256K"], []])
def test_only_signatures_with_a_public_key(algorithms):
    with pytest.raises(ValidationError):
        parse_backend({**BY_KEYS, "algorithms": algorithms})


def test_every_signature_that_is_checked_can_be_configured():
    assert parse_backend({**BY_KEYS, "algorithms": list(KINDS)}).algorithms == tuple(KINDS)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({**BY_KEYS, "audience": None}, "issuer and audience"),
        ({**BY_KEYS, "audience": "*"}, "others too"),
        ({**BY_ASKING, "audience": None}, 'write audience = "\\*"'),
        ({**BY_ASKING, "client_id": "post"}, "go together"),
        ({**BY_ASKING, "client_secret_file": "/x"}, "go together"),
        ({**BY_ASKING, "cache": "2m"}, "60"),
        ({**BY_ASKING, "timeout": 0}, "0"),
    ],
)
def test_what_does_not_go_together(table, words):
    with pytest.raises(ValidationError, match=words):
        parse_backend(table)


NOT_FOR_THE_STORE = {"kind", "ca", "timeout"}
"""The last two are for what asks the server."""


def test_the_store_has_the_same_keys():
    assert {each.name for each in fields(OauthSettings)} == OauthBackend.model_fields.keys() - NOT_FOR_THE_STORE
    settings = OauthSettings(**parse_backend(BY_ASKING).model_dump(exclude=NOT_FOR_THE_STORE))
    assert settings == OauthSettings(introspection=BY_ASKING["introspection"], audience="post")
