"""What a hostile server does wrong: values, which can be combined in any way.

Some are of the server's nature (`Missing`, `BareLf`): they hold for each connection. Others are a `Strike`: they happen
`times` times, then the server does well, so that a test can see a client come back.

Must not know: the server.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that a server does wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike(Fault):
    """A fault that happens now and then: `times` times, None: whenever it can."""

    times: int | None = None


GREETING = "GREETING"
"""What stands for the greeting where a fault asks for a verb."""


# The connection


@dataclass(frozen=True, slots=True)
class DropAfter(Strike):
    """A connection is closed when the server has sent so many octets over it."""

    octets: int


@dataclass(frozen=True, slots=True)
class CloseAt(Strike):
    """A verb is answered by closing the connection."""

    verb: str


@dataclass(frozen=True, slots=True)
class Stall(Strike):
    """Of the answer to a verb so many octets are sent, then nothing more ever."""

    verb: str
    after: int = 0


@dataclass(frozen=True, slots=True)
class Latency(Fault):
    """Each answer comes so many seconds later."""

    seconds: float


@dataclass(frozen=True, slots=True)
class NoPipelining(Fault):
    """Commands that are received together with another one before them are thrown away. With `is_said` CAPA says
    PIPELINING all the same."""

    is_said: bool = False


@dataclass(frozen=True, slots=True)
class OneAtATime(Fault):
    """Who logs in while another session is open gets `-ERR [IN-USE]`."""


# Answers


@dataclass(frozen=True, slots=True)
class Refuse(Strike):
    """A verb is refused, for one message or (`number` None) whatever it is for: Refuse("RETR", 2), Refuse("APOP")."""

    verb: str
    number: int | None = None
    text: str = "[SYS/TEMP] not now"


@dataclass(frozen=True, slots=True)
class Say(Strike):
    """A verb, or GREETING, is answered with these octets, and nothing is done."""

    verb: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class SayMore(Strike):
    """Behind the right answer to a verb comes something that nobody asked for."""

    verb: str
    octets: bytes = b"+OK and another thing\r\n"


@dataclass(frozen=True, slots=True)
class BareLf(Fault):
    """All lines end with LF alone, those of messages too."""


# What CAPA tells


@dataclass(frozen=True, slots=True)
class Missing(Fault):
    """A verb (TOP, UIDL, CAPA, APOP, STLS ...) or a mechanism (PLAIN, XOAUTH2 ...) is not there, nor in CAPA."""

    name: str


@dataclass(frozen=True, slots=True)
class Unlisted(Fault):
    """A capability or a mechanism is there, and CAPA does not tell: Unlisted("UIDL"), Unlisted("XOAUTH2")."""

    name: str


@dataclass(frozen=True, slots=True)
class Listed(Fault):
    """CAPA has this line, whatever there is: Listed("EXPIRE 30"), or beside Missing("UIDL") Listed("UIDL")."""

    line: str


# Logging in


@dataclass(frozen=True, slots=True)
class RefuseLogin(Strike):
    """Who has logged in rightly is refused, by whatever mechanism: `code` is of RFC 2449 s8 or RFC 3206 s3."""

    code: str = "IN-USE"
    text: str = "come back later"


@dataclass(frozen=True, slots=True)
class Stamp(Fault):
    """The greeting bears this for APOP, right or wrong: Stamp("<nonsense")."""

    text: str


@dataclass(frozen=True, slots=True)
class TwoLines(Fault):
    """A mechanism refuses a response on the same line as AUTH: it wants it on the next one."""

    mechanism: str = "XOAUTH2"


@dataclass(frozen=True, slots=True)
class EarlyOctets(Strike):
    """With the answer to STLS, before the handshake, somebody in the middle has put these (RFC 2595 s4)."""

    octets: bytes = b"+OK who is there\r\n"


# Lists


@dataclass(frozen=True, slots=True)
class WrongSizes(Fault):
    """The sizes of all messages are wrong by so many octets, as these verbs tell them: LIST, STAT, RETR."""

    by: int
    verbs: frozenset[str] = frozenset({"LIST", "STAT", "RETR"})


@dataclass(frozen=True, slots=True)
class WrongCount(Fault):
    """STAT, LIST or UIDL tells of so many messages more, which are not there, or (below 0) of so many fewer."""

    verb: str
    by: int


@dataclass(frozen=True, slots=True)
class SameUidl(Fault):
    """Messages have one UIDL together: those of these numbers, or all."""

    numbers: frozenset[int] = frozenset()
    uidl: str = "same"


@dataclass(frozen=True, slots=True)
class UidlSpaces(Fault):
    """So many spaces between number and UIDL."""

    count: int = 3


# Messages


@dataclass(frozen=True, slots=True)
class EndlessLine(Fault):
    """A message is one line of so many octets; they are made while they are sent."""

    number: int
    octets: int


@dataclass(frozen=True, slots=True)
class NoTerminator(Strike):
    """After the last line of a message (`number`, None: of each) the connection is closed, without a dot."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class NoFinalCrlf(Strike):
    """After the dot that ends a message (`number`, None: each) the connection is closed, without CR LF."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class WrongMessage(Strike):
    """RETR of one message gives another one."""

    number: int
    instead: int


# The end


class QuitHow(StrEnum):
    """What a server does instead of saying +OK to QUIT when its deletions are done."""

    REFUSED = "refused"  # -ERR, nothing is deleted
    PARTLY = "partly"  # -ERR, every second one is deleted
    SILENT = "silent"  # closes, nothing is deleted
    COMMITTED = "committed"  # closes, all are deleted
    STALLED = "stalled"  # all are deleted, and nothing more is said


@dataclass(frozen=True, slots=True)
class BadQuit(Strike):
    """QUIT of who has logged in ends otherwise than it should."""

    how: QuitHow = QuitHow.REFUSED


Kind = TypeVar("Kind", bound=Fault)
StrikeKind = TypeVar("StrikeKind", bound=Strike)


def _any(_: object) -> bool:
    return True


class Troubles:
    """The faults of one server, and how often each of them may still strike."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._faults = tuple(faults)
        self._left = [fault.times if isinstance(fault, Strike) else None for fault in self._faults]

    def every(self, kind: type[Kind]) -> list[Kind]:
        """All of a kind."""
        return [fault for fault in self._faults if isinstance(fault, kind)]

    def strike(self, kind: type[StrikeKind], fits: Callable[[StrikeKind], bool] = _any) -> StrikeKind | None:
        """The first of a kind that fits and has not been used up; it is used."""
        for place, fault in enumerate(self._faults):
            left = self._left[place]
            if isinstance(fault, kind) and left != 0 and fits(fault):
                self._left[place] = None if left is None else left - 1
                return fault
        return None
