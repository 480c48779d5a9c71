"""Who may enter: the sections about certificates, logins and proxies in front.

Must not know: how anything of it works.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from .section import Count, Duration, Network, Section, When


def parse_mechanism(name: str, *, others: Sequence[str] = ()) -> str:
    """A SASL mechanism that this version has, as it is registered; or one of the other ways to log in."""
    from postane.sasl.registry import SERVER_MECHANISMS

    known = (*SERVER_MECHANISMS, *others)
    if name.upper() in known:
        return name.upper()
    near = get_close_matches(name.upper(), known, n=1, cutoff=0.8)
    remedy = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(known)}"
    raise ValueError(f'"{name}" is not in this version; {remedy}')


Mechanism = Annotated[str, AfterValidator(parse_mechanism)]


class Sni(Section):
    """One more certificate, for the names that it bears."""

    certificate: Path = Field(description="PEM file: the certificate and its chain", examples=["other.pem"])
    key: Path = Field(description="PEM file: the private key", examples=["other-key.pem"])


class Tls(Section):
    """Certificates."""

    certificate: Path | None = Field(
        None, description="PEM file: the certificate and its chain; unset: one is made that no client trusts"
    )
    key: Path | None = Field(None, description="PEM file: the private key")
    minimum: Literal["1.2", "1.3"] = Field("1.2", description="oldest TLS version that is spoken")
    sni: tuple[Sni, ...] = Field((), description="[[tls.sni]]: more certificates, chosen by the name a client asks for")
    client_certificates: Literal["off", "optional", "required"] = Field(
        "off",
        description="are clients asked for a certificate under TLS; with one they may log in by EXTERNAL, and need not",
    )
    client_ca: Path | None = Field(None, description="PEM file: who must have signed clients' certificates")
    client_name: Literal["email", "dns", "common-name"] = Field(
        "email", description="which name of a client's certificate is its account"
    )

    @model_validator(mode="after")
    def _what_belongs_together(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together: give both")
        if (self.client_certificates == "off") != (self.client_ca is None):
            raise ValueError('client_ca = "ca.pem" and client_certificates = "optional" or "required" belong together')
        return self


class Auth(Section):
    """How users prove who they are."""

    plaintext_without_tls: When = Field("loopback", description="may a password cross without TLS")
    mechanisms: tuple[Mechanism, ...] | None = Field(None, description="SASL mechanisms that are offered; unset: all")
    cache: Duration = Field(600.0, description="how long a verified login spares the slow hash; 0: never")
    key_file: Path | None = Field(
        None, description="what device passwords and SCRAM keys are sealed with; unset: device.key in storage.path"
    )
    failure_delay: Duration = Field(
        2.0, description="wait after a failed login; grows to 4, 8 and 15 s by address and by account"
    )
    lockout_after: Count = Field(
        10, ge=0, le=255, description="failed logins in a row after which no more are tried; 0: never"
    )
    lockout: Duration = Field(900.0, description="for how long, by address and by account")


class Proxy(Section):
    """Proxies in front of this server (PROXY protocol, versions 1 and 2)."""

    trusted: tuple[Network, ...] = Field(
        (), description="networks whose connections all begin with a PROXY header, which tells who the client is"
    )
