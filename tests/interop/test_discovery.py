"""The server of an address, found by real questions to a name server and tried by real connections to our own."""

import asyncio
import random
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from postane.discovery.find import Discovery, Means, Wishes, discover
from postane.discovery.guesses import Guesser
from postane.discovery.resolver import DnsResolver
from postane.net.base import Dial, Link, Target, TlsMode, Unreachable
from postane.net.dial import adopt
from support.certificates import Authority, Wish
from support.domains import FakeWeb, open_dns_server
from support.postoffice import PostOffice

pytestmark = pytest.mark.interop

HOSTS = ["pop.example.org", "mail.example.org"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def office(authority: Authority) -> Iterator[PostOffice]:
    own = authority.issue("server", Wish(dns=["pop.example.org"], addresses=["127.0.0.1"]))
    tls = {"certificate": str(own.chain), "key": str(own.key)}
    with PostOffice({"tls": tls, "pop3s": {"listen": ["127.0.0.1:0"]}}) as office:
        yield office


def near(authority: Path | None, ports: dict[tuple[str, int], int]) -> Dial:
    """Connections that go to this machine, where a name and a port have one of ours; names are checked as they are."""

    async def dial_near(target: Target) -> Link:
        port = ports.get((target.host, target.port))
        if port is None:
            raise Unreachable(f"{target}: nobody is there")
        connected = socket.socket()
        connected.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connected, ("127.0.0.1", port))
        return await adopt(connected, replace(target, tls=replace(target.tls, authority=authority)))

    return dial_near


async def found(zone: str, reach: Dial, **wishes: bool) -> Discovery:
    async with open_dns_server(zone) as names:
        means = Means(DnsResolver(["127.0.0.1"], names.port), FakeWeb(), Guesser(reach), chance=random.Random(1))
        return await discover("mrose@example.org", means, Wishes(**wishes))


def told(discovery: Discovery) -> list[tuple[str, int, TlsMode]]:
    return [(each.host, each.port, each.tls) for each in discovery.candidates]


async def test_records(authority: Authority) -> None:
    zone = "_pop3s._tcp.example.org. 60 IN SRV 0 1 995 pop.example.org."
    assert told(await found(zone, near(authority.path, {}))) == [("pop.example.org", 995, TlsMode.IMPLICIT)]


async def test_guesses_that_a_certificate_proves(office: PostOffice, authority: Authority) -> None:
    ports = {(host, 995): office.address("pop3s")[1] for host in HOSTS}
    ports |= {(host, 110): office.address("pop3")[1] for host in HOSTS}
    discovery = await found("example.org. 60 IN MX 10 mx.example.org.", near(authority.path, ports))
    assert told(discovery) == [
        ("pop.example.org", 995, TlsMode.IMPLICIT),
        ("pop.example.org", 110, TlsMode.REQUIRED),
    ], "mail.example.org answers too, with a certificate that is not its own"


async def test_guesses_that_nobody_believes(office: PostOffice) -> None:
    ports = {("pop.example.org", 995): office.address("pop3s")[1], ("pop.example.org", 110): office.address("pop3")[1]}
    assert told(await found("a. 60 IN MX 10 b.", near(None, ports), allows_plaintext=True)) == []
