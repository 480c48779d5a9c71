"""Finding the server of a mail address: what is found, and who is asked for it.

Must not know: how any of the ways works.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from postane.net.base import TlsMode

ADDRESS_LIMIT = 320
"""Letters of an address at most: 64, an @, and 255."""


class DiscoveryError(Exception):
    """The address is none that a server can be found for; the text says why and what to write."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Service(StrEnum):
    """What mail can be fetched by."""

    POP3 = "pop3"
    IMAP = "imap"


class Way(StrEnum):
    """How something was found."""

    AUTOCONFIG = "autoconfig"  # a file of the domain, got by https
    SRV = "srv"  # service records of the domain
    PROVIDER = "provider"  # a file of whoever takes the domain's mail in, or of a list
    GUESS = "guess"  # a name that is usual, where a server has answered


class Method(StrEnum):
    """How somebody logs in there, as far as that was said."""

    OAUTH2 = "oauth2"
    ENCRYPTED = "encrypted"  # the password is not sent: CRAM-MD5, SCRAM, APOP
    PASSWORD = "password"  # noqa: S105 - a method
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server that may be the one. `logins` are the login names to try, in this order; `methods` are empty where
    nobody said. `place` is where it was found: a URL, a record's name, the server itself.

    `confirmation` is why somebody has to say yes before anything is sent there: what was found is not proven to come
    from the address's own domain. "": nothing to ask.
    """

    service: Service
    host: str
    port: int
    tls: TlsMode
    logins: tuple[str, ...]
    methods: tuple[Method, ...]
    way: Way
    place: str
    confirmation: str = ""

    @property
    def needs_confirmation(self) -> bool:
        """Whether somebody has to say yes first."""
        return bool(self.confirmation)


@dataclass(frozen=True, slots=True)
class Address:
    """A mail address; `domain` is in the form that DNS knows, without a dot at its end."""

    local: str
    domain: str
    text: str

    @property
    def logins(self) -> tuple[str, ...]:
        """Login names that are usual, in the order to try them (RFC 6186 s4)."""
        return (self.text, self.local)


def parse_address(text: str) -> Address:
    """Raises DiscoveryError."""
    local, _, domain = text.strip().rpartition("@")
    if not local or len(text) > ADDRESS_LIMIT or not text.isprintable():
        raise DiscoveryError(f"{text!r} is no mail address: write you@example.org")
    name = to_dns(domain)
    if name is None or "." not in name:
        raise DiscoveryError(f"{domain!r} is no domain whose mail server can be found: write you@example.org")
    return Address(local, name, text.strip())


def to_dns(name: str) -> str | None:
    """A host's or a domain's name as DNS has it, small letters; None where it cannot be one."""
    try:
        encoded = name.strip().removesuffix(".").encode("idna").decode().lower()
    except UnicodeError:
        return None
    labels = encoded.split(".")
    is_name = all(_is_label(label) for label in labels) and not labels[-1].isdecimal() and len(encoded) <= 253
    return encoded if is_name else None


def _is_label(label: str) -> bool:
    inner = label.replace("-", "").replace("_", "")
    return 0 < len(label) <= 63 and inner.isascii() and inner.isalnum() and label[0] != "-" and label[-1] != "-"


def is_within(host: str, domain: str) -> bool:
    """Whether a host's name is that of a domain, or below it."""
    return host == domain or host.endswith(f".{domain}")


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """An SRV record (RFC 2782). `target` is "" where the service is said not to be there."""

    priority: int
    weight: int
    port: int
    target: str


class ResolverError(Exception):
    """DNS gives no answer, so that nothing is known; the text says why."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Resolver(Protocol):
    """Asks DNS. What is not there is an empty answer; both raise ResolverError where there is no answer."""

    async def services(self, name: str) -> Sequence[ServiceRecord]:
        """The SRV records of a name."""
        ...

    async def exchanges(self, domain: str) -> Sequence[str]:
        """The hosts that take a domain's mail in (MX), the preferred ones first."""
        ...
