"""A connection as a client has it: whom to reach, how to be sure who answers, and the octets both ways.

`dial` makes the real one. Time-outs live here: each wait of a link ends after the target's `timeout`, and so do
several waits together that bring next to nothing.

Must not know: any protocol.
"""

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from .stream import Peer, TlsFacts

TIMEOUT = 60.0
"""Seconds that any one wait may take, where nobody says otherwise."""


class NetError(Exception):
    """A connection cannot be had, or is gone; the text is for the person who wanted it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Unreachable(NetError):
    """No connection: no such host, refused, no route, a proxy that says no."""


def words_of(error: BaseException | None) -> str:
    """Why the system, or who else raised this, has no connection to give."""
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there (connection refused)"
    if isinstance(error, FileNotFoundError):
        return "there is no such socket"
    if isinstance(error, OSError) and error.strerror:
        if error.errno and error.strerror.startswith("Connect call failed"):  # which is asyncio's, and tells no reason
            return os.strerror(error.errno).lower()
        return error.strerror.lower()
    return str(error) or type(error).__name__


class LinkLost(NetError):
    """The connection is gone: reset, aborted, or closed by our own side."""


class TooSlow(NetError):
    """A wait took longer than it may."""


class Untrusted(NetError):
    """TLS does not stand: the certificate is not to be believed, the pin does not fit, octets came before it."""


class TlsMode(StrEnum):
    """When TLS begins."""

    IMPLICIT = "implicit"  # before the first octet
    REQUIRED = "required"  # by STLS or STARTTLS; without it nothing goes on
    OFFERED = "if-offered"  # the same where the server offers it; on this machine whatever its certificate is
    NONE = "none"


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """What a client asks of TLS.

    `authority` is a PEM file of whom to believe, None: whom the system believes. `pin` is the SHA-256 of the server's
    own certificate (64 hexadecimal digits, as `parse_pin` gives it): who has that one is believed whatever its name and
    its issuer, and in clear nobody is: OFFERED becomes REQUIRED with it. `minimum` is "1.2" or "1.3". `is_checked` is
    False only where somebody asked for no check at all. `certificate` and `key` are PEM files of the client's own.
    """

    mode: TlsMode = TlsMode.OFFERED
    authority: Path | None = None
    pin: str | None = None
    minimum: str = "1.2"
    is_checked: bool = True
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        if self.pin is not None and self.mode is TlsMode.OFFERED:
            object.__setattr__(self, "mode", TlsMode.REQUIRED)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect to. `path` is that of a unix socket and stands in the place of host and port.

    `proxy` is a URL: socks5://[NAME:PASSWORD@]HOST:PORT or http://[NAME:PASSWORD@]HOST:PORT (CONNECT).
    """

    host: str
    port: int
    tls: TlsPolicy = field(default_factory=TlsPolicy)
    proxy: str | None = field(default=None, repr=False)
    timeout: float = TIMEOUT
    path: str | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server has shown. `digest` is its SHA-256 in hexadecimal; `expires` is in seconds since the epoch."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    expires: float
    digest: str


class Link(Protocol):
    """Octets both ways. `read` gives b"" when the server has closed its side. `write` never blocks and never fails:
    what was lost is told by the next `read` or `drain`. `drain` waits until little is unsent.

    `read` and `drain` raise LinkLost and TooSlow. A wait that is cancelled has taken nothing.
    """

    @property
    def peer(self) -> Peer: ...

    @property
    def tls(self) -> TlsFacts | None:
        """What the handshake has settled; None: in clear."""
        ...

    @property
    def certificate(self) -> Certificate | None:
        """What the server has shown; None without TLS."""
        ...

    @property
    def is_private(self) -> bool:
        """Whether nobody else can listen: encrypted, or never leaving this machine."""
        ...

    @property
    def is_writable(self) -> bool:
        """Whether `drain` would not wait."""
        ...

    async def read(self) -> bytes: ...

    def read_now(self) -> bytes | None:
        """What `read` would give without waiting; None where nothing has come. Raises what `read` raises."""
        ...

    def write(self, octets: bytes) -> None: ...

    async def drain(self) -> None: ...

    async def start_tls(self) -> None:
        """Hold the TLS handshake. Octets that came before it are never given: Untrusted, and the connection is closed
        (RFC 2595 s4, RFC 3207 s4.2). Raises NetError."""
        ...

    async def close(self) -> None:
        """Send what is unsent, then close. Raises nothing."""
        ...

    def abort(self) -> None:
        """Close at once. Raises nothing."""
        ...


Dial = Callable[[Target], Awaitable[Link]]
"""From a target to a connection that stands; with TlsMode.IMPLICIT the handshake is over. Raises NetError."""


ANSWER_LIMIT = 262_144
"""Octets of an HttpAnswer at most; keys that sign tokens, and a provider's autoconfiguration, have a few thousand."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server said; `status` is of HTTP."""

    status: int
    octets: bytes = field(repr=False)


def is_private_url(url: str) -> bool:
    """Whether nobody else can read what a web server is asked there: over TLS, or on this machine."""
    import ipaddress  # few ask web servers
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme, parts.hostname or ""
        if parts.port == 0:  # what is no port at all raises ValueError
            return False
        if scheme == "http" and host != "localhost":
            return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
    return scheme in ("https", "http") and host != ""


class Http(Protocol):
    """Asks web servers, and trusts what comes back no further than it must: a limit of size and of time."""

    async def get(self, url: str) -> HttpAnswer:
        """Raises NetError where there is no answer."""
        ...

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """The same with a form, and with more header fields. Raises NetError where there is no answer."""
        ...

    async def close(self) -> None:
        """Let go of all connections. Idempotent."""
        ...
