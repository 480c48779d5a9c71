"""Connections through a proxy: SOCKS5 (RFC 1928, RFC 1929) and HTTP CONNECT (RFC 9110 s9.3.6), by `python-socks`.

The proxy looks the host's name up, so that a name that only it knows works, and nobody else learns it. What the proxy
is told of names and passwords is in no text.

Must not know: TLS, any protocol behind the proxy.
"""

import socket
from urllib.parse import SplitResult, unquote, urlsplit

from .base import Target, Unreachable
from .client_tls import named

SCHEMES = ("socks5", "http")
PORTS = {"socks5": 1080, "http": 3128}


async def connect_through(target: Target) -> socket.socket:
    """A socket that is connected to the target's host and port by its proxy. Raises Unreachable; no time-out."""
    parts = split_proxy(target.proxy or "")
    # Only who has a proxy pays for the library.
    from python_socks import ProxyConnectionError, ProxyError, ProxyType
    from python_socks.async_.asyncio import Proxy

    place = f"{parts.hostname}:{parts.port or PORTS[parts.scheme]}"
    proxy = Proxy(
        ProxyType.SOCKS5 if parts.scheme == "socks5" else ProxyType.HTTP,
        host=parts.hostname or "",
        port=parts.port or PORTS[parts.scheme],
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.username is None else unquote(parts.password or ""),
        rdns=True,
    )
    try:
        return await proxy.connect(named(target.host), target.port, timeout=target.timeout)
    except ProxyConnectionError as error:
        raise Unreachable(f"cannot connect to the proxy {place}: {_words(error)}") from None
    except ProxyError as error:
        raise Unreachable(f"the proxy {place} does not lead to {target}: {_words(error)}") from None
    except (OSError, UnicodeError, ValueError) as error:
        raise Unreachable(f"cannot connect to {target} by the proxy {place}: {_words(error)}") from None


def split_proxy(url: str) -> SplitResult:
    """The parts of a proxy's URL. Raises Unreachable with what would be right, and without what may be a password."""
    shape = "socks5://[NAME:PASSWORD@]HOST:PORT or http://[NAME:PASSWORD@]HOST:PORT"
    try:
        parts = urlsplit(url)
        port_is_good = parts.port != 0
    except ValueError:
        raise Unreachable(f"the proxy's URL cannot be read: it is {shape}") from None
    if parts.scheme not in SCHEMES or not parts.hostname or not port_is_good:
        raise Unreachable(f"the proxy's URL cannot be used: it is {shape}")
    return parts


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
