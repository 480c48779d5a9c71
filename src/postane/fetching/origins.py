"""From an account of fetch.toml to the sessions that it is fetched by.

Must not know: what is done with them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from postane.client.entry import Entrance, dial_pop3
from postane.client.errors import LoginRefused, net_error
from postane.client.login import LoginPolicy, Plaintext
from postane.client.pop3 import Pop3
from postane.client.session import Manner
from postane.config.fetching import Account, FetchConfig
from postane.config.problems import ConfigError
from postane.credentials.base import Secret, SecretKind, SecretSource
from postane.credentials.sources import LiteralSecret
from postane.fetch.pop3_source import Pop3Source
from postane.fetch.source import Source
from postane.net.base import Link, NetError, Target, TlsMode, TlsPolicy
from postane.net.dial import dial

from .places import Place, parse_place
from .secrets import Ask, Owner, UnsaidSecret, open_secret

if TYPE_CHECKING:
    from postane.client.pop1 import Pop1
    from postane.client.pop2 import Pop2

SessionT = TypeVar("SessionT", "Pop1", "Pop2")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where mail comes from: `make` gives a new session each time. `mailbox` is one mailbox's alone."""

    host: str
    mailbox: str
    make: Callable[[], Source]


def open_origin(config: FetchConfig, table: Account, ask: Ask) -> Origin:
    """The origin of an account; nothing is asked before it is. Raises ConfigError."""
    way = open_way(config, table, ask)
    place = way.place
    return Origin(place.host, f"{place.protocol} {way.user}@{place.host}:{place.port} {place.folder}", way.source)


def owner_of(table: Account) -> Owner:
    """Whose mail it is. Raises ConfigError."""
    place = _place(table)
    return Owner(table.name, table.user or place.user or "", place.host)


def _place(table: Account) -> Place:
    try:
        return parse_place(table.url)
    except ValueError as error:
        raise ConfigError(f"account {table.name}: {error}") from error


def open_way(config: FetchConfig, table: Account, ask: Ask) -> "Way":
    """How an account is entered. Raises ConfigError."""
    place = _place(table)
    user = table.user or place.user
    if not user:
        raise ConfigError(f'account {table.name}: whose mail is it? write user = "...", or USER@ before the host')
    owner = Owner(table.name, user, place.host)
    secret: SecretSource
    if table.password is not None:
        secret = open_secret(config, table.password, owner)
    elif place.password is not None:
        secret = LiteralSecret(place.password)
    else:
        secret = UnsaidSecret(owner, ask)
    target = Target(place.host, place.port, _tls(table, place), table.proxy, table.timeout)
    return Way(table, place, target, user, secret)


@dataclass(frozen=True, slots=True)
class Way:
    """How to get in."""

    table: Account
    place: Place
    target: Target
    user: str
    secret: SecretSource

    def source(self) -> Source:
        """A session that has not begun."""
        if self.place.protocol == "pop2":  # few are fetched by what is imported only here
            from postane.fetch.pop2_source import Pop2Source

            return Pop2Source(self._pop2, self.target.host, self.user)
        if self.place.protocol == "pop1":
            from postane.fetch.pop1_source import Pop1Source

            return Pop1Source(self._pop1, self.target.host, self.user)
        if self.place.protocol == "imap":
            from .imap import imap_source

            return imap_source(self.place, self.target, self.user, self.policy.plaintext, self.secret)
        return Pop3Source(self.pop3, self.target.host, self.user)

    @property
    def policy(self) -> LoginPolicy:
        """How a login may be done."""
        named = self.table.mechanisms or ((self.place.mechanism,) if self.place.mechanism else None)
        return LoginPolicy(Plaintext(self.table.plaintext), named)

    async def pop3(self) -> Pop3:
        """A session of POP3. Raises PopError, NoSecret, FetchError."""
        await self._check_files()
        try:
            return await self._enter_pop3()
        except LoginRefused:
            secret = await self.secret.get()
            await self.secret.refuse()
            if secret.kind is not SecretKind.TOKEN:
                raise
            return await self._enter_pop3()  # it may have been revoked; the next one is new

    async def _enter_pop3(self) -> Pop3:
        manner = Manner(window=self.table.window)
        # Without UTF8 a server may send a rewritten message in the place of one with such a header (RFC 6856 s4).
        entrance = Entrance(self.user, await self.secret.get(), self.policy, manner, is_international=True)
        return await dial_pop3(dial, self.target, entrance)

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
            await pop.log_in(self.user, secret.text, self.policy)
        except BaseException as error:
            pop.abort()
            if isinstance(error, LoginRefused):
                await self.secret.refuse()
            raise
        return pop

    async def _check_files(self) -> None:
        tls = self.target.tls
        if tls.authority is not None or tls.certificate is not None:
            from .pem_files import check_files

            await check_files(tls)

    async def _link(self) -> Link:
        await self._check_files()
        try:
            return await dial(self.target)
        except NetError as error:
            raise net_error(error) from error


def _tls(table: Account, place: Place) -> TlsPolicy:
    if table.tls is not None:
        mode = TlsMode(table.tls)
    elif place.is_tls:
        mode = TlsMode.IMPLICIT
    else:
        mode = TlsMode.NONE if place.protocol in ("pop2", "pop1") else TlsMode.OFFERED
    return TlsPolicy(
        mode=mode,
        authority=table.tls_ca,
        pin=table.tls_pin,
        minimum=table.tls_minimum,
        certificate=table.client_certificate,
        key=table.client_key,
    )
