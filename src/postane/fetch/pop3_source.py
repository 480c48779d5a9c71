"""POP3 as a source: what the library's session is to a run.

Must not know: how to connect and log in; that is given to it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence

from postane.client.errors import NotOffered, PopError
from postane.client.pipeline import Incoming
from postane.client.pop3 import Pop3
from postane.mail.header_part import HeaderPart

from .source import Facts, Item
from .troubles import in_words_of_the_run, told

HEADER_LIMIT = 1024 * 1024
"""Octets of a header part that are looked at."""

Enter = Callable[[], Awaitable[Pop3]]
"""Gives a session that is logged in. Raises PopError, NoSecret."""


class Pop3Source:
    """A Source. `host` and `user` are whom to ask, for the header fields that messages get."""

    deletes_at_once = False
    hidden: Collection[str] = ()

    def __init__(self, enter: Enter, host: str, user: str) -> None:
        self._enter = enter
        self._host = host
        self._user = user
        self._pop: Pop3 | None = None

    async def open(self) -> Facts:
        """See Source."""
        with in_words_of_the_run():
            pop = self._pop = await self._enter()
            capabilities = await pop.capabilities()
        delay = capabilities.login_delay if capabilities is not None else None
        link = pop.link
        return Facts(
            with_word="POP3",
            host=self._host,
            address=link.peer.address,
            user=self._user,
            tls=link.tls.version if link.tls is not None else "",
            login_delay=None if delay is None or delay.value is None else float(delay.value),
        )

    async def listing(self) -> AsyncIterator[Sequence[Item]]:
        """See Source."""
        with in_words_of_the_run():
            async for items in self._session.listing():
                yield [Item(item.number, item.octets, item.uidl) for item in items]

    async def headers(self, numbers: Sequence[int]) -> AsyncIterator["Given"]:
        """See Source."""
        pop = self._session
        without_top: list[int] = list(numbers) if pop.has_top is False else []
        with in_words_of_the_run():
            if not without_top:
                async for incoming in pop.tops(numbers):
                    if isinstance(incoming.error, NotOffered):
                        without_top.append(incoming.number)
                    else:
                        yield Given(incoming, is_header_only=True)  # there are servers that give all of it
            if without_top:
                async for incoming in pop.retrieve(without_top):
                    yield Given(incoming, is_header_only=True)

    async def retrieve(self, numbers: Sequence[int]) -> AsyncIterator["Given"]:
        """See Source."""
        with in_words_of_the_run():
            async for incoming in self._session.retrieve(numbers):
                yield Given(incoming)

    async def delete(self, numbers: Sequence[int]) -> Mapping[int, str]:
        """See Source."""
        with in_words_of_the_run():
            outcomes = await self._session.delete(numbers)
        return {each.number: each.error.text for each in outcomes if each.error is not None}

    async def commit(self) -> None:
        """See Source."""
        with in_words_of_the_run():
            await self._session.quit()

    async def leave(self) -> None:
        """See Source."""
        if self._pop is None or not self._pop.is_usable:
            return
        try:
            if self._pop.is_idle:
                await self._pop.rset()
                await self._pop.quit()
        except PopError:
            pass  # nothing is deleted without a QUIT
        finally:
            self._pop.abort()

    @property
    def _session(self) -> Pop3:
        assert self._pop is not None, "the session is open"
        return self._pop


class Given:
    """An Incoming of a run."""

    __slots__ = ("_incoming", "_is_header_only", "error", "number")

    def __init__(self, incoming: Incoming, *, is_header_only: bool = False) -> None:
        self._incoming = incoming
        self._is_header_only = is_header_only
        self.number = incoming.number
        self.error = incoming.error.text if incoming.error is not None else None

    def take(self) -> bytes | None:
        """See Incoming. A message that is `error` was not given, and is not asked for this."""
        return None if self._is_header_only else self._incoming.take()

    async def chunks(self) -> AsyncIterator[bytes]:
        """See Incoming. A header part is given whole: what a message is known by must not depend on how it comes."""
        try:
            if self._is_header_only:
                yield await self._header()
                return
            async for chunk in self._incoming.chunks():
                yield chunk
        except PopError as error:
            raise told(error) from error

    async def _header(self) -> bytes:
        header = HeaderPart(HEADER_LIMIT)
        async for chunk in self._incoming.chunks():
            header.feed(chunk)
            if header.is_over:
                break
        return bytes(header.kept)
