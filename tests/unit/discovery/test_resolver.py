"""DNS, asked of a name server on loopback."""

import dns.asyncresolver
import dns.resolver
import pytest

from postane.discovery.base import ResolverError, ServiceRecord
from postane.discovery.resolver import DnsResolver
from support.domains import open_dns_server

ZONE = """
_pop3s._tcp.example.org. 60 IN SRV 0 1 995 Pop3.example.org.
_pop3s._tcp.example.org. 60 IN SRV 10 0 9950 b.example.net.
_pop3._tcp.example.org. 60 IN SRV 0 0 0 .
_imap._tcp.example.org. 60 IN SRV 0 0 0 zero.example.org.
example.org. 60 IN MX 20 mx2.example.org.
example.org. 60 IN MX 10 mx1.example.org.
null.example.org. 60 IN MX 0 .
"""


@pytest.fixture
async def server():
    async with open_dns_server(ZONE) as server:
        yield server


@pytest.fixture
def resolver(server):
    return DnsResolver(["127.0.0.1"], server.port)


async def test_service_records(resolver):
    found = await resolver.services("_pop3s._tcp.example.org")
    assert sorted(found, key=lambda each: each.priority) == [
        ServiceRecord(0, 1, 995, "pop3.example.org"),
        ServiceRecord(10, 0, 9950, "b.example.net"),
    ]


async def test_a_service_that_is_said_not_to_be_there(resolver):
    assert await resolver.services("_pop3._tcp.example.org") == [ServiceRecord(0, 0, 0, "")]


async def test_a_port_that_is_none(resolver):
    assert await resolver.services("_imap._tcp.example.org") == []


async def test_exchanges_by_preference(resolver):
    assert await resolver.exchanges("example.org") == ["mx1.example.org", "mx2.example.org"]
    assert await resolver.exchanges("null.example.org") == []


async def test_what_is_not_there(resolver, server):
    assert await resolver.services("example.org") == []
    assert await resolver.services("_pop3._tcp.example.com") == []
    assert await resolver.exchanges("example.com") == []
    assert server.asked == ["example.org. SRV", "_pop3._tcp.example.com. SRV", "example.com. MX"], "no other domain"


async def test_no_answer(server):
    server.is_silent = True
    resolver = DnsResolver(["127.0.0.1"], server.port, 0.2)
    with pytest.raises(ResolverError, match=r"DNS has not told MX of example\.org in 0\.2 s"):
        await resolver.exchanges("example.org")


async def test_a_server_that_fails(server, resolver):
    server.fails = True
    with pytest.raises(ResolverError, match=r"DNS cannot be asked for SRV of example\.org: .*SERVFAIL"):
        await resolver.services("example.org")


async def test_no_name_servers_at_all(monkeypatch):
    def none(*args, **kwargs):
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.asyncresolver, "Resolver", none)
    with pytest.raises(ResolverError, match="DNS cannot be asked for MX"):
        await DnsResolver().exchanges("example.org")
