"""What a POP1 client may say, as values: one class a verb.

RFC 918 s(Definitions of Commands and Replies). The server's machine gives them as events, the client's machine takes
them to send.

Must not know: how they are written (`grammar`), or when they are allowed (`states`).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar


class Verb(StrEnum):
    """What a client may say. OPEN has no word: the connection is made."""

    NOOP = "NOOP"
    OPEN = "open"
    PASS = "PASS"  # noqa: S105 - a verb, not a secret
    QUIT = "QUIT"
    RCEV = "RCEV"
    RCVD = "RCVD"
    RDEL = "RDEL"
    RETR = "RETR"
    RSET = "RSET"
    USER = "USER"


@dataclass(frozen=True, slots=True)
class Noop:
    """NOOP."""

    verb: ClassVar[Verb] = Verb.NOOP


@dataclass(frozen=True, slots=True)
class Pass:
    """PASS password. Octets that are not UTF-8 are surrogate-escaped."""

    verb: ClassVar[Verb] = Verb.PASS
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Quit:
    """QUIT."""

    verb: ClassVar[Verb] = Verb.QUIT


@dataclass(frozen=True, slots=True)
class Rcev:
    """RCEV: send the mailbox whose length was told."""

    verb: ClassVar[Verb] = Verb.RCEV


@dataclass(frozen=True, slots=True)
class Rcvd:
    """RCVD: the mailbox has come whole; after RDEL its messages are deleted now."""

    verb: ClassVar[Verb] = Verb.RCVD


@dataclass(frozen=True, slots=True)
class Rdel:
    """RDEL mailbox: begin to read a mailbox, to delete it when it has come. None: the user's own."""

    verb: ClassVar[Verb] = Verb.RDEL
    mailbox: str | None = None


@dataclass(frozen=True, slots=True)
class Retr:
    """RETR mailbox: begin to read a mailbox. None: the user's own."""

    verb: ClassVar[Verb] = Verb.RETR
    mailbox: str | None = None


@dataclass(frozen=True, slots=True)
class Rset:
    """RSET: give up what was begun."""

    verb: ClassVar[Verb] = Verb.RSET


@dataclass(frozen=True, slots=True)
class User:
    """USER name."""

    verb: ClassVar[Verb] = Verb.USER
    name: str


Command = Noop | Pass | Quit | Rcev | Rcvd | Rdel | Retr | Rset | User
