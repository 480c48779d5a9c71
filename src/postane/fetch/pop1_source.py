"""POP1 as a source (RFC 918): a whole mailbox comes at once, and goes at once or not at all.

What is to be deleted has to be asked for that way (RDEL) before anything is known of it, so it is asked for twice: once
to read, and once more to delete, where all of it may go and all of it is what was read before.

Must not know: how to connect and log in; that is given to it.
"""

from collections.abc import Mapping, Sequence

from postane.client.pop1 import Pop1, Pop1Mailbox

from .hoard import Hoard
from .hoarded_source import HoardedSource
from .troubles import in_words_of_the_run


class Pop1Source(HoardedSource[Pop1]):
    """See HoardedSource."""

    protocol = "POP1"

    async def _fill(self) -> None:
        mailbox = await self._read(self._hoard, deletes=False)
        await mailbox.give_up()

    async def delete(self, numbers: Sequence[int]) -> Mapping[int, str]:
        """See Source. It is done at once, for all that there is."""
        if len(set(numbers)) < len(self._hoard.keys):
            return dict.fromkeys(numbers, "POP1 deletes a whole mailbox, and some of it is to stay")
        again = Hoard()
        try:
            with in_words_of_the_run():
                mailbox = await self._read(again, deletes=True)
                is_the_same = again.keys == self._hoard.keys
                await (mailbox.accept() if is_the_same else mailbox.give_up())
        finally:
            again.discard()
        if not is_the_same:
            return dict.fromkeys(numbers, "new mail has come meanwhile: the mailbox is left as it is")
        return {}

    async def _read(self, hoard: Hoard, *, deletes: bool) -> Pop1Mailbox:
        mailbox = await self._session.mailbox(deletes=deletes)
        number = 0
        async for message in mailbox.messages():
            number += 1
            await hoard.add(number, message.stream())
        return mailbox
