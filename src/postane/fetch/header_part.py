"""The beginning of a message: its header part while it is on its way, all of it at once; and what stands there of one
that has come.

Must not know: what is looked for in a header part.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from postane.journal.base import Listed
from postane.sinks.base import Content
from postane.sinks.content import Spool, SpoolError

from .errors import FetchError, NoEnd, Trouble
from .filters import header_of
from .source import Incoming
from .work import typed

ANSWER = 1024
"""Octets of a line that may be an answer: RFC 2449 s4 knows 512."""

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


def header_in(content: Content) -> bytes:
    """The header part of a message, as far as its first octets have it. Raises FetchError."""
    with spooling():
        return header_of(next(content.chunks(), b""))


def rest_note(each: Listed, account: str, host: str) -> bytes:
    """What stands in the place of the body where only the header part is fetched: where all of it is, and how to get
    it. Whoever reads it may put the last line into a shell."""
    forget = f"postane fetch state forget {typed(account)} {typed(each.key)}"
    lines = (
        f"This message has {each.octets} octets, more than are fetched; the rest of it is at {host}.",
        "To have it whole, raise max_size of its account in fetch.toml. Then it comes again after:",
        forget,
    )
    return "".join(f"{line}\r\n" for line in lines).encode("ascii", "backslashreplace")


def has_answer(spool: Spool, listed: int) -> bool:
    """Whether a message is longer than it was `listed` by its first line, and that line is an answer."""
    with spooling():
        line, end, _ = next(spool.finish().chunks(), b"")[:ANSWER].partition(b"\r\n")
    return line.startswith(b"+OK") and bool(end) and spool.octets == listed + len(line) + len(end)


@contextmanager
def spooling() -> Iterator[None]:
    """SpoolError becomes FetchError."""
    try:
        yield
    except SpoolError as error:
        raise FetchError(error.text, Trouble.TEMPORARY) from error
