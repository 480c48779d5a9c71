"""A message with UTF-8 in its header part, opened for a client that knows nothing of it.

RFC 6856 s2.1 and s4: nothing but ASCII goes into the header part; RFC 6858 says how. The body is untouched.

Must not know: commands, replies.
"""

from postane.mail.downgrade import Downgrader, downgrade_header
from postane.mail.measure import Facts
from postane.maildrop.base import BlobReader, OpenMessage


def surrogate(message: OpenMessage) -> tuple[OpenMessage, Facts]:
    """The message in the place of which the client gets it, and its facts; the digest stays that of the original."""
    facts, excess = message.facts, message.facts.excess or 0
    shown = facts._replace(octets=facts.octets + excess, header_octets=facts.header_octets + excess)
    if message.rest is None:
        return OpenMessage(shown, Downgrader(facts.header_octets).feed(message.head)), shown
    rest = SurrogateReader(message.rest, Downgrader(facts.header_octets - len(message.head)))
    return OpenMessage(shown, downgrade_header(message.head), rest), shown


class SurrogateReader:
    """Reads a large body that begins with most of a header part."""

    __slots__ = ("_body", "_downgrader")

    def __init__(self, body: BlobReader, downgrader: Downgrader) -> None:
        self._body = body
        self._downgrader = downgrader

    async def read(self, limit: int) -> bytes:
        """The next octets, a little more than `limit` perhaps; b"" at the end. Raises MaildropError."""
        while octets := await self._body.read(limit):
            shown = self._downgrader.feed(octets)
            if shown:
                return shown
        return b""

    async def close(self) -> None:
        """Let go of the body."""
        await self._body.close()
