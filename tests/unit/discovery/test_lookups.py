"""Where autoconfigurations are looked for, and who hears of the address."""

import pytest

from postane.discovery.base import Method, Service, Way, parse_address
from postane.discovery.lookups import exchange_lookups, listed_lookups, look_up, own_lookups
from postane.net.base import TlsMode
from support.domains import FakeResolver, FakeWeb

ADDRESS = parse_address("m+rose@example.org")

XML = b"""<clientConfig><emailProvider><incomingServer type="pop3"><hostname>pop.example.org</hostname>
<port>995</port><socketType>SSL</socketType><username>%EMAILLOCALPART%</username>
<authentication>password-cleartext</authentication></incomingServer></emailProvider></clientConfig>"""


def urls(lookups):
    return [each.url for each in lookups]


def test_the_domains_own_places():
    assert urls(own_lookups(ADDRESS)) == [
        "https://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=m%2Brose%40example.org",
        "https://example.org/.well-known/autoconfig/mail/config-v1.1.xml",
    ]


def test_no_list_is_asked_that_was_not_named():
    assert listed_lookups(ADDRESS, None) == []
    (lookup,) = listed_lookups(ADDRESS, "https://list.example/v1.1/")
    assert (lookup.url, lookup.way) == ("https://list.example/v1.1/example.org", Way.PROVIDER)


async def places(exchange):
    lookups = await exchange_lookups(FakeResolver(exchanges_of={"example.org": [exchange, "b.elsewhere.net"]}), ADDRESS)
    assert all(each.confirmation and each.url.startswith("https://") for each in lookups)
    assert not any("rose" in each.url for each in lookups), "whoever DNS names hears nothing of the address"
    return [each.url.split("/")[2] for each in lookups]


@pytest.mark.parametrize(
    ("exchange", "domains"),
    [
        ("mx1.provider.example", ["provider.example"]),
        ("aspmx.l.provider.example", ["provider.example", "l.provider.example"]),
        ("mx.provider.co.uk", ["provider.co.uk"]),
        ("a.b.c.d.provider.net", ["provider.net", "d.provider.net", "c.d.provider.net"]),
        ("mx.example.org", []),
        ("mx.mail.example.org", ["mail.example.org"]),
        ("provider.example", []),
    ],
)
async def test_the_places_of_who_takes_mail_in(exchange, domains):
    assert await places(exchange) == [host for each in domains for host in (f"autoconfig.{each}", each)]


async def test_nobody_takes_mail_in():
    assert await exchange_lookups(FakeResolver(), ADDRESS) == []


async def test_what_is_found():
    first, second = own_lookups(ADDRESS)
    web = FakeWeb({first.url: None, second.url: XML})
    ((candidate,), troubles) = await look_up(web, [first, second], ADDRESS)
    assert (candidate.service, candidate.host, candidate.port) == (Service.POP3, "pop.example.org", 995)
    assert (candidate.tls, candidate.logins, candidate.methods) == (TlsMode.IMPLICIT, ("m+rose",), (Method.PASSWORD,))
    assert (candidate.way, candidate.place, candidate.confirmation) == (Way.AUTOCONFIG, second.url, "")
    assert troubles == []
    assert sorted(web.asked) == sorted(urls([first, second]))


async def test_the_first_place_that_says_anything_counts():
    first, second = own_lookups(ADDRESS)
    web = FakeWeb({first.url: XML, second.url: XML.replace(b"pop.", b"other.")})
    candidates, _ = await look_up(web, [first, second], ADDRESS)
    assert [(each.host, each.place) for each in candidates] == [
        ("pop.example.org", "https://autoconfig.example.org/mail/config-v1.1.xml")
    ]


async def test_what_is_none_is_told():
    first, second = own_lookups(ADDRESS)
    candidates, troubles = await look_up(FakeWeb({second.url: b"<html/>"}), [first, second], ADDRESS)
    assert candidates == []
    assert troubles == [f"{second.url} is no autoconfiguration: it is not a clientConfig"]
