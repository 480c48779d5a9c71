"""The line ends of mail on its way to where they are those of the system: CR LF made LF.

Must not know: what a message is.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum


class LineEnds(StrEnum):
    """How the lines of a stored message end."""

    LF = "lf"
    CRLF = "crlf"


def with_line_ends(chunks: Iterable[bytes], line_ends: LineEnds) -> Iterator[bytes]:
    """The same octets with such line ends; they come with CR LF. A CR or LF that stands alone stays as it is, and so
    does a last line without an end. Any split gives the same octets."""
    return iter(chunks) if line_ends is LineEnds.CRLF else _to_lf(chunks)


def _to_lf(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        octets = held + chunk if held else chunk
        held = b"\r" if octets.endswith(b"\r") else b""
        if held:
            octets = octets[:-1]
        yield octets.replace(b"\r\n", b"\n")
    if held:
        yield held
