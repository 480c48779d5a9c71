"""Servers by a domain's service records: RFC 6186 s3.3, in the order of RFC 8314 s5.1: TLS from the first octet first.

DNS may be lied about: a target outside of the domain is to be confirmed (RFC 6186 s6).

Must not know: how DNS is asked.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from postane.net.base import TlsMode

from .base import Address, Candidate, Resolver, ResolverError, Service, ServiceRecord, Way, is_within

LABELS = {
    (Service.POP3, TlsMode.IMPLICIT): "_pop3s._tcp",
    (Service.POP3, TlsMode.REQUIRED): "_pop3._tcp",
    (Service.IMAP, TlsMode.IMPLICIT): "_imaps._tcp",
    (Service.IMAP, TlsMode.REQUIRED): "_imap._tcp",
}

Kind = tuple[Service, TlsMode]


@dataclass(frozen=True, slots=True)
class Services:
    """What the records say: the servers, and what is said not to be there (RFC 6186 s3.4)."""

    candidates: tuple[Candidate, ...]
    denied: frozenset[Kind] = frozenset()
    troubles: tuple[str, ...] = ()


async def find_services(resolver: Resolver, address: Address, chance: random.Random) -> Services:
    """All that the domain's records say. Raises nothing."""
    answers = await asyncio.gather(*(_ask(resolver, f"{label}.{address.domain}") for label in LABELS.values()))
    candidates: list[Candidate] = []
    denied: set[Kind] = set()
    for kind, (name, records, _) in zip(LABELS, answers, strict=True):
        targets = [record for record in order(records, chance) if record.target]
        if records and not targets:
            denied.add(kind)
        candidates += [_candidate(kind, name, record, address) for record in targets]
    troubles = dict.fromkeys(trouble for _, _, trouble in answers if trouble)
    return Services(tuple(candidates), frozenset(denied), tuple(troubles))


async def _ask(resolver: Resolver, name: str) -> tuple[str, Sequence[ServiceRecord], str]:
    try:
        return name, await resolver.services(name), ""
    except ResolverError as error:
        return name, [], error.text


def _candidate(kind: Kind, name: str, record: ServiceRecord, address: Address) -> Candidate:
    service, tls = kind
    words = ""
    if not is_within(record.target, address.domain):
        words = f"{record.target} does not belong to {address.domain}: only DNS says that it has its mail, unproven"
    return Candidate(service, record.target, record.port, tls, address.logins, (), Way.SRV, name, words)


def order(records: Sequence[ServiceRecord], chance: random.Random) -> list[ServiceRecord]:
    """By priority, and by lot with the weights within one, as RFC 2782 has it."""
    ordered: list[ServiceRecord] = []
    for _, group in groupby(sorted(records, key=lambda each: each.priority), key=lambda each: each.priority):
        left = sorted(group, key=lambda each: each.weight > 0)  # those without a weight have a small chance
        while left:
            lot = chance.randint(0, sum(each.weight for each in left))
            chosen = _at(left, lot)
            left.remove(chosen)
            ordered.append(chosen)
    return ordered


def _at(records: Sequence[ServiceRecord], lot: int) -> ServiceRecord:
    total = 0
    for record in records:
        total += record.weight
        if total >= lot:
            return record
    return records[-1]
