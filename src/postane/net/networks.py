"""Networks by which connections are told apart: those of trusted proxies, of trusted mail servers.

Must not know: what they are trusted with.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Networks:
    """Any number of networks; without any, nobody is in them."""

    every: tuple[Network, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.every)

    def __contains__(self, host: object) -> bool:
        """Whether an address, as text, is in one of them; a host that is no address is in none."""
        try:
            address = ipaddress.ip_address(str(host))
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.every)


def parse_networks(texts: Iterable[str]) -> Networks:
    """Networks such as 192.0.2.0/24, or single addresses. Raises ValueError."""
    return Networks(tuple(map(ipaddress.ip_network, texts)))
