"""From an account of fetch.toml to the sessions that it is fetched by.

Must not know: what is done with them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from postane.client.entry import Entrance, dial_pop3
from postane.client.errors import LoginRefused, net_error
from postane.client.login import LoginPolicy, Plaintext
from postane.client.pop3 import Pop3
from postane.client.session import Manner
from postane.config.fetching import Account, FetchConfig
from postane.config.text import ConfigError
from postane.credentials.base import Secret, SecretSource
from postane.fetch.pop3_source import Pop3Source
from postane.fetch.source import Source
from postane.net.base import Link, NetError, Target, TlsMode, TlsPolicy
from postane.net.dial import dial

from .secrets import Ask, Owner, UnsaidSecret, open_secret

PORTS = {"pop3s": 995, "pop3": 110, "pop2": 109, "pop1": 1090, "imaps": 993, "imap": 143}
"""Where a server listens if nobody says otherwise; POP1 never had a port of its own."""

if TYPE_CHECKING:
    from postane.client.pop1 import Pop1
    from postane.client.pop2 import Pop2

SessionT = TypeVar("SessionT", "Pop1", "Pop2")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where mail comes from: `make` gives a new session each time."""

    host: str
    make: Callable[[], Source]


def open_origin(config: FetchConfig, table: Account, ask: Ask) -> Origin:
    """The origin of an account; nothing is asked before it is. Raises ConfigError."""
    parts = urlsplit(table.url)
    try:
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    except ValueError as error:
        raise ConfigError(f"account {table.name}: {table.url}: {error}") from error
    user = table.user or unquote(parts.username or "")
    if not host or not user:
        raise ConfigError(f'account {table.name}: write the url as "{parts.scheme}://USER@HOST"')
    owner = Owner(table.name, user, host)
    secret = UnsaidSecret(owner, ask) if table.password is None else open_secret(config, table.password, owner)
    way = Way(table, Target(host, port, _tls(table, parts.scheme), table.proxy, table.timeout), user, secret)
    return Origin(host, lambda: way.source(parts.scheme))


@dataclass(frozen=True, slots=True)
class Way:
    """How to get in."""

    table: Account
    target: Target
    user: str
    secret: SecretSource

    def source(self, scheme: str) -> Source:
        """A session that has not begun."""
        if scheme == "pop2":  # few are fetched by what is imported only here
            from postane.fetch.pop2_source import Pop2Source

            return Pop2Source(self._pop2, self.target.host, self.user)
        if scheme == "pop1":
            from postane.fetch.pop1_source import Pop1Source

            return Pop1Source(self._pop1, self.target.host, self.user)
        if scheme.startswith("imap"):
            from .imap import imap_source

            return imap_source(self)
        return Pop3Source(self._pop3, self.target.host, self.user)

    async def _pop3(self) -> Pop3:
        policy = LoginPolicy(Plaintext(self.table.plaintext), self.table.mechanisms or None)
        manner = Manner(window=self.table.window)
        entrance = Entrance(self.user, await self.secret.get(), policy, manner)
        try:
            return await dial_pop3(dial, self.target, entrance)
        except LoginRefused:
            await self.secret.refuse()
            raise

    async def _pop2(self) -> "Pop2":
        from postane.client.pop2 import Pop2

        pop = Pop2(await self._link())
        return await self._entered(pop, await self.secret.get())

    async def _pop1(self) -> "Pop1":
        from postane.client.pop1 import Pop1

        pop = Pop1(await self._link())
        return await self._entered(pop, await self.secret.get())

    async def _entered(self, pop: SessionT, secret: Secret) -> SessionT:
        try:
            await pop.greet()
            await pop.log_in(self.user, secret.text, LoginPolicy(Plaintext(self.table.plaintext)))
        except BaseException:
            pop.abort()
            raise
        return pop

    async def _link(self) -> Link:
        try:
            return await dial(self.target)
        except NetError as error:
            raise net_error(error) from error


def _tls(table: Account, scheme: str) -> TlsPolicy:
    mode = TlsMode.IMPLICIT if scheme in ("pop3s", "imaps") else TlsMode.OFFERED
    if scheme in ("pop2", "pop1"):
        mode = TlsMode.NONE
    return TlsPolicy(
        mode=TlsMode(table.tls) if table.tls is not None else mode,
        authority=table.tls_ca,
        pin=table.tls_pin,
        minimum=table.tls_minimum,
        certificate=table.client_certificate,
        key=table.client_key,
    )
