"""The server of an address: who is asked, in which order, and which server is the best."""

import random
from dataclasses import replace

import pytest

from postane.discovery.base import Candidate, DiscoveryError, Method, Service, ServiceRecord, Way
from postane.discovery.find import Means, Wishes, choose, discover
from postane.discovery.guesses import Guesser
from postane.net.base import TlsMode
from support.domains import FakeNet, FakeResolver, FakeServer, FakeWeb

OWN = "https://example.org/.well-known/autoconfig/mail/config-v1.1.xml"
LISTED = "https://list.example/example.org"


def xml(*servers):
    """Servers as (type, host, port, socket type)."""
    return (
        "<clientConfig><emailProvider>"
        + "".join(
            f'<incomingServer type="{kind}"><hostname>{host}</hostname><port>{port}</port>'
            f"<socketType>{socket}</socketType><username>%EMAILLOCALPART%</username>"
            "<authentication>password-cleartext</authentication></incomingServer>"
            for kind, host, port, socket in servers
        )
        + "</emailProvider></clientConfig>"
    ).encode()


class World:
    """All that can be asked."""

    def __init__(self):
        self.dns, self.web, self.net = FakeResolver(), FakeWeb(), FakeNet()

    async def discover(self, lists=None, address="mrose@example.org", **wishes):
        means = Means(self.dns, self.web, Guesser(self.net.dial, 2.0), lists, random.Random(1))
        return await discover(address, means, Wishes(**wishes))

    async def found(self, **more):
        found = await self.discover(**more)
        return [(each.host, each.port, each.tls, each.way) for each in found.candidates]

    def srv(self, label, *targets, port=995):
        self.dns.services_of[f"{label}._tcp.example.org"] = [
            ServiceRecord(number, 1, port, target) for number, target in enumerate(targets)
        ]


@pytest.fixture
def world():
    return World()


async def test_nothing_is_found(world):
    found = await world.discover()
    assert (found.candidates, found.troubles) == ((), ())


async def test_what_is_no_address_is_refused(world):
    with pytest.raises(DiscoveryError):
        await world.discover(address="mrose")


async def test_records_of_the_domain(world):
    world.srv("_pop3s", "b.example.org", "a.example.org")
    world.srv("_pop3", "c.example.org", port=110)
    world.srv("_imaps", "d.example.org", port=993)
    assert await world.found() == [
        ("b.example.org", 995, TlsMode.IMPLICIT, Way.SRV),
        ("a.example.org", 995, TlsMode.IMPLICIT, Way.SRV),
        ("c.example.org", 110, TlsMode.REQUIRED, Way.SRV),
        ("d.example.org", 993, TlsMode.IMPLICIT, Way.SRV),
    ]
    assert await world.found(services=(Service.IMAP,)) == [("d.example.org", 993, TlsMode.IMPLICIT, Way.SRV)]
    assert world.net.dialled == [], "what was said is not guessed"


async def test_who_is_proven_comes_before_who_is_not(world):
    world.srv("_pop3s", "pop.elsewhere.net", "pop.example.org")
    found = (await world.discover()).candidates
    assert [(each.host, each.needs_confirmation) for each in found] == [
        ("pop.example.org", False),
        ("pop.elsewhere.net", True),
    ]


async def test_a_file_of_the_domain_confirms_what_dns_says(world):
    world.srv("_pop3s", "pop.elsewhere.net")
    world.web.pages[OWN] = xml(("pop3", "pop.elsewhere.net", 995, "SSL"))
    (found,) = (await world.discover()).candidates
    assert (found.way, found.needs_confirmation, found.logins) == (Way.AUTOCONFIG, False, ("mrose",))
    assert found.methods == (Method.PASSWORD,)


async def test_the_provider_is_asked_where_the_domain_says_nothing(world):
    world.dns.exchanges_of["example.org"] = ["mx.provider.example"]
    world.web.pages["https://autoconfig.provider.example/mail/config-v1.1.xml"] = xml(
        ("pop3", "pop.provider.example", 995, "SSL")
    )
    (found,) = (await world.discover()).candidates
    assert (found.host, found.way, found.needs_confirmation) == ("pop.provider.example", Way.PROVIDER, True)
    world.srv("_pop3s", "pop.example.org")
    world.web.asked.clear()
    assert [host for host, *_ in await world.found()] == ["pop.example.org"]
    assert not any("provider" in url for url in world.web.asked)


async def test_a_list_is_asked_only_where_it_is_named(world):
    world.web.pages[LISTED] = xml(("pop3", "pop.provider.example", 995, "SSL"))
    assert await world.found() == []
    assert LISTED not in world.web.asked
    assert [host for host, *_ in await world.found(lists="https://list.example/")] == ["pop.provider.example"]


async def test_guesses_come_last(world):
    world.net.servers[("pop.example.org", 110)] = FakeServer(replies={b"STLS\r\n": b"+OK\r\n"})
    world.net.servers[("mail.example.org", 995)] = FakeServer()
    assert await world.found(services=(Service.POP3,)) == [
        ("mail.example.org", 995, TlsMode.IMPLICIT, Way.GUESS),
        ("pop.example.org", 110, TlsMode.REQUIRED, Way.GUESS),
    ]


async def test_nothing_is_guessed_that_is_said_not_to_be_there(world):
    world.srv("_pop3s", "")
    world.srv("_pop3", "")
    world.net.servers[("pop.example.org", 995)] = FakeServer()
    assert await world.found(services=(Service.POP3,)) == []
    assert world.net.dialled == []


async def test_nothing_is_guessed_without_a_guesser(world):
    means = Means(world.dns, world.web, None)
    assert (await discover("mrose@example.org", means, Wishes())).candidates == ()


@pytest.mark.parametrize("allows", [False, True])
async def test_in_clear_only_where_it_may_be_and_nothing_else_is(world, allows):
    plain = ("pop3", "pop.example.org", 110, "plain")
    world.web.pages[OWN] = xml(plain)
    clear = [("pop.example.org", 110, TlsMode.NONE, Way.AUTOCONFIG)]
    assert await world.found(allows_plaintext=allows) == (clear if allows else [])
    world.net.servers[("mail.example.org", 995)] = FakeServer()
    assert [each[2] for each in await world.found(allows_plaintext=allows)] == [TlsMode.IMPLICIT], "a guess is better"
    world.web.pages[OWN] = xml(plain, ("pop3", "pop.example.org", 110, "STARTTLS"))
    assert [each[2] for each in await world.found(allows_plaintext=allows)] == [TlsMode.REQUIRED]


async def test_what_goes_wrong_is_told_and_the_rest_goes_on(world):
    world.dns.trouble = "DNS is away"
    world.web.pages[OWN] = b"<html/>"
    world.net.servers[("pop.example.org", 995)] = FakeServer()
    found = await world.discover()
    assert [each.host for each in found.candidates] == ["pop.example.org"]
    assert found.troubles == ("DNS is away", f"{OWN} is no autoconfiguration: it is not a clientConfig")


def test_the_best_comes_first():
    base = Candidate(Service.POP3, "h", 1, TlsMode.IMPLICIT, (), (), Way.AUTOCONFIG, "")
    ordered = [
        base,
        replace(base, host="b", way=Way.SRV),
        replace(base, host="c", way=Way.SRV, confirmation="why"),
        replace(base, tls=TlsMode.REQUIRED),
        replace(base, service=Service.IMAP),
    ]
    chance = random.Random(3)
    for _ in range(10):
        assert list(choose(chance.sample(ordered, len(ordered)), Wishes())) == ordered
    assert list(choose([base, replace(base, way=Way.SRV), base], Wishes())) == [base]
