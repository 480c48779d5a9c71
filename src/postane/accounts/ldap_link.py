"""One connection to an LDAP directory (RFC 4511), with TLS from the first octet or after StartTLS.

The messages are `sansldap`'s, the octets asyncio's.

Must not know: what is searched for, and why.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, cast
from urllib.parse import unquote, urlsplit

from sansldap import (
    BindResponse,
    ExtendedOperations,
    ExtendedResponse,
    LDAPClient,
    LDAPFilter,
    LDAPMessage,
    LDAPResult,
    LDAPResultCode,
    ProtocolError,
    SearchResultDone,
    SearchResultEntry,
    SearchResultReference,
    SearchScope,
)

from .names import show_name

ANSWER_LIMIT = 1024 * 1024
"""Octets of one answer at most: an entry with few attributes has hundreds."""

PORTS = {"ldap": 389, "ldaps": 636}
"""RFC 4516 s2 and IANA's registry."""


class DirectoryError(Exception):
    """The directory does not do what it is asked."""


@dataclass(frozen=True, slots=True)
class Address:
    """One server: a host and its port, or the path of its socket."""

    scheme: str
    host: str
    port: int
    path: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked; `limit` entries at most."""

    base: str
    filter: LDAPFilter
    attributes: tuple[str, ...]
    scope: SearchScope = SearchScope.SUBTREE
    limit: int = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """One that was found, and the values of its attributes, whose names are in lower case."""

    dn: str
    attributes: dict[str, list[bytes]]


def parse_addresses(url: str) -> list[Address]:
    """The servers of `Directory.url`. Raises ValueError."""
    return [_parse_address(word) for word in url.split() or [url]]


def _parse_address(word: str) -> Address:
    parts = urlsplit(word)
    if parts.scheme == "ldapi" and parts.netloc:
        return Address("ldapi", "", 0, unquote(parts.netloc))
    if parts.scheme in PORTS and parts.hostname and parts.path in ("", "/") and not parts.username:
        return Address(parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme])
    raise ValueError(f"{show_name(word)} is none of ldap://HOST[:PORT], ldaps://HOST[:PORT] and ldapi://%2FPATH")


class Link(asyncio.Protocol):
    """One connection, on which one question is asked at a time."""

    def __init__(self) -> None:
        self._session = LDAPClient()
        self._transport: asyncio.Transport | None = None
        self._arrived: list[LDAPMessage] = []
        self._octets = 0
        self._more = asyncio.Event()
        self._end = ""

    @property
    def is_open(self) -> bool:
        """Whether a question can still be answered."""
        return not self._end

    @classmethod
    async def open(cls, address: Address, tls: ssl.SSLContext, *, start_tls: bool) -> Self:
        """Connect, with TLS. Raises OSError, DirectoryError."""
        loop = asyncio.get_running_loop()
        if address.scheme == "ldapi":
            return (await loop.create_unix_connection(cls, address.path))[1]
        secured = tls if address.scheme == "ldaps" else None
        _, link = await loop.create_connection(cls, address.host, address.port, ssl=secured)
        if secured is None and start_tls:
            try:
                await link._start_tls(tls, address.host)
            except BaseException:
                link.close()
                raise
        return link

    async def bind(self, dn: str, password: str) -> LDAPResult:
        """RFC 4511 s4.2. Never without a password: that is no proof, and yet succeeds (RFC 4513 s5.1.2)."""
        if not dn or not password:
            raise DirectoryError("a bind without a name or a password proves nothing")
        answers = await self._ask(lambda session: session.bind_simple(dn, password))
        return _result(answers, BindResponse)

    async def search(self, search: Search) -> list[Entry]:
        """RFC 4511 s4.5. More than `limit` are cut off, which is no error here; nor is a base that is not there."""
        answers = await self._ask(
            lambda session: session.search_request(
                search.base,
                search.scope,
                size_limit=search.limit,
                filter=search.filter,
                attributes=[*search.attributes],
            )
        )
        check_result("the search", _result(answers, SearchResultDone), LDAPResultCode.SIZE_LIMIT_EXCEEDED)
        return [_entry(answer) for answer in answers if isinstance(answer, SearchResultEntry)]

    def close(self) -> None:
        """Drop the connection."""
        self._end = self._end or "it was closed here"
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: it is connected."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by their class

    def data_received(self, data: bytes) -> None:
        """asyncio: octets have come."""
        self._octets += len(data)
        try:
            if self._octets > ANSWER_LIMIT:
                raise ProtocolError("the answer is too long")
            self._arrived += self._session.receive(data)
        except ProtocolError as error:
            self._end = show_name(str(error))
            self.close()
        self._more.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: it has ended."""
        self._end = self._end or (str(exc) if exc else "the directory has closed the connection")
        self._more.set()

    async def _ask(self, put: Callable[[LDAPClient], int]) -> list[LDAPMessage]:
        """All messages of an answer; the last one has the result."""
        if self._transport is None or not self.is_open:
            raise ConnectionError(self._end)
        self._octets = 0
        put(self._session)
        self._transport.write(self._session.data_to_send())
        while not self._arrived or isinstance(self._arrived[-1], SearchResultEntry | SearchResultReference):
            if not self.is_open:
                raise ConnectionError(self._end)
            self._more.clear()
            await self._more.wait()
        answers, self._arrived = self._arrived, []
        return answers

    async def _start_tls(self, tls: ssl.SSLContext, host: str) -> None:
        """RFC 4511 s4.14. What came in clear text is forgotten: nothing of it counts after the handshake."""
        answers = await self._ask(lambda session: session.extended_request(ExtendedOperations.LDAP_START_TLS.value))
        check_result("StartTLS", _result(answers, ExtendedResponse))
        if len(answers) > 1 or self._transport is None:
            raise DirectoryError("the directory says more than it was asked before TLS has begun")
        self._session = LDAPClient()
        loop = asyncio.get_running_loop()
        self._transport = await loop.start_tls(self._transport, self, tls, server_hostname=host)


def _entry(message: SearchResultEntry) -> Entry:
    return Entry(message.object_name, {each.name.lower(): list(each.values) for each in message.attributes})


def _result(answers: list[LDAPMessage], kind: type[BindResponse | SearchResultDone | ExtendedResponse]) -> LDAPResult:
    last = answers[-1]
    if not isinstance(last, kind):
        raise DirectoryError("the directory answers what it was not asked")
    return last.result


def check_result(what: str, result: LDAPResult, *allowed: LDAPResultCode) -> None:
    if result.result_code not in (LDAPResultCode.SUCCESS, *allowed):
        words = f": {show_name(result.diagnostics_message)}" if result.diagnostics_message else ""
        raise DirectoryError(f"the directory refuses {what}: {result.result_code.name}{words}")
