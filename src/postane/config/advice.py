"""What a configuration allows and its writer may not have meant: said at the start, never refused.

Must not know: anything but the configuration and who runs the program.
"""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from .backends import ANY_AUDIENCE
from .model import IDLE_MINIMUM, Config, listeners

NOT_YET = ("web", "metrics")
"""Sections that are read, so that a file for a later version serves this one, and that nothing listens for yet."""

_LOOPBACK = ("127.0.0.1", "::1")


def advice(config: Config, *, is_root: bool) -> Iterator[str]:
    """One sentence for each thing worth a look."""
    if not listeners(config):
        yield "every listener is turned off: nobody can reach this server"
    for name in NOT_YET:
        if getattr(config, name).listen:
            yield f"[{name}] is not in this version: nothing listens there"
    if config.limits.idle < IDLE_MINIMUM:
        yield "limits.idle is below 10m, the least that RFC 1939 s3 allows: clients will lose their sessions"
    if is_root and config.server.user is None:
        yield "workers run as root: name a user of their own with server.user"
    yield from _about_trust(config)
    yield from _about_accounts(config)


def _about_trust(config: Config) -> Iterator[str]:
    for key, networks in (("proxy.trusted", config.proxy.trusted), ("smtp.xclient", config.smtp.xclient)):
        for network in networks:
            if network.endswith("/0"):
                yield f"{key}: {network} is everybody; whoever connects may say that they are anybody"
    trusted = [ip_network(network) for network in config.proxy.trusted]
    if any(ip_address(host) in network for network in trusted for host in _LOOPBACK):
        for endpoint in listeners(config).get("lmtp", ()):
            if endpoint.is_loopback and not endpoint.is_unix:
                yield (
                    f"proxy.trusted holds this machine: who delivers to {endpoint} must send a PROXY header too; "
                    "let mail servers on it use a unix socket"
                )


def _about_accounts(config: Config) -> Iterator[str]:
    kinds = {backend.kind for backend in config.accounts}
    if not kinds - {"oauth"}:
        yield 'no [[accounts]] table holds accounts: nobody has a maildrop here; one with kind = "local" does'
    for backend in config.accounts:
        if backend.kind == "oauth" and backend.audience == ANY_AUDIENCE:
            yield '[[accounts]]: with audience = "*", a token for any client of that server opens a maildrop'
        if backend.kind == "ldap" and not backend.start_tls and backend.url.startswith("ldap:"):
            yield f"[[accounts]]: with start_tls = false, passwords cross to {backend.url} in clear text"
