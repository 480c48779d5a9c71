"""POP1 as a source (RFC 918): a whole mailbox comes at once, and goes at once or not at all.

What is to be deleted has to be asked for that way (RDEL) before anything is known of it, so it is asked for twice: once
to read, and once more to delete, where all of it may go and all of it is what was read before.

Must not know: how to connect and log in; that is given to it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from postane.client.pop1 import Pop1

from .hoard import Hoard, Hoarded
from .source import Facts, Item
from .troubles import in_words_of_the_run

Enter = Callable[[], Awaitable[Pop1]]
"""Gives a session that is logged in. Raises PopError, NoSecret."""


class Pop1Source:
    """A Source. `host` and `user` are whom to ask, for the header fields that messages get."""

    deletes_at_once = True

    def __init__(self, enter: Enter, host: str, user: str) -> None:
        self._enter = enter
        self._host = host
        self._user = user
        self._pop: Pop1 | None = None
        self._hoard = Hoard()
        self._count = 0

    async def open(self) -> Facts:
        """See Source."""
        with in_words_of_the_run():
            pop = self._pop = await self._enter()
        tls = pop.link.tls.version if pop.link.tls is not None else ""
        return Facts("POP1", self._host, pop.link.peer.address, self._user, tls)

    async def listing(self) -> AsyncIterator[Sequence[Item]]:
        """See Source."""
        self._count = await self._read(self._hoard, deletes=False)
        async for items in self._hoard.listing():
            yield items

    def headers(self, numbers: Sequence[int]) -> AsyncIterator[Hoarded]:
        """See Source."""
        return self._hoard.give(numbers, is_header_only=True)

    def retrieve(self, numbers: Sequence[int]) -> AsyncIterator[Hoarded]:
        """See Source."""
        return self._hoard.give(numbers)

    async def delete(self, numbers: Sequence[int]) -> Mapping[int, str]:
        """See Source. It is done at once, for all that there is."""
        if len(set(numbers)) < self._count:
            return dict.fromkeys(numbers, "POP1 deletes a whole mailbox, and some of it is to stay")
        again = Hoard()
        try:
            count = await self._read(again, deletes=True)
        finally:
            again.discard()
        if count:
            return dict.fromkeys(numbers, "new mail has come meanwhile: the mailbox is left as it is")
        return {}

    async def _read(self, hoard: Hoard, *, deletes: bool) -> int:
        """How many messages there are; with `deletes` how many of them were not deleted."""
        with in_words_of_the_run():
            mailbox = await self._session.mailbox(deletes=deletes)
            number = 0
            async for message in mailbox.messages():
                number += 1
                await hoard.add(number, message.stream())
            if not deletes:
                await mailbox.give_up()
                return number
            if number != self._count or any(hoard.key(each) != self._hoard.key(each) for each in range(1, number + 1)):
                await mailbox.give_up()
                return number or 1
            await mailbox.accept()
            return 0

    async def commit(self) -> None:
        """See Source."""
        with in_words_of_the_run():
            await self._session.quit()
        self._hoard.discard()

    async def leave(self) -> None:
        """See Source."""
        self._hoard.discard()
        if self._pop is not None:
            self._pop.abort()

    @property
    def _session(self) -> Pop1:
        assert self._pop is not None, "the session is open"
        return self._pop
