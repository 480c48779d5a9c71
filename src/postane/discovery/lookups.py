"""Where a domain's autoconfiguration may be: at the domain, at whoever takes its mail in, in a list that was named.

Only https is asked. The address goes to the domain's own servers alone; what is found elsewhere is to be confirmed,
as DNS says who takes the mail in, and DNS may be lied about. A domain's MX record may be of a provider, such as
mx3.mail.example.net: example.net's file is looked for, and never that of a suffix such as co.uk.

Must not know: how an answer is fetched.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from postane.net.base import Http, NetError

from .autoconfig import BadAutoconfig, parse_autoconfig
from .base import Address, Candidate, Resolver, Way

SUFFIXES = frozenset(
    ("ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "gv", "ltd", "mil", "ne", "net", "or", "org")
)
"""Labels that under a country's are nobody's own, as a rule; the whole list would be 15,000 lines."""

EXCHANGE_DOMAINS = 3
"""Domains that are tried of the host that takes a domain's mail in."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A place to look at, and what follows when something is there."""

    url: str
    way: Way
    confirmation: str = ""


def own_lookups(address: Address) -> list[Lookup]:
    """The domain's own places."""
    asked = quote(address.text, safe="")
    return [
        Lookup(f"https://autoconfig.{address.domain}/mail/config-v1.1.xml?emailaddress={asked}", Way.AUTOCONFIG),
        Lookup(f"https://{address.domain}/.well-known/autoconfig/mail/config-v1.1.xml", Way.AUTOCONFIG),
    ]


def listed_lookups(address: Address, lists: str | None) -> list[Lookup]:
    """A list of providers: a URL that the domain is put behind."""
    return [Lookup(f"{lists}{quote(address.domain)}", Way.PROVIDER)] if lists else []


async def exchange_lookups(resolver: Resolver, address: Address) -> list[Lookup]:
    """The places of whoever takes the domain's mail in. Raises ResolverError."""
    exchanges = await resolver.exchanges(address.domain)
    return (
        [lookup for domain in _domains(exchanges[0], address) for lookup in _places(domain, address)]
        if exchanges
        else []
    )


def _places(domain: str, address: Address) -> Iterator[Lookup]:
    words = f"{domain} takes the mail of {address.domain} in, as only DNS says, unproven: does it keep it too?"
    for url in (
        f"https://autoconfig.{domain}/mail/config-v1.1.xml",
        f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
    ):
        yield Lookup(url, Way.PROVIDER, words)


def _domains(exchange: str, address: Address) -> list[str]:
    """Domains that the host is in, the widest first: that is where the files are."""
    labels = exchange.split(".")
    found = [".".join(labels[begin:]) for begin in range(1, len(labels) - 1)]
    own = [each for each in found if each != address.domain and not _is_suffix(each)]
    return own[::-1][:EXCHANGE_DOMAINS]


def _is_suffix(domain: str) -> bool:
    first, _, rest = domain.partition(".")
    return len(rest) == 2 and first in SUFFIXES


async def look_up(http: Http, lookups: list[Lookup], address: Address) -> tuple[list[Candidate], list[str]]:
    """What the first of these places says that says anything; all are asked at once. The second: what went wrong."""
    answers = await asyncio.gather(*(_ask(http, each, address) for each in lookups))
    found = next((candidates for candidates, _ in answers if candidates), [])
    return found, [trouble for _, trouble in answers if trouble]


async def _ask(http: Http, lookup: Lookup, address: Address) -> tuple[list[Candidate], str]:
    try:
        answer = await http.get(lookup.url)
    except NetError:
        return [], ""  # most domains have none, and no such host
    if answer.status != 200:
        return [], ""
    try:
        servers = parse_autoconfig(answer.octets, address)
    except BadAutoconfig as error:
        return [], f"{lookup.url} is no autoconfiguration: {error}"
    place, way, words = lookup.url.partition("?")[0], lookup.way, lookup.confirmation
    return [
        Candidate(each.service, each.host, each.port, each.tls, (each.login,), each.methods, way, place, words)
        for each in servers
    ], ""
