"""Domains of the tests: DNS as a dict and as a server on loopback, the web as a dict, mail servers to dial."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from postane.discovery.base import ResolverError, ServiceRecord
from postane.net.base import Certificate, HttpAnswer, Link, LinkLost, Target, TlsMode, Unreachable, Untrusted
from postane.net.stream import Peer, TlsFacts


@dataclass
class FakeResolver:
    """See Resolver: what is not in it is not there."""

    services_of: dict[str, list[ServiceRecord]] = field(default_factory=dict)
    exchanges_of: dict[str, list[str]] = field(default_factory=dict)
    trouble: str = ""
    asked: list[str] = field(default_factory=list)

    async def services(self, name: str) -> Sequence[ServiceRecord]:
        """See Resolver."""
        self.asked.append(name)
        if self.trouble:
            raise ResolverError(self.trouble)
        return self.services_of.get(name, [])

    async def exchanges(self, domain: str) -> Sequence[str]:
        """See Resolver."""
        self.asked.append(domain)
        if self.trouble:
            raise ResolverError(self.trouble)
        return self.exchanges_of.get(domain, [])


@dataclass
class FakeWeb:
    """An Http: pages by URL, of which None is a server that does not answer."""

    pages: dict[str, bytes | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def get(self, url: str) -> HttpAnswer:
        """See Http."""
        self.asked.append(url)
        page = self.pages.get(url, b"")
        if page is None:
            raise Unreachable(f"{url}: no such host")
        return HttpAnswer(200, page) if page else HttpAnswer(404, b"<html>not found</html>")

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """See Http."""
        raise AssertionError("nothing is posted")

    async def close(self) -> None:
        """See Http."""


@dataclass
class FakeServer:
    """What answers at a host and a port: a greeting, and replies by what is asked. `is_trusted`: its certificate is."""

    greeting: bytes = b"+OK POP3 ready\r\n"
    replies: Mapping[bytes, bytes] = field(default_factory=dict)
    is_trusted: bool = True
    is_silent: bool = False


class FakeLink:
    """A Link to one of those."""

    peer = Peer("192.0.2.1", 995)
    certificate: Certificate | None = None
    is_private = False
    is_writable = True

    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self._coming = server.greeting
        self.tls: TlsFacts | None = None
        self.is_open = True

    async def read(self) -> bytes:
        """See Link: a few octets at a time."""
        if self._server.is_silent:
            await asyncio.Event().wait()
        if not self._coming:
            raise LinkLost("it is gone")
        octets, self._coming = self._coming[:7], self._coming[7:]
        return octets

    def read_now(self) -> bytes | None:
        """See Link."""
        return None

    def write(self, octets: bytes) -> None:
        """See Link."""
        self._coming += self._server.replies.get(octets, b"-ERR what?\r\n")

    async def drain(self) -> None:
        """See Link."""

    async def start_tls(self) -> None:
        """See Link."""
        if not self._server.is_trusted:
            raise Untrusted("its certificate is of somebody else")

    async def close(self) -> None:
        """See Link."""
        self.is_open = False

    def abort(self) -> None:
        """See Link."""
        self.is_open = False


@dataclass
class FakeNet:
    """Servers by host and port; `dial` is a Dial."""

    servers: dict[tuple[str, int], FakeServer] = field(default_factory=dict)
    dialled: list[tuple[str, int, TlsMode]] = field(default_factory=list)
    links: list[FakeLink] = field(default_factory=list)

    async def dial(self, target: Target) -> Link:
        """See Dial."""
        self.dialled.append((target.host, target.port, target.tls.mode))
        server = self.servers.get((target.host, target.port))
        if server is None:
            raise Unreachable(f"{target}: connection refused")
        if target.tls.mode is TlsMode.IMPLICIT and not server.is_trusted:
            raise Untrusted("its certificate is of somebody else")
        self.links.append(FakeLink(server))
        return self.links[-1]


class DnsServer(asyncio.DatagramProtocol):
    """A name server on loopback. `zone` has lines such as "a.example. 60 IN MX 10 b.example."; names that have no
    record at all are said not to exist. It can be silent, and it can fail."""

    def __init__(self, zone: str) -> None:
        self._sets = [dns.rrset.from_text(*line.split(None, 4)) for line in zone.strip().splitlines()]
        self.is_silent = False
        self.fails = False
        self.asked: list[str] = []
        self.port = 0

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """See DatagramProtocol."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """See DatagramProtocol."""
        query = dns.message.from_wire(data)
        question = query.question[0]
        self.asked.append(f"{question.name} {dns.rdatatype.to_text(question.rdtype)}")
        if self.is_silent:
            return
        answer = dns.message.make_response(query, recursion_available=True)
        named = [each for each in self._sets if each.name == question.name]
        if self.fails:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif not named:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        for each in named:
            if each.rdtype == question.rdtype:
                answer.find_rrset(answer.answer, each.name, each.rdclass, each.rdtype, create=True).update(each)
        self._transport.sendto(answer.to_wire(), addr)


@contextlib.asynccontextmanager
async def open_dns_server(zone: str) -> AsyncIterator[DnsServer]:
    """A running one, on a free port."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: DnsServer(zone), local_addr=("127.0.0.1", 0))
    server.port = transport.get_extra_info("sockname")[1]
    try:
        yield server
    finally:
        transport.close()
