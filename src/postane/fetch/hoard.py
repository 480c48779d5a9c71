"""Messages that were read before anybody asked for them: for protocols that cannot say what they have.

POP2 and POP1 give neither sizes beforehand nor unique-ids, so all is read, and each message is known by a digest of
its octets, as in `keys`.

Must not know: how they were read.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from postane.sinks.base import Content
from postane.sinks.content import SpoolError
from postane.sinks.pile import Pile

from .errors import FetchError, Trouble
from .filters import header_of
from .keys import DigestKeys
from .source import Item

PIECE = 1000

MESSAGES = 1_000_000
"""Messages of one session."""


@dataclass(frozen=True, slots=True)
class Hoarded:
    """One message: see Incoming."""

    number: int
    content: Content
    is_header_only: bool = False
    error: str | None = None

    def take(self) -> None:
        """See Incoming."""

    async def chunks(self) -> AsyncIterator[bytes]:
        """See Incoming."""
        try:
            for chunk in self.content.chunks():
                yield header_of(chunk) if self.is_header_only else chunk
                if self.is_header_only:
                    return
        except SpoolError as error:
            raise FetchError(error.text, Trouble.TEMPORARY) from error


class Hoard:
    """What a session has read. `discard` it at the end."""

    def __init__(self) -> None:
        self._pile = Pile()
        self._contents: dict[int, Content] = {}
        self._keys: dict[int, str] = {}
        self._made = DigestKeys()

    async def add(self, number: int, chunks: AsyncIterator[bytes]) -> None:
        """Read a message to its end. Raises FetchError."""
        if len(self._contents) >= MESSAGES:
            raise FetchError(f"the server gives more than {MESSAGES} messages, and no end", Trouble.PROTOCOL)
        start = self._pile.octets
        try:
            async for chunk in chunks:
                self._pile.write(chunk)
            content = self._pile.content(start)
            self._keys[number] = self._made.whole_key(content.chunks())
        except SpoolError as error:
            raise FetchError(error.text, Trouble.TEMPORARY) from error
        self._contents[number] = content

    @property
    def keys(self) -> Mapping[int, str]:
        """What each message is known by."""
        return self._keys

    async def listing(self) -> AsyncIterator[Sequence[Item]]:
        """See Source."""
        items = [Item(number, each.octets, self._keys[number]) for number, each in sorted(self._contents.items())]
        for start in range(0, len(items), PIECE):
            yield items[start : start + PIECE]

    async def give(self, numbers: Sequence[int], *, is_header_only: bool = False) -> AsyncIterator[Hoarded]:
        """See Source, `retrieve` and `headers`."""
        for number in numbers:
            yield Hoarded(number, self._contents[number], is_header_only)

    def discard(self) -> None:
        """Forget it all. Idempotent."""
        self._pile.discard()
        self._contents.clear()
