"""What a POP2 client may say, as values: one class a verb.

RFC 937 s(Definitions of Commands and Replies). The server's machine gives them as events, the client's machine takes
them to send.

Must not know: how they are written (`grammar`), or when they are allowed (`states`).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar


class Verb(StrEnum):
    """What a client may say. OPEN has no word: the connection is made."""

    ACKD = "ACKD"
    ACKS = "ACKS"
    FOLD = "FOLD"
    HELO = "HELO"
    NACK = "NACK"
    OPEN = "open"
    QUIT = "QUIT"
    READ = "READ"
    RETR = "RETR"


@dataclass(frozen=True, slots=True)
class Ackd:
    """ACKD: the message has come, and may be deleted."""

    verb: ClassVar[Verb] = Verb.ACKD


@dataclass(frozen=True, slots=True)
class Acks:
    """ACKS: the message has come, and is to be kept."""

    verb: ClassVar[Verb] = Verb.ACKS


@dataclass(frozen=True, slots=True)
class Fold:
    """FOLD mailbox: go on with another mailbox."""

    verb: ClassVar[Verb] = Verb.FOLD
    mailbox: str


@dataclass(frozen=True, slots=True)
class Helo:
    """HELO user password. Octets of the password that are not UTF-8 are surrogate-escaped."""

    verb: ClassVar[Verb] = Verb.HELO
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Nack:
    """NACK: the message has not come whole; it is kept, and stays the current one."""

    verb: ClassVar[Verb] = Verb.NACK


@dataclass(frozen=True, slots=True)
class Quit:
    """QUIT."""

    verb: ClassVar[Verb] = Verb.QUIT


@dataclass(frozen=True, slots=True)
class Read:
    """READ [number]: how long is that message, or the current one."""

    verb: ClassVar[Verb] = Verb.READ
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Retr:
    """RETR: send the message whose length was told."""

    verb: ClassVar[Verb] = Verb.RETR


Command = Ackd | Acks | Fold | Helo | Nack | Quit | Read | Retr
