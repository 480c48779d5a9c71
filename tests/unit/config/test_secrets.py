"""Where a secret is: exactly one place."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from postane.config.secrets import OauthProvider, SecretPlace


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("secret", SecretPlace(text="secret")),
        ({"env": "PW"}, SecretPlace(env="PW")),
        ({"file": "/run/pw"}, SecretPlace(file=Path("/run/pw"))),
        ({"command": "pass work"}, SecretPlace(command="pass work")),
        ({"command": ["pass", "work"]}, SecretPlace(command=("pass", "work"))),
        ({"keyring": "mail"}, SecretPlace(keyring="mail")),
        ({"netrc": True}, SecretPlace(netrc=True)),
        ({"netrc": "/home/anna/netrc"}, SecretPlace(netrc=Path("/home/anna/netrc"))),
        ({"oauth": "google"}, SecretPlace(oauth="google")),
    ],
)
def test_each_place_can_be_said(written, place):
    assert SecretPlace.model_validate(written) == place


@pytest.mark.parametrize(
    "written", [{}, {"netrc": False}, {"env": "A", "file": "b"}, 5, ["secret"], None, {"vault": "x"}]
)
def test_no_place_and_two_are_refused(written):
    with pytest.raises(ValidationError):
        SecretPlace.model_validate(written)


def test_the_secret_itself_is_not_shown():
    assert "hidden" not in repr(SecretPlace(text="hidden"))
    provider = OauthProvider(client_id="postane", client_secret=SecretPlace(text="hidden"))
    assert "hidden" not in repr(provider)
    assert provider.store == "file"
