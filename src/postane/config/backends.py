"""Where accounts come from: [[accounts]] tables, asked in their order. One class a kind.

Must not know: how any of them works.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from postane.net.base import is_private_url

from .section import Count, Duration, Section


class LocalBackend(Section):
    """The accounts that `postane user` manages."""

    kind: Literal["local"] = Field(
        "local", description="the accounts of storage.path, managed by postane user", examples=["local"]
    )


class PasswdFileBackend(Section):
    """A file with one line for each account, in Dovecot's format."""

    kind: Literal["passwd-file"] = Field(description="a file of lines NAME:HASH:..., as Dovecot's passwd-file")
    path: Path = Field(description="the file; read again when it changes", examples=["/etc/postane/passwd"])
    scheme: str = Field("CRYPT", description="scheme of hashes that do not say theirs")

    @field_validator("scheme")
    @classmethod
    def _known(cls, value: str) -> str:
        from postane.accounts.kept import check_scheme  # large libraries, which few configurations need

        return check_scheme(value)


class PostgresBackend(Section):
    """Any tables of a PostgreSQL database, by queries with parameters."""

    kind: Literal["postgresql"] = Field(description="a PostgreSQL database, asked by the queries below")
    url: str = Field(
        description='"postgresql://user@host/database"; a password comes from password_file',
        examples=["postgresql://postane@localhost/mail"],
    )
    password_file: Path | None = Field(None, description="file with the database password, 0600")
    password_query: str = Field(
        description="SELECT password, a hash ({SCHEME}... or crypt), for :user; may also give name, enabled, quota"
        " (octets) and quota_messages; must find who is disabled, too",
        examples=["SELECT password FROM users WHERE name = :user"],
    )
    address_query: str | None = Field(
        None, description="SELECT name, of the account that :address means; every account's name is its address anyway"
    )
    domain_query: str | None = Field(None, description="SELECT 1 if :domain is served; smtp.domains are anyway")
    update_query: str | None = Field(
        None, description="UPDATE that stores :password, a stronger hash, for :user (who has :old) after a login"
    )
    scheme: str = Field("CRYPT", description="scheme of hashes that do not say theirs")
    timeout: Duration = Field(5.0, gt=0, description="how long an answer is waited for")

    @field_validator("password_query", "address_query", "domain_query", "update_query")
    @classmethod
    def _is_query(cls, value: str | None, info: ValidationInfo) -> str | None:
        from postane.accounts.queries import parse_kind

        if value:
            parse_kind(str(info.field_name).removesuffix("_query"), value)
        return value


class LdapBackend(Section):
    """A directory: who logs in is searched for, and proven by a bind as them."""

    kind: Literal["ldap"] = Field(description="an LDAP directory: search, then bind as whom was found")
    url: str = Field(
        description='"ldap://host" (StartTLS is used) or "ldaps://host" or "ldapi://..."; several are tried in order',
        examples=["ldaps://ldap.example.org"],
    )
    base: str = Field(
        description='where to search: "ou=people,dc=example,dc=org"', examples=["ou=people,dc=example,dc=org"]
    )
    filter: str = Field("(uid={user})", description="who logs in; {user} is put in escaped")
    address_filter: str = Field("(mail={address})", description="whom an address means; {address} is put in escaped")
    enabled_filter: str | None = Field(
        None, description='who may log in, such as "(!(nsAccountLock=true))"; others only get mail; unset: everybody'
    )
    name: str = Field("uid", description="attribute that is the account's name")
    bind_dn: str | None = Field(None, description="who searches; unset: nobody (anonymous)")
    password_file: Path | None = Field(None, description="file with the password of bind_dn, 0600")
    ca: Path | None = Field(None, description="PEM file: who must have signed the server's certificate")
    start_tls: bool = Field(True, strict=True, description="with ldap://: refuse to go on without TLS")
    timeout: Duration = Field(5.0, gt=0, description="how long an answer is waited for")

    @field_validator("filter", "address_filter", "enabled_filter")
    @classmethod
    def _is_filter(cls, value: str | None, info: ValidationInfo) -> str | None:
        try:
            from postane.accounts.filters import parse_filter
        except ImportError:  # told of where the table is used
            return value
        if value is not None:
            parse_filter(value, {"filter": ("user",), "address_filter": ("address",)}.get(str(info.field_name), ()))
        return value

    @model_validator(mode="after")
    def _who_searches(self) -> Self:
        if (self.bind_dn is None) != (self.password_file is None):
            raise ValueError("bind_dn and password_file belong together: give both, or neither to search as nobody")
        return self


