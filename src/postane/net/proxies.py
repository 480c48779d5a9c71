"""Connections through a proxy: SOCKS5 (RFC 1928, RFC 1929) by `python-socks`, and HTTP CONNECT (RFC 9110 s9.3.6).

The proxy looks the host's name up, so that a name that only it knows works, and nobody else learns it. What the proxy
is told of names and passwords is in no text.

Of HTTP so little is needed that it is done here: where servers speak first, the proxy's answer is to be read up to its
last octet and not one further.

Must not know: TLS, any protocol behind the proxy, how a host is reached.
"""

import asyncio
import re
import socket
from base64 import b64encode
from collections.abc import Awaitable, Callable
from urllib.parse import SplitResult, unquote, urlsplit

from .base import Target, Unreachable, words_of
from .client_tls import named

PORTS = {"socks5": 1080, "http": 3128}

HEAD_LIMIT = 64 * 1024
"""Octets of an answer's head that are waited for."""

SHOWN = 200
"""Letters of what a proxy says that are repeated."""

_STATUS = re.compile(rb"HTTP/1\.[0-9] ([0-9]{3})(?: .*)?", re.DOTALL)

Reach = Callable[[str, int, str], Awaitable[socket.socket]]
"""From a host, a port and what they are called to a connected socket. Raises Unreachable."""


async def connect_through(target: Target, reach: Reach) -> socket.socket:
    """A socket that is connected to the target's host and port by its proxy. Raises Unreachable; no time-out."""
    parts = split_proxy(target.proxy or "")
    host = named(target.host)
    if not host.isprintable() or " " in host:
        raise Unreachable(f"cannot connect to {_plain(str(target))}: this is no name of a host")
    by = _by_http if parts.scheme == "http" else _by_socks5
    return await by(target, host, parts, reach)


async def _by_socks5(target: Target, host: str, parts: SplitResult, _: Reach) -> socket.socket:
    # Only who has a proxy pays for the library.
    from python_socks import ProxyConnectionError, ProxyError, ProxyType
    from python_socks.async_.asyncio import Proxy

    place, name, password = _read(parts)
    at, port = parts.hostname or "", parts.port or PORTS["socks5"]
    proxy = Proxy(ProxyType.SOCKS5, host=at, port=port, username=name, password=password, rdns=True)
    try:
        return await proxy.connect(host, target.port, timeout=target.timeout)
    except ProxyConnectionError as error:
        raise Unreachable(f"cannot connect to the proxy {place}: {words_of(error.__cause__ or error)}") from None
    except ProxyError as error:
        raise _leads_nowhere(target, place, words_of(error)) from None
    except (OSError, UnicodeError, ValueError) as error:
        raise Unreachable(f"cannot connect to {target} by the proxy {place}: {words_of(error)}") from None


async def _by_http(target: Target, host: str, parts: SplitResult, reach: Reach) -> socket.socket:
    place, name, password = _read(parts)
    question = _question(target, host, name, password)
    connected = await reach(parts.hostname or "", parts.port or PORTS["http"], f"the proxy {place}")
    try:
        await asyncio.get_running_loop().sock_sendall(connected, question)
        status = 100
        while status < 200:  # told on the way to the answer
            status, words = await _answer(connected)
        if status >= 300:
            raise _leads_nowhere(target, place, f"it answered {words}")
    except _NoAnswer as error:
        connected.close()
        raise _leads_nowhere(target, place, str(error)) from None
    except OSError as error:
        connected.close()
        raise _leads_nowhere(target, place, words_of(error)) from None
    except BaseException:
        connected.close()
        raise
    return connected


class _NoAnswer(Exception):
    """What came is no answer of a proxy."""


def _question(target: Target, host: str, name: str | None, password: str | None) -> bytes:
    """RFC 9110 s9.3.6; a name and a password as Basic has them."""
    try:
        octets = host.encode("ascii" if ":" in host else "idna")
    except UnicodeError:
        raise Unreachable(f"cannot connect to {_plain(str(target))}: this is no name of a host") from None
    there = b"[%b]:%d" % (octets, target.port) if ":" in host else b"%b:%d" % (octets, target.port)
    head = b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n" % (there, there)
    if name is not None:
        if ":" in name:
            raise Unreachable("the proxy's URL cannot be used: the name of a proxy's user has no colon")
        head += b"Proxy-Authorization: Basic %b\r\n" % b64encode(f"{name}:{password or ''}".encode())
    return head + b"\r\n"


async def _answer(connected: socket.socket) -> tuple[int, str]:
    """The next answer: its status, and the same in words. Raises _NoAnswer."""
    head = bytearray()
    loop = asyncio.get_running_loop()
    while not head.endswith((b"\r\n\r\n", b"\n\n")):
        octet = await loop.sock_recv(connected, 1)  # what comes after it is the server's
        if not octet:
            raise _NoAnswer("it has closed the connection")
        head += octet
        if len(head) > HEAD_LIMIT:
            raise _NoAnswer("its answer has no end")
        if len(head) <= len(_BEGIN) and not _BEGIN.startswith(head):
            raise _NoAnswer("it is no HTTP proxy")
    line = bytes(head).partition(b"\n")[0].rstrip(b"\r")
    found = _STATUS.fullmatch(line)
    if found is None:
        raise _NoAnswer("it is no HTTP proxy")
    return int(found[1]), _plain(line.partition(b" ")[2].decode("utf-8", "replace"))


_BEGIN = b"HTTP/1."


def split_proxy(url: str) -> SplitResult:
    """The parts of a proxy's URL. Raises Unreachable with what would be right, and without what may be a password."""
    shape = "socks5://[NAME:PASSWORD@]HOST:PORT or http://[NAME:PASSWORD@]HOST:PORT"
    try:
        parts = urlsplit(url)
        port_is_good = parts.port != 0
    except ValueError:
        raise Unreachable(f"the proxy's URL cannot be read: it is {shape}") from None
    if parts.scheme not in PORTS or not parts.hostname or not port_is_good:
        raise Unreachable(f"the proxy's URL cannot be used: it is {shape}")
    return parts


def _read(parts: SplitResult) -> tuple[str, str | None, str | None]:
    """Where the proxy is, as it is called, and the name and the password that it is told."""
    place = str(Target(parts.hostname or "", parts.port or PORTS[parts.scheme]))
    if parts.username is None:
        return place, None, None
    return place, unquote(parts.username), unquote(parts.password or "")


def _leads_nowhere(target: Target, place: str, words: str) -> Unreachable:
    return Unreachable(f"the proxy {place} does not lead to {target}: {_plain(words)}")


def _plain(text: str) -> str:
    """Words of a stranger, without what could move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:SHOWN])
