"""Names that are usual, tried."""

import pytest

from postane.discovery.base import Service, Way, parse_address
from postane.discovery.guesses import HOSTS, PORTS, Guesser
from postane.net.base import TlsMode
from support.domains import FakeNet, FakeServer

ADDRESS = parse_address("mrose@example.org")
STLS = {b"STLS\r\n": b"+OK begin\r\n"}
IMAP = b"* OK IMAP4rev1 ready\r\n"
STARTTLS = {b"a STARTTLS\r\n": b"* OK still here\r\na OK begin\r\n"}


async def guessed(net, services=(Service.POP3, Service.IMAP), denied=(), seconds=5.0):
    found = await Guesser(net.dial, seconds).guess(ADDRESS, services, denied)
    assert not any(link.is_open for link in net.links), "nothing stays open"
    return [(each.host, each.port, each.tls) for each in found]


async def test_all_names_are_tried():
    net = FakeNet()
    assert await guessed(net) == []
    assert set(net.dialled) == {
        (host.format("example.org"), port, tls)
        for service in Service
        for host in HOSTS[service]
        for port, tls in PORTS[service]
    }


async def test_a_server_that_answers():
    net = FakeNet({("mail.example.org", 995): FakeServer()})
    (found,) = await Guesser(net.dial).guess(ADDRESS, [Service.POP3])
    assert (found.service, found.host, found.port, found.tls) == (
        Service.POP3,
        "mail.example.org",
        995,
        TlsMode.IMPLICIT,
    )
    assert (found.way, found.place, found.logins) == (Way.GUESS, "mail.example.org:995", ("mrose@example.org", "mrose"))
    assert not found.needs_confirmation


@pytest.mark.parametrize(
    ("port", "server", "tls"),
    [
        (110, FakeServer(replies=STLS), TlsMode.REQUIRED),
        (110, FakeServer(), TlsMode.NONE),
        (110, FakeServer(replies=STLS, is_trusted=False), None),
        (995, FakeServer(is_trusted=False), None),
        (995, FakeServer(greeting=b"SSH-2.0-x\r\n"), None),
        (995, FakeServer(greeting=b"-ERR go away\r\n"), None),
        (995, FakeServer(greeting=b""), None),
        (995, FakeServer(greeting=b"+OK " + b"x" * 100_000), TlsMode.IMPLICIT),
    ],
)
async def test_what_an_answer_means(port, server, tls):
    found = await guessed(FakeNet({("pop.example.org", port): server}), [Service.POP3])
    assert found == ([] if tls is None else [("pop.example.org", port, tls)])


@pytest.mark.parametrize(
    ("port", "server", "tls"),
    [
        (993, FakeServer(IMAP), TlsMode.IMPLICIT),
        (143, FakeServer(IMAP, STARTTLS), TlsMode.REQUIRED),
        (143, FakeServer(IMAP, {b"a STARTTLS\r\n": b"a NO\r\n"}), TlsMode.NONE),
        (993, FakeServer(), None),
    ],
)
async def test_imap(port, server, tls):
    found = await guessed(FakeNet({("imap.example.org", port): server}))
    assert found == ([] if tls is None else [("imap.example.org", port, tls)])


async def test_a_server_that_says_nothing_is_left():
    servers = {("pop.example.org", 995): FakeServer(is_silent=True), ("example.org", 995): FakeServer()}
    assert await guessed(FakeNet(servers), seconds=0.2) == [("example.org", 995, TlsMode.IMPLICIT)]


async def test_what_is_said_not_to_be_there_is_not_tried():
    net = FakeNet({("pop.example.org", 995): FakeServer(), ("pop.example.org", 110): FakeServer(replies=STLS)})
    denied = {(Service.POP3, TlsMode.IMPLICIT)}
    assert await guessed(net, [Service.POP3], denied) == [("pop.example.org", 110, TlsMode.REQUIRED)]
    assert {port for _, port, _ in net.dialled} == {110}
