"""POP2 as a source (RFC 937): all is read at once, and known by a digest; what goes is read again before it is deleted.

RFC 937 has no unique-ids, and ACKD deletes only what was just read. The second reading is compared with the first, so
that nothing else is deleted than what was delivered.

Must not know: how to connect and log in; that is given to it.
"""

from collections.abc import Mapping, Sequence

from postane.client.pop2 import Pop2

from .hoard import Hoard
from .hoarded_source import HoardedSource
from .troubles import in_words_of_the_run


class Pop2Source(HoardedSource[Pop2]):
    """See HoardedSource."""

    protocol = "POP2"

    async def _fill(self) -> None:
        async for message in self._session.messages():
            await self._hoard.add(message.number, message.stream())

    async def delete(self, numbers: Sequence[int]) -> Mapping[int, str]:
        """See Source."""
        wanted, refused = set(numbers), dict.fromkeys(numbers, "it is not there any more")
        again = Hoard()
        try:
            with in_words_of_the_run():
                async for message in self._session.messages():
                    number = message.number
                    await again.add(number, message.stream())
                    if number in wanted and again.keys[number] == self._hoard.keys[number]:
                        await message.delete()
                        del refused[number]
                    elif number in wanted:
                        refused[number] = "it is another message now"
        finally:
            again.discard()
        return refused
