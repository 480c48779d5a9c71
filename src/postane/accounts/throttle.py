"""How long a reply to a failed login is held back: guessing passwords gets slow, a slip of the finger does not.

By address, since names are what an attacker varies: an IPv4 address, or the /64 network of an IPv6 address, which
one host has all of. Pure values; whoever asks does the waiting.

Must not know: protocols, sleeping.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

STEPS = (1.0, 2.0, 4.0, 7.5)
"""Times the base delay: 2, 4, 8 and 15 seconds by default, as the field's servers do; the last one stays."""

FORGET_AFTER = 600.0
"""Seconds after the last failure."""

TABLE_LIMIT = 100_000
"""Addresses remembered at once; the longest silent ones go first."""

IPV6_NETWORK_BITS = 64


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last: float


class Throttle:
    """Failed logins by address; `base` is the first delay in seconds."""

    def __init__(self, base: float, clock: Callable[[], float], limit: int = TABLE_LIMIT) -> None:
        self._base = base
        self._clock = clock
        self._limit = limit
        self._failures: dict[str, _Failures] = {}  # in the order of the last failure

    def __len__(self) -> int:
        return len(self._failures)

    def delay_after_failure(self, address: str) -> float:
        """Note a failed login; the seconds its reply is to be held back."""
        now = self._clock()
        source = source_of(address)
        before = self._failures.pop(source, None)
        count = 1 if before is None or now - before.last >= FORGET_AFTER else before.count + 1
        self._failures[source] = _Failures(count, now)
        self._sweep(now)
        return self._base * STEPS[min(count, len(STEPS)) - 1]

    def succeeded(self, address: str) -> None:
        """A login was right: its address begins anew."""
        self._failures.pop(source_of(address), None)

    def _sweep(self, now: float) -> None:
        while self._failures:
            oldest = next(iter(self._failures))
            if now - self._failures[oldest].last < FORGET_AFTER and len(self._failures) <= self._limit:
                return
            del self._failures[oldest]


def source_of(address: str) -> str:
    """What one attacker has: an IPv4 address, an IPv6 /64, or the text itself where it is no address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, IPV6_NETWORK_BITS), strict=False))
