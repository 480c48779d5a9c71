"""Servers by service records: RFC 6186 and RFC 2782."""

import random
from collections import Counter

import pytest

from postane.discovery.base import Service, ServiceRecord, Way, parse_address
from postane.discovery.services import find_services, order
from postane.net.base import TlsMode
from support.domains import FakeResolver

ADDRESS = parse_address("mrose@example.org")


async def found(records, **more):
    resolver = FakeResolver({f"{name}.example.org": each for name, each in records.items()}, **more)
    return await find_services(resolver, ADDRESS, random.Random(1))


async def test_all_four_are_asked_for():
    resolver = FakeResolver()
    services = await find_services(resolver, ADDRESS, random.Random(1))
    assert (services.candidates, services.denied, services.troubles) == ((), frozenset(), ())
    labels = ["_pop3s._tcp", "_pop3._tcp", "_imaps._tcp", "_imap._tcp"]
    assert resolver.asked == [f"{label}.example.org" for label in labels]


async def test_a_server_of_the_domain():
    (candidate,) = (await found({"_pop3s._tcp": [ServiceRecord(0, 1, 9995, "pop3.example.org")]})).candidates
    assert (candidate.service, candidate.host, candidate.port) == (Service.POP3, "pop3.example.org", 9995)
    assert (candidate.tls, candidate.logins, candidate.methods) == (
        TlsMode.IMPLICIT,
        ("mrose@example.org", "mrose"),
        (),
    )
    assert (candidate.way, candidate.place) == (Way.SRV, "_pop3s._tcp.example.org")
    assert not candidate.needs_confirmation


@pytest.mark.parametrize(
    ("label", "service", "tls"),
    [
        ("_pop3s._tcp", Service.POP3, TlsMode.IMPLICIT),
        ("_pop3._tcp", Service.POP3, TlsMode.REQUIRED),
        ("_imaps._tcp", Service.IMAP, TlsMode.IMPLICIT),
        ("_imap._tcp", Service.IMAP, TlsMode.REQUIRED),
    ],
)
async def test_what_a_label_means(label, service, tls):
    (candidate,) = (await found({label: [ServiceRecord(0, 1, 1, "example.org")]})).candidates
    assert (candidate.service, candidate.tls) == (service, tls)


@pytest.mark.parametrize("target", ["pop.example.net", "example.org.evil.net", "badexample.org", "org"])
async def test_a_server_outside_of_the_domain_is_to_be_confirmed(target):
    (candidate,) = (await found({"_pop3s._tcp": [ServiceRecord(0, 1, 995, target)]})).candidates
    assert candidate.needs_confirmation
    assert candidate.confirmation.startswith(f"{target} does not belong to example.org")


async def test_what_is_said_not_to_be_there():
    services = await found(
        {
            "_pop3._tcp": [ServiceRecord(0, 0, 0, "")],
            "_pop3s._tcp": [ServiceRecord(0, 0, 0, ""), ServiceRecord(1, 0, 995, "a.example.org")],
        }
    )
    assert services.denied == {(Service.POP3, TlsMode.REQUIRED)}
    assert [each.host for each in services.candidates] == ["a.example.org"]


async def test_no_answer_is_told_once():
    services = await found({}, trouble="DNS is away")
    assert services.troubles == ("DNS is away",)


async def test_the_order_is_that_of_the_priorities():
    records = [ServiceRecord(priority, 5, 995, f"{priority}.example.org") for priority in (20, 0, 10)]
    assert [each.priority for each in order(records, random.Random(1))] == [0, 10, 20]


def test_weights_are_chances():
    records = [ServiceRecord(0, weight, 1, str(weight)) for weight in (0, 10, 30, 60)]
    chance = random.Random(7)
    first = Counter(order(records, chance)[0].weight for _ in range(4000))
    assert first[60] > first[30] > first[10] > first[0]
    assert abs(first[60] / 4000 - 0.6) < 0.05
    assert first[0] > 0, "a small chance, and not none"


def test_all_are_given_each_once():
    records = [ServiceRecord(number % 3, number % 4, number, str(number)) for number in range(30)]
    assert sorted(order(records, random.Random(1)), key=lambda each: each.port) == records
    assert order([], random.Random(1)) == []
