"""Finds the server of a mail address: the domain's own word first, then its provider's, then guesses.

Must not know: how DNS, the web or a mail server is asked.
"""

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from postane.net.base import Http, TlsMode

from .base import Address, Candidate, Resolver, ResolverError, Service, Way, parse_address
from .guesses import Guesser
from .lookups import exchange_lookups, listed_lookups, look_up, own_lookups
from .services import find_services

WAYS = tuple(Way)
_TLS = (TlsMode.IMPLICIT, TlsMode.REQUIRED, TlsMode.OFFERED, TlsMode.NONE)


@dataclass(frozen=True, slots=True)
class Means:
    """Who is asked. `guesser` is None where nothing is to be guessed; `lists` is a URL that a domain is put behind, of
    a list of providers; None: no such list is asked."""

    resolver: Resolver
    http: Http
    guesser: Guesser | None
    lists: str | None = None
    chance: random.Random = field(default_factory=random.SystemRandom)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is looked for, the most wanted first. `allows_plaintext`: a server without TLS too, where there is no
    other."""

    services: tuple[Service, ...] = (Service.POP3, Service.IMAP)
    allows_plaintext: bool = False


@dataclass(frozen=True, slots=True)
class Discovery:
    """Servers, the best first, and what went wrong on the way."""

    candidates: tuple[Candidate, ...]
    troubles: tuple[str, ...] = ()


async def discover(text: str, means: Means, wishes: Wishes) -> Discovery:
    """The servers of an address. Raises DiscoveryError where it is none."""
    address = parse_address(text)
    services, (own, troubles) = await asyncio.gather(
        find_services(means.resolver, address, means.chance), look_up(means.http, own_lookups(address), address)
    )
    troubles = [*services.troubles, *troubles]
    safe, found = replace(wishes, allows_plaintext=False), [*own, *services.candidates]
    if not choose(found, safe):
        more, others = await _ask_provider(means, address)
        found, troubles = found + more, troubles + others
    if not choose(found, safe) and means.guesser is not None:
        found += await means.guesser.guess(address, wishes.services, services.denied)
    return Discovery(tuple(choose(found, wishes)), tuple(dict.fromkeys(troubles)))


async def _ask_provider(means: Means, address: Address) -> tuple[list[Candidate], list[str]]:
    troubles = []
    lookups = listed_lookups(address, means.lists)
    try:
        lookups += await exchange_lookups(means.resolver, address)
    except ResolverError as error:
        troubles.append(error.text)
    found, others = await look_up(means.http, lookups, address)
    return found, troubles + others


def choose(candidates: Iterable[Candidate], wishes: Wishes) -> Sequence[Candidate]:
    """Those that are wanted, once each, the best first: the wanted service, TLS from the first octet (RFC 8314 s5.1),
    what needs no confirmation, the surest way. One in clear is there only where it may be, and where there is no
    other."""
    wanted: dict[tuple[object, ...], Candidate] = {}
    for each in sorted(candidates, key=lambda each: WAYS.index(each.way)):
        if each.service in wishes.services:
            known = wanted.setdefault((each.service, each.host, each.port, each.tls), each)
            if known.needs_confirmation and not each.needs_confirmation:
                wanted[each.service, each.host, each.port, each.tls] = replace(known, confirmation="")
    found = [each for each in wanted.values() if each.tls is not TlsMode.NONE]
    if not found and wishes.allows_plaintext:
        found = list(wanted.values())
    return sorted(
        found,
        key=lambda each: (
            wishes.services.index(each.service),
            _TLS.index(each.tls),
            each.needs_confirmation,
            WAYS.index(each.way),
        ),
    )
