"""Where a secret is, as fetch.toml says it: { env = "PW" } and its like.

Must not know: how it is got.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from .section import Section
from .units import expand_user

PLACES = ("env", "file", "command", "keyring", "netrc", "oauth", "text")


class SecretPlace(Section):
    """A password: exactly one of env, file, command, keyring, netrc, oauth, text."""

    env: str | None = Field(None, description="an environment variable")
    file: Path | None = Field(None, description="a file; its first line counts")
    command: str | tuple[str, ...] | None = Field(None, description="a program; the first line that it prints counts")
    keyring: str | None = Field(None, description="a service in the system's keyring, under the account's user")
    netrc: bool | Path | None = Field(None, description="true: ~/.netrc; or another such file")
    oauth: str | None = Field(None, description='an access token: "google", "microsoft", or a table [oauth.NAME]')
    text: str | None = Field(None, repr=False, description="the password itself; whoever reads this file has it")

    @field_validator("file", "netrc")
    @classmethod
    def _at_home(cls, value: bool | Path | None) -> bool | Path | None:
        return expand_user(value) if isinstance(value, Path) else value

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        """A password itself may stand there."""
        if not isinstance(value, str | dict | SecretPlace):
            raise ValueError('a password is a text in quotes, or where it is: write { env = "MAIL_PASSWORD" }')
        return {"text": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        named = [place for place in PLACES if getattr(self, place) not in (None, False)]
        if len(named) != 1:
            raise ValueError(
                f'one of {", ".join(PLACES)} says where it is; write for example {{ env = "MAIL_PASSWORD" }}'
            )
        return self


class OauthProvider(Section):
    """Who gives out access tokens; what is known of google and microsoft need not be said."""

    client_id: str = Field(description="what the provider calls this program", examples=["1234.apps.example.org"])
    client_secret: SecretPlace | None = Field(
        None, repr=False, description="the secret that goes with it, where there is one"
    )
    issuer: str | None = Field(None, description="where the endpoints can be looked up")
    device_endpoint: str | None = Field(None, description="URL that gives codes to people (RFC 8628)")
    browser_endpoint: str | None = Field(None, description="URL of the page on which somebody says yes (RFC 6749)")
    token_endpoint: str | None = Field(None, description="URL that gives tokens")
    scope: str | None = Field(None, description="what the tokens are for")
    store: Literal["file", "keyring"] = Field("file", description='where tokens are kept: "file" or "keyring"')
