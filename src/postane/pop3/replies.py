"""What a POP3 server may say, as values.

RFC 1939 s3: a status and a text, some with more lines; RFC 2449 s8 and RFC 3206 s4: a response code for programs. A
large body is said in three: Opening, any number of Chunks, Closing.

Must not know: how they are written (`grammar`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from postane.wire.phrases import Text, Tongue


class Code:
    """Response codes: what a program can tell from a refusal."""

    AUTH: Final = "AUTH"  # RFC 3206 s4: the credentials are wrong
    IN_USE: Final = "IN-USE"  # RFC 2449 s8.1.2: the maildrop is locked by another session
    LOGIN_DELAY: Final = "LOGIN-DELAY"  # RFC 2449 s8.1.1: not so often
    SYS_PERM: Final = "SYS/PERM"  # RFC 3206 s4: a person is needed
    SYS_TEMP: Final = "SYS/TEMP"  # RFC 3206 s4: try again later


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of one line; `code` is without its brackets."""

    is_ok: bool
    text: Text = ""
    code: str = ""


def ok(text: Text = "", code: str = "") -> Reply:
    """A positive reply."""
    return Reply(True, text, code)


def err(text: Text, code: str = "") -> Reply:
    """A negative reply."""
    return Reply(False, text, code)


@dataclass(frozen=True, slots=True)
class Speak:
    """A positive reply to LANG (RFC 6856 s3.2): it and all that follows is in this language."""

    tongue: Tongue
    text: Text


@dataclass(frozen=True, slots=True)
class Listing:
    """A positive reply with lines that are at hand: each ends with CRLF, and none begins with a dot."""

    text: Text
    lines: bytes


@dataclass(slots=True)  # a frozen one takes 0.4 us longer to make, for each message that is handed out
class Message:
    """A positive reply with a body that is at hand, as it is stored: not stuffed. A number for a text: its octets."""

    text: Text | int
    octets: bytes = field(repr=False)
    is_dotted: bool = True


@dataclass(frozen=True, slots=True)
class Messages:
    """One reply for RETR and for as many as there are here of those that are `ahead` of it."""

    each: Sequence[Message]


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same for DELE: one positive reply a number, which stands in `text` as {number}."""

    text: str
    numbers: Sequence[int]


@dataclass(frozen=True, slots=True)
class Opening:
    """The first line of a positive reply whose body follows in chunks; `is_dotted`: some line may begin with a dot."""

    text: Text | int
    is_dotted: bool = True


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next octets of the body, not stuffed."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of the body. A body that cannot be completed is never closed: the connection is cut instead."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """A SASL challenge (RFC 5034 s4)."""

    octets: bytes = field(repr=False)


Value = Reply | Speak | Listing | Message | Messages | Repeated | Opening | Chunk | Closing | Challenge
