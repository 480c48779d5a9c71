"""Servers by names that are usual, each of them tried: a name counts where a server answers in its protocol, over TLS
that stands, or after STLS or STARTTLS.

Must not know: how a connection is made.
"""

import asyncio
from collections.abc import Collection, Sequence

from postane.net.base import Dial, Link, NetError, Target, TlsMode, TlsPolicy

from .base import Address, Candidate, Service, Way
from .services import Kind

TIMEOUT = 8.0
"""Seconds for each, from the first packet to the last word."""

LINE_LIMIT = 4096
"""Octets of a greeting or a reply that are read."""

HOSTS = {
    Service.POP3: ("pop.{}", "pop3.{}", "mail.{}", "{}"),
    Service.IMAP: ("imap.{}", "mail.{}", "{}"),
}
PORTS = {
    Service.POP3: ((995, TlsMode.IMPLICIT), (110, TlsMode.REQUIRED)),
    Service.IMAP: ((993, TlsMode.IMPLICIT), (143, TlsMode.REQUIRED)),
}
_SPEECH = {
    Service.POP3: (b"+OK", b"STLS\r\n", b"+OK"),
    Service.IMAP: (b"* ", b"a STARTTLS\r\n", b"a OK"),
}
"""How a greeting begins, what asks for TLS, and how its yes begins."""


class Guesser:
    """Tries names by connections that `dial` makes, each within `timeout` seconds."""

    def __init__(self, dial: Dial, timeout: float = TIMEOUT) -> None:
        self._dial = dial
        self._timeout = timeout

    async def guess(
        self, address: Address, services: Sequence[Service], denied: Collection[Kind] = ()
    ) -> list[Candidate]:
        """Those that answer; all are tried at once, but for the kinds that are said not to be there. Where TLS is
        refused and a server answers in clear, it is among them with TlsMode.NONE. Raises nothing."""
        tries = [
            (service, host.format(address.domain), port, tls)
            for service in services
            for port, tls in PORTS[service]
            if (service, tls) not in denied
            for host in HOSTS[service]
        ]
        modes = await asyncio.gather(*(self._try(*each) for each in tries))
        return [
            Candidate(service, host, port, mode, address.logins, (), Way.GUESS, f"{host}:{port}")
            for (service, host, port, _), mode in zip(tries, modes, strict=True)
            if mode is not None
        ]

    async def _try(self, service: Service, host: str, port: int, tls: TlsMode) -> TlsMode | None:
        """How TLS begins at a server that answers; None where none does."""
        try:
            async with asyncio.timeout(self._timeout):
                link = await self._dial(Target(host, port, TlsPolicy(tls), timeout=self._timeout))
                try:
                    return await _converse(link, service, tls)
                finally:
                    link.abort()
        except (NetError, TimeoutError):
            return None


async def _converse(link: Link, service: Service, tls: TlsMode) -> TlsMode | None:
    greeting, question, yes = _SPEECH[service]
    lines = _Lines(link)
    if not (await lines.next_line()).startswith(greeting):
        return None
    if tls is TlsMode.IMPLICIT:
        return tls
    link.write(question)
    await link.drain()
    line = await lines.next_line()
    while line.startswith(b"* "):  # IMAP may say other things before
        line = await lines.next_line()
    if not line.startswith(yes):
        return TlsMode.NONE
    await link.start_tls()
    return tls


class _Lines:
    """What a server says, line by line; the last one may have no end."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._rest = b""

    async def next_line(self) -> bytes:
        while b"\n" not in self._rest and len(self._rest) < LINE_LIMIT:
            octets = await self._link.read()
            if not octets:
                break
            self._rest += octets
        line, end, self._rest = self._rest.partition(b"\n")
        return line + end
