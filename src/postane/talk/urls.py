"""The URL of a server to speak with.

RFC 2384 (POP); for SMTP: smtp, smtps, submission and lmtp with a host, and lmtp:///path or lmtp+unix:/path, as well as
the same of all the others, for a unix socket.

Must not know: how to connect.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from postane.client.urls import SCHEMES as POP_SCHEMES
from postane.client.urls import PopUrl, parse_url

_PORTS: dict[str, tuple[str, bool, int]] = {
    "smtp": ("smtp", False, 25),  # RFC 5321 s4.5.4.2
    "smtps": ("smtp", True, 465),  # RFC 8314 s7.3
    "submissions": ("smtp", True, 465),
    "submission": ("smtp", False, 587),  # RFC 6409 s3.1
    "lmtp": ("lmtp", False, 24),
}
SCHEMES = (*POP_SCHEMES, *_PORTS)


@dataclass(frozen=True, slots=True)
class TalkUrl:
    """`protocol` is pop3, pop2, pop1, smtp or lmtp. `path` is that of a unix socket, in the place of host and port."""

    protocol: str
    host: str
    port: int
    is_tls: bool = False
    path: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    mechanism: str | None = None


def parse_talk_url(text: str) -> TalkUrl:
    """Read a URL. Raises ValueError with what is wrong, which never repeats what could be a password."""
    text = text.strip()
    if found := re.fullmatch(r"([a-z0-9]+)(?:\+unix:(?://)?|://)(/.*)", text, re.IGNORECASE):
        return _at_path(found[1].lower(), found[2])
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() not in SCHEMES:
        raise ValueError(f"the URL of a server begins with {', '.join(f'{each}://' for each in SCHEMES)}")
    if scheme.lower() in POP_SCHEMES:
        url = parse_url(text)
        return _made(url, url.version, url.port, is_tls=url.is_tls)
    protocol, is_tls, port = _PORTS[scheme.lower()]
    url = parse_url(f"pop3://{rest}")
    is_port_given = re.search(r":[0-9]+/?$", rest.rpartition("@")[2]) is not None
    return _made(url, protocol, url.port if is_port_given else port, is_tls=is_tls)


def _made(url: PopUrl, protocol: str, port: int, *, is_tls: bool) -> TalkUrl:
    return TalkUrl(protocol, url.host, port, is_tls, None, url.user, url.password, url.mechanism)


def _at_path(scheme: str, path: str) -> TalkUrl:
    if scheme in _PORTS:
        protocol, is_tls, _ = _PORTS[scheme]
    elif scheme in POP_SCHEMES:
        protocol, is_tls = scheme.removesuffix("s"), scheme.endswith("s")
    else:
        raise ValueError(f"the URL of a socket begins with {', '.join(f'{each}+unix:' for each in SCHEMES)}")
    return TalkUrl("pop3" if protocol == "pop" else protocol, "localhost", 0, is_tls, unquote(path))
