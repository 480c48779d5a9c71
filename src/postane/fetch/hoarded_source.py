"""What a source has of a protocol that cannot say what it has: all is read at once, and given out of what was read.

Must not know: how it is read, how to connect and log in; that is given to it.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from postane.client.lockstep import Dialogue

from .hoard import Hoard, Hoarded
from .source import Facts, Item
from .troubles import in_words_of_the_run

PopT = TypeVar("PopT", bound=Dialogue[Any, Any])


class HoardedSource(ABC, Generic[PopT]):
    """A Source, but for `delete`. `enter` gives a session that is logged in, and raises PopError or NoSecret. `host`
    and `user` are whom to ask, for the header fields that messages get."""

    deletes_at_once = True
    hidden: Collection[str] = ()
    protocol: ClassVar[str]

    def __init__(self, enter: Callable[[], Awaitable[PopT]], host: str, user: str) -> None:
        self._enter = enter
        self._host = host
        self._user = user
        self._pop: PopT | None = None
        self._hoard = Hoard()

    async def open(self) -> Facts:
        """See Source."""
        with in_words_of_the_run():
            pop = self._pop = await self._enter()
        tls = pop.link.tls.version if pop.link.tls is not None else ""
        return Facts(self.protocol, self._host, pop.link.peer.address, self._user, tls)

    async def listing(self) -> AsyncIterator[Sequence[Item]]:
        """See Source."""
        with in_words_of_the_run():
            await self._fill()
        async for items in self._hoard.listing():
            yield items

    @abstractmethod
    async def _fill(self) -> None:
        """Read all into the hoard."""

    def headers(self, numbers: Sequence[int]) -> AsyncIterator[Hoarded]:
        """See Source."""
        return self._hoard.give(numbers, is_header_only=True)

    def retrieve(self, numbers: Sequence[int]) -> AsyncIterator[Hoarded]:
        """See Source."""
        return self._hoard.give(numbers)

    @abstractmethod
    async def delete(self, numbers: Sequence[int]) -> Mapping[int, str]:
        """See Source."""

    async def commit(self) -> None:
        """See Source."""
        with in_words_of_the_run():
            await self._session.quit()
        self._hoard.discard()

    async def leave(self) -> None:
        """See Source."""
        self._hoard.discard()
        if self._pop is not None:
            self._pop.abort()  # RFC 937 s(Client Decision Table): QUIT would delete what was marked

    @property
    def _session(self) -> PopT:
        assert self._pop is not None, "the session is open"
        return self._pop
