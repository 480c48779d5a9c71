"""POP2 as a source (RFC 937): all is read at once, and known by a digest; what goes is read again before it is deleted.

RFC 937 has no unique-ids, and ACKD deletes only what was just read. The second reading is compared with the first, so
that nothing else is deleted than what was delivered.

Must not know: how to connect and log in; that is given to it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from postane.client.pop2 import Pop2, Pop2Message

from .hoard import Hoard, Hoarded
from .source import Facts, Item
from .troubles import in_words_of_the_run

Enter = Callable[[], Awaitable[Pop2]]
"""Gives a session that is logged in. Raises PopError, NoSecret."""


class Pop2Source:
    """A Source. `host` and `user` are whom to ask, for the header fields that messages get."""

    deletes_at_once = True

    def __init__(self, enter: Enter, host: str, user: str) -> None:
        self._enter = enter
        self._host = host
        self._user = user
        self._pop: Pop2 | None = None
        self._hoard = Hoard()

    async def open(self) -> Facts:
        """See Source."""
        with in_words_of_the_run():
            pop = self._pop = await self._enter()
        tls = pop.link.tls.version if pop.link.tls is not None else ""
        return Facts("POP2", self._host, pop.link.peer.address, self._user, tls)

    async def listing(self) -> AsyncIterator[Sequence[Item]]:
        """See Source."""
        with in_words_of_the_run():
            async for message in self._session.messages():
                await self._hoard.add(message.number, message.stream())
        async for items in self._hoard.listing():
            yield items

    def headers(self, numbers: Sequence[int]) -> AsyncIterator[Hoarded]:
        """See Source."""
        return self._hoard.give(numbers, is_header_only=True)

    def retrieve(self, numbers: Sequence[int]) -> AsyncIterator[Hoarded]:
        """See Source."""
        return self._hoard.give(numbers)

    async def delete(self, numbers: Sequence[int]) -> Mapping[int, str]:
        """See Source."""
        wanted, refused = set(numbers), dict.fromkeys(numbers, "it is not there any more")
        again = Hoard()
        try:
            with in_words_of_the_run():
                async for message in self._session.messages():
                    await again.add(message.number, message.stream())
                    if message.number in wanted:
                        refused.pop(message.number)
                        if reason := await self._delete(message, again):
                            refused[message.number] = reason
        finally:
            again.discard()
        return refused

    async def _delete(self, message: Pop2Message, again: Hoard) -> str | None:
        if again.key(message.number) != self._hoard.key(message.number):
            return "it is another message now"
        await message.delete()
        return None

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
    def _session(self) -> Pop2:
        assert self._pop is not None, "the session is open"
        return self._pop
