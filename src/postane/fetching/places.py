"""Where an account's mail is, and an IMAP folder that mail goes to: the URLs of fetch.toml.

RFC 2384 (POP), RFC 5092 s3 and s5 (IMAP: the folder is the path; nothing else of that RFC is meant).

Must not know: how to connect.
"""

from dataclasses import dataclass, field
from urllib.parse import unquote

from postane.client.urls import parse_url

IMAP_PORTS = {"imaps": 993, "imap": 143}
"""RFC 8314 s7.1, RFC 9051 s2.1."""

INBOX = "INBOX"


@dataclass(frozen=True, slots=True)
class Place:
    """What a URL says. `protocol` is pop3, pop2, pop1 or imap; `is_tls`: from the first octet."""

    protocol: str
    host: str
    port: int
    is_tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    mechanism: str | None = None
    folder: str = INBOX


def parse_place(text: str) -> Place:
    """Read a URL. Raises ValueError with what is wrong, which never repeats what could be a password."""
    scheme, _, rest = text.partition("://")
    if scheme not in IMAP_PORTS:
        url = parse_url(text)
        return Place(url.version, url.host, url.port, url.is_tls, url.user, url.password, url.mechanism)
    login, at, place = rest.rpartition("@")
    if "/" in login:  # else the password would go to a host that is part of a folder's name
        raise ValueError(
            "before the @ of the host a / is written as %2F; in the name of a folder an @ is written as %40"
        )
    place, _, folder = place.partition("/")
    url = parse_url(f"pop3{'s' if scheme == 'imaps' else ''}://{login}{at}{place}")
    is_port_given = place.rpartition("]")[2].rpartition(":")[1] != ""
    port = url.port if is_port_given else IMAP_PORTS[scheme]
    return Place("imap", url.host, port, url.is_tls, url.user, url.password, url.mechanism, unquote(folder) or INBOX)
