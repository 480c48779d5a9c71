"""Questions to an LDAP directory, on a few connections that are opened when they are first needed.

Connections that search and those that people bind on are kept apart: the one stays bound as who may search, the other
as whoever proved a password last, and asks nothing.

Must not know: what is searched for.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sansldap import LDAPResultCode

from .base import AccountsUnavailable
from .files import read_secret
from .ldap_link import DirectoryError, Entry, Link, Search, check_result, parse_addresses
from .schema import UNAVAILABLE

CONNECTIONS = 8
"""Of each kind, from each worker at most; one question at a time on each."""

REFUSALS = frozenset(
    {
        LDAPResultCode.INVALID_CREDENTIALS,
        LDAPResultCode.INAPPROPRIATE_AUTHENTICATION,  # there is no password to compare with
        LDAPResultCode.NO_SUCH_OBJECT,
        LDAPResultCode.INSUFFICIENT_ACCESS_RIGHTS,
        LDAPResultCode.UNWILLING_TO_PERFORM,  # an account that is locked, in several servers
        LDAPResultCode.CONSTRAINT_VIOLATION,  # the same in others
    }
)
"""Results of a bind that mean no (RFC 4511 s4.2); all others that are no success mean that it cannot be asked."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Directory:
    """Where it is, and who searches there. Several URLs, with spaces between, are tried in their order.

    `bind_dn` None searches as nobody. `ca` signs the server's certificate (None: whom the system trusts). With
    `start_tls` no password crosses a connection to `ldap://` before TLS. `timeout` bounds a question, in seconds.
    """

    url: str
    bind_dn: str | None = None
    password_file: Path | None = None
    ca: Path | None = None
    start_tls: bool = True
    timeout: float = 5.0


class Links:
    """A directory that can be asked. Of one event loop, and of no fork."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._addresses = parse_addresses(directory.url)
        self._searching = _Pool(self._open_to_search)
        self._proving = _Pool(self._open)
        self._tls: ssl.SSLContext | None = None

    async def search(self, search: Search) -> list[Entry]:
        """The entries. Raises AccountsUnavailable."""
        return await self._use(self._searching, lambda link: link.search(search))

    async def proves(self, dn: str, password: str) -> bool:
        """Whether the password is that of the entry. Raises AccountsUnavailable."""
        result = await self._use(self._proving, lambda link: link.bind(dn, password))
        if result.result_code in REFUSALS:
            return False
        try:
            check_result("the bind", result)
        except DirectoryError as error:
            raise AccountsUnavailable(UNAVAILABLE, str(error)) from error
        return True

    def close(self) -> None:
        """Drop the connections."""
        self._searching.close()
        self._proving.close()

    async def _use(self, pool: "_Pool", action: Callable[[Link], Awaitable[Answer]]) -> Answer:
        try:
            async with asyncio.timeout(self._directory.timeout):
                return await pool.use(action)
        except TimeoutError:
            words = f"the directory has not answered in {self._directory.timeout:g} s"
        except OSError as error:
            words = f"the directory cannot be reached: {error}"
        except (DirectoryError, ValueError) as error:  # ValueError: of the file with the password
            words = str(error)
        raise AccountsUnavailable(UNAVAILABLE, words)

    async def _open(self) -> Link:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self._directory.ca)
        for address in self._addresses[:-1]:
            try:
                return await Link.open(address, self._tls, start_tls=self._directory.start_tls)
            except OSError:
                continue  # the next one is asked
        return await Link.open(self._addresses[-1], self._tls, start_tls=self._directory.start_tls)

    async def _open_to_search(self) -> Link:
        link = await self._open()
        if self._directory.bind_dn is not None:
            try:
                await self._introduce(link, self._directory.bind_dn)
            except BaseException:
                link.close()
                raise
        return link

    async def _introduce(self, link: Link, bind_dn: str) -> None:
        if self._directory.password_file is None:
            raise DirectoryError("bind_dn needs password_file")
        check_result(f"the bind as {bind_dn}", await link.bind(bind_dn, read_secret(self._directory.password_file)))


class _Pool:
    """Connections that wait for a question."""

    def __init__(self, make: Callable[[], Awaitable[Link]]) -> None:
        self._make = make
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[Link] = []

    async def use(self, action: Callable[[Link], Awaitable[Answer]]) -> Answer:
        """What comes of an action on one of them; one that died while it was idle is replaced."""
        async with self._places:
            for link in self._waiting():
                try:
                    return await self._run(link, action)
                except ConnectionError:
                    continue
            return await self._run(await self._make(), action)

    def close(self) -> None:
        """Drop them."""
        for link in self._waiting():
            link.close()

    def _waiting(self) -> Iterator[Link]:
        while self._idle:
            link = self._idle.pop()
            if link.is_open:
                yield link

    async def _run(self, link: Link, action: Callable[[Link], Awaitable[Answer]]) -> Answer:
        is_sound = False
        try:
            answer = await action(link)
            is_sound = True
            return answer
        finally:
            if is_sound:
                self._idle.append(link)
            else:
                link.close()
