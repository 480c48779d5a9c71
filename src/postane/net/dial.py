"""Connections of a client: to a host by the fastest of its addresses, to a unix socket, through a proxy, or over what
the caller has connected already.

RFC 8305 s4 and s5 (Happy Eyeballs): addresses of both families in turn, the next one tried while the one before it is
still silent. It is done here because not every event loop does it.

Must not know: any protocol.
"""

import asyncio
import socket
from asyncio.staggered import staggered_race
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain, zip_longest
from typing import cast

from .base import NetError, Target, TlsMode, TooSlow, Unreachable, words_of
from .link import SocketLink

HEAD_START = 0.25
"""Seconds that an address is tried alone before the next one is tried beside it (RFC 8305 s5)."""

PIECE = 64 * 1024

Address = tuple[int, int, tuple[object, ...]]
"""Family, protocol, and the address itself, as the resolver has them."""


async def dial(target: Target) -> SocketLink:
    """A connection that stands: a Dial."""
    try:
        async with asyncio.timeout(target.timeout):
            link = await _connected(target)
    except TimeoutError:
        raise TooSlow(f"{target} does not answer within {target.timeout:g} s") from None
    if target.tls.mode is TlsMode.IMPLICIT:
        await link.start_tls()
    return link


async def adopt(given: socket.socket | tuple[asyncio.StreamReader, asyncio.StreamWriter], target: Target) -> SocketLink:
    """A link over a connected socket, or over the streams of asyncio, which nobody else may use from then on. `target`
    says who is at the other end and what TLS is asked of it; TLS that the streams have already stays. Raises NetError.
    """
    if isinstance(given, socket.socket):
        given.setblocking(False)
        link = await _over(given, target, is_relayed=False)
    else:
        link = _taken(*given, target)
    if target.tls.mode is TlsMode.IMPLICIT and link.tls is None:
        await link.start_tls()
    return link


async def _connected(target: Target) -> SocketLink:
    loop = asyncio.get_running_loop()
    if target.path is not None:
        try:
            _, link = await loop.create_unix_connection(lambda: SocketLink(target), target.path)
        except NotImplementedError:
            raise Unreachable(f"cannot connect to {target}: this system has no unix sockets") from None
        except OSError as error:
            raise Unreachable(f"cannot connect to {target}: {words_of(error)}") from error
        return link
    if target.proxy is not None:
        from .proxies import connect_through  # few go through one

        return await _over(await connect_through(target, _fastest), target, is_relayed=True)
    return await _over(await _fastest(target.host, target.port, str(target)), target, is_relayed=False)


async def _over(connected: socket.socket, target: Target, *, is_relayed: bool) -> SocketLink:
    loop = asyncio.get_running_loop()
    make = partial(SocketLink, target, is_relayed=is_relayed)
    try:
        if connected.family == getattr(socket, "AF_UNIX", None):
            _, link = await loop.create_unix_connection(make, sock=connected)
        else:
            _, link = await loop.create_connection(make, sock=connected)
    except (OSError, ValueError) as error:
        connected.close()
        raise Unreachable(f"cannot speak to {target}: {error}") from error
    except BaseException:
        connected.close()
        raise
    return link


def _taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: Target) -> SocketLink:
    """Take the place of the streams on their transport, and what they have read ahead."""
    octets = _read_ahead(reader)
    link = SocketLink(target)
    link.connection_made(writer.transport)
    link.keep(writer)
    secured = writer.get_extra_info("ssl_object")
    if secured is not None:
        try:
            link.over_tls(secured)
        except NetError:
            link.abort()
            raise
    writer.transport.set_protocol(link)
    if octets:
        link.data_received(octets)
    if reader.at_eof():
        link.eof_received()
    return link


def _read_ahead(reader: asyncio.StreamReader) -> bytes:
    """What lies in a StreamReader: its `read` gives that without waiting, and is not waited for otherwise."""
    pieces = []
    while not reader.at_eof():
        reading = reader.read(PIECE)
        try:
            reading.send(None)
        except StopIteration as stop:
            pieces.append(cast(bytes, stop.value))
        else:
            reading.close()
            break
    return b"".join(pieces)


async def _fastest(host: str, port: int, name: str) -> socket.socket:
    """A socket that is connected to one of the host's addresses; `name` is what it is called. Raises Unreachable."""
    addresses = await _resolve(host, port, name)
    stand: list[socket.socket] = []

    async def attempt(address: Address) -> socket.socket:
        stand.append(await _try(address))
        return stand[-1]

    tries = [partial(attempt, address) for address in addresses]
    winner = None
    try:
        winner, _, errors = await staggered_race(tries, HEAD_START)
    finally:  # cancelled, it has a winner and nobody to give it to
        for connected in stand:
            if connected is not winner:
                connected.close()
    if isinstance(winner, socket.socket):
        return winner
    raise Unreachable(f"cannot connect to {name}: {_explain(addresses, errors)}") from errors[-1]


async def _resolve(host: str, port: int, name: str) -> list[Address]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        again = getattr(socket, "EAI_AGAIN", None)
        words = "the name cannot be looked up now" if error.errno == again else "there is no host of this name"
        raise Unreachable(f"cannot connect to {name}: {words}") from error
    except (OSError, UnicodeError, ValueError) as error:
        raise Unreachable(f"cannot connect to {name}: {error}") from error
    return _in_turn((family, protocol, address) for family, _, protocol, _, address in found)


def _in_turn(addresses: Iterable[Address]) -> list[Address]:
    """One of each family after the other, beginning with the family that the resolver begins with (RFC 8305 s4)."""
    families: dict[int, list[Address]] = {}
    for address in dict.fromkeys(addresses):
        families.setdefault(address[0], []).append(address)
    rows = zip_longest(*families.values())
    return [address for address in chain.from_iterable(rows) if address is not None]


async def _try(address: Address) -> socket.socket:
    family, protocol, place = address
    made = socket.socket(family, socket.SOCK_STREAM, protocol)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, place)
    except BaseException:
        made.close()
        raise
    return made


def _explain(addresses: Sequence[Address], errors: Sequence[BaseException | None]) -> str:
    """Why none of the addresses answers: each reason once, with the address where there are several."""
    reasons: dict[str, list[str]] = {}
    for (_, _, place), error in zip(addresses, errors, strict=False):
        reasons.setdefault(words_of(error), []).append(str(place[0]))
    if len(reasons) == 1:
        return next(iter(reasons))
    return "; ".join(f"{', '.join(places)}: {words}" for words, places in reasons.items())
