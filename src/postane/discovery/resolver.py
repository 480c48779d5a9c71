"""DNS by dnspython, with the name servers of this machine or with given ones.

Must not know: what the answers are for.
"""

from collections.abc import Sequence
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.resolver

from .base import ResolverError, ServiceRecord, to_dns

TIMEOUT = 5.0
"""Seconds for one question, all its repetitions included."""


class DnsResolver:
    """See Resolver. `servers` are addresses; without them the system's own are asked."""

    def __init__(self, servers: Sequence[str] = (), port: int = 53, timeout: float = TIMEOUT) -> None:
        self._servers = servers
        self._port = port
        self._timeout = timeout
        self._opened: dns.asyncresolver.Resolver | None = None

    async def services(self, name: str) -> Sequence[ServiceRecord]:
        """See Resolver."""
        found = []
        for each in await self._ask(name, "SRV"):
            target = each.target.to_text()
            host = "" if target == "." else to_dns(target)
            if host is not None and (host == "" or each.port):
                found.append(ServiceRecord(each.priority, each.weight, each.port, host))
        return found

    async def exchanges(self, domain: str) -> Sequence[str]:
        """See Resolver."""
        answers = sorted(await self._ask(domain, "MX"), key=lambda each: each.preference)
        hosts = [to_dns(each.exchange.to_text()) for each in answers]
        return [host for host in hosts if host]

    async def _ask(self, name: str, kind: str) -> list[Any]:
        try:
            answer = await self._resolver().resolve(f"{name}.", kind, search=False)
            return list(answer)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.Timeout:
            raise ResolverError(f"DNS has not told {kind} of {name} in {self._timeout:g} s") from None
        except (dns.exception.DNSException, OSError) as error:
            raise ResolverError(f"DNS cannot be asked for {kind} of {name}: {error}") from None

    def _resolver(self) -> dns.asyncresolver.Resolver:
        if self._opened is None:
            self._opened = dns.asyncresolver.Resolver(configure=not self._servers)
            if self._servers:
                self._opened.nameservers = list(self._servers)
                self._opened.port = self._port
            self._opened.lifetime = self._timeout
        return self._opened
