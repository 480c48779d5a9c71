"""The header part of a message that is on its way, all of it at once.

Must not know: what is looked for in it.
"""

from .errors import NoEnd, Trouble
from .source import Incoming

LIMIT = 4 * 1024 * 1024
"""Octets of a header part that are held in memory; what is larger has no end."""


async def read_header_part(incoming: Incoming) -> bytes:
    """Its octets. Raises FetchError where it breaks off, or has no end."""
    octets = bytearray()
    async for chunk in incoming.chunks():
        octets += chunk
        if len(octets) > LIMIT:
            raise NoEnd(f"the header part of message {incoming.number} has no end", Trouble.PROTOCOL)
    return bytes(octets)