class PamBackend(Section):
    """The users of this machine, by PAM."""

    kind: Literal["pam"] = Field(description="the machine's own users, by PAM")
    service: str = Field("postane", description="file in /etc/pam.d")
    first_uid: Count = Field(1000, ge=0, description="users with a lower number have no mailbox")
    last_uid: Count = Field(
        60000, ge=0, description="nor have those with a higher one; a directory's users may have such (id NAME tells)"
    )

    @model_validator(mode="after")
    def _some_user(self) -> Self:
        if self.last_uid < self.first_uid:
            raise ValueError("last_uid is below first_uid: nobody would have a mailbox")
        return self


Signature = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""What a token may be signed with. Never a shared secret (HS256), nor nothing (none): RFC 8725 s2.1."""


def parse_web_address(text: str) -> str:
    """An https URL without a password in it; to this machine itself http will do."""
    try:
        parts = urlsplit(text)
        host, scheme, _ = parts.hostname, parts.scheme, parts.port
    except ValueError:
        host, scheme = None, ""
    if not host or scheme not in ("https", "http") or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError('this is not a web address: write "https://host/path"')
    if parts.username is not None or parts.fragment:
        raise ValueError("a web address has no user, password or fragment in it here")
    if not is_private_url(text):
        raise ValueError(f"{host} is not this machine: its address must begin with https://")
    return text


ANY_AUDIENCE = "*"
"""Written by an operator who knows that every client of the authorization server may hand over its users' mail."""


class OauthBackend(Section):
    """Access tokens of an authorization server; whom they name must be an account of another table."""

    kind: Literal["oauth"] = Field(description="access tokens (OAUTHBEARER, XOAUTH2); other tables hold the accounts")
    issuer: str | None = Field(None, description="the iss that a token must have")
    audience: str | None = Field(
        None, description='the aud that a token must have; with introspection "*" takes a token for any client'
    )
    jwks: str | None = Field(None, description="keys that sign tokens: a file, or an https URL")
    algorithms: tuple[Signature, ...] = Field(
        ("RS256", "ES256"), min_length=1, description="signatures that are accepted"
    )
    introspection: str | None = Field(None, description="https URL that tells of a token (RFC 7662), in place of jwks")
    client_id: str | None = Field(None, description="who asks there")
    client_secret_file: Path | None = Field(None, description="file with the secret of client_id, 0600")
    claim: str | None = Field(
        None, description='claim that is the account\'s name; unset: "email", with introspection "username"'
    )
    scope: str | None = Field(None, description="scope that a token must have")
    ca: Path | None = Field(
        None, description="PEM file: who must have signed the server's certificate; unset: whom the system trusts"
    )
    cache: Duration = Field(60.0, ge=0, le=60, description="how long an answer of introspection holds; 0: not at all")
    timeout: Duration = Field(5.0, gt=0, description="how long an answer is waited for")

    @field_validator("jwks")
    @classmethod
    def _file_or_address(cls, value: str | None) -> str | None:
        return parse_web_address(value) if value is not None and "://" in value else value

    @field_validator("introspection")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        return None if value is None else parse_web_address(value)

    @model_validator(mode="after")
    def _one_way_to_check(self) -> Self:
        if (self.jwks is None) == (self.introspection is None):
            raise ValueError("a token is checked by jwks or by introspection: give one of them")
        if self.jwks is not None and (self.issuer is None or self.audience is None):
            raise ValueError("with jwks, give issuer and audience too: a token for somebody else would be accepted")
        if self.jwks is not None and self.audience == ANY_AUDIENCE:
            raise ValueError('with jwks, audience cannot be "*": whoever signs these tokens gives them to others too')
        if self.introspection is not None and self.audience is None:  # RFC 7662 s4
            raise ValueError(
                "with introspection, give audience too: a token that another client of that server was given would be "
                'accepted; if its answers have no aud and no such client is there, write audience = "*"'
            )
        if (self.client_id is None) != (self.client_secret_file is None):
            raise ValueError("client_id and client_secret_file go together: give both, or neither")
        return self


KINDS: Mapping[str, type[Section]] = {
    "local": LocalBackend,
    "passwd-file": PasswdFileBackend,
    "postgresql": PostgresBackend,
    "ldap": LdapBackend,
    "pam": PamBackend,
    "oauth": OauthBackend,
}

Backend = LocalBackend | PasswdFileBackend | PostgresBackend | LdapBackend | PamBackend | OauthBackend


class _OfSomeKind(BaseModel):
    """What every table says: which kind it is of."""

    kind: Literal["local", "passwd-file", "postgresql", "ldap", "pam", "oauth"] = Field(examples=["local"])


def parse_backend(value: object) -> object:
    """A table by its `kind`; the rest of it is checked by that kind's class."""
    if isinstance(value, Backend):
        return value
    if not isinstance(value, dict):
        raise ValueError("write [[accounts]] in a line of its own, and the keys of that table in the lines under it")
    return KINDS[_OfSomeKind.model_validate(value).kind].model_validate(value)


Backends = tuple[Annotated[Backend, BeforeValidator(parse_backend)], ...]
