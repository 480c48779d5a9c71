"""What a POP3 client may say, as values: one class a verb.

RFC 1939 s5 to s7, RFC 2449 s5 (CAPA), RFC 2595 s4 (STLS), RFC 5034 s4 (AUTH), RFC 6856 s2 and s3 (UTF8, LANG),
and what older POP3 had: RFC 1460 s5 (LAST), RFC 1225 s(The UPDATE State) (RPOP), RFC 1082 s(The XTND Command). The
server's machine gives them as events, the client's machine takes them to send.

Must not know: how they are written (`grammar`), or when they are allowed (`states`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar


class Verb(StrEnum):
    """What a client may say. RESPONSE is a line of a SASL exchange, which has no verb of its own."""

    APOP = "APOP"
    AUTH = "AUTH"
    CAPA = "CAPA"
    DELE = "DELE"
    LANG = "LANG"
    LAST = "LAST"
    LIST = "LIST"
    NOOP = "NOOP"
    PASS = "PASS"  # noqa: S105 - a verb, not a secret
    QUIT = "QUIT"
    RESPONSE = "response"
    RETR = "RETR"
    RPOP = "RPOP"
    RSET = "RSET"
    STAT = "STAT"
    STLS = "STLS"
    TOP = "TOP"
    UIDL = "UIDL"
    USER = "USER"
    UTF8 = "UTF8"
    XTND = "XTND"


@dataclass(frozen=True, slots=True)
class Apop:
    """APOP name digest (RFC 1939 s7): 32 lower-case hexadecimal digits."""

    verb: ClassVar[Verb] = Verb.APOP
    name: str
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Auth:
    """AUTH mechanism [initial-response] (RFC 5034 s4); without a mechanism some clients ask for the list."""

    verb: ClassVar[Verb] = Verb.AUTH
    mechanism: str | None = None
    initial: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AuthResponse:
    """A client's answer to a SASL challenge; None: the client gives up (RFC 5034 s4)."""

    verb: ClassVar[Verb] = Verb.RESPONSE
    octets: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Capa:
    """CAPA (RFC 2449 s5)."""

    verb: ClassVar[Verb] = Verb.CAPA


@dataclass(frozen=True, slots=True)
class Dele:
    """DELE msg (RFC 1939 s5).

    `ahead`: the numbers of what came behind it in the same pipeline, as far as it says the same (RFC 2449 s6.8). Each
    of them is an event of its own, unless it is answered together with this one.
    """

    verb: ClassVar[Verb] = Verb.DELE
    number: int
    ahead: Sequence[int] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Lang:
    """LANG [language-tag] (RFC 6856 s3)."""

    verb: ClassVar[Verb] = Verb.LANG
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Last:
    """LAST (RFC 1460 s5, gone since RFC 1725)."""

    verb: ClassVar[Verb] = Verb.LAST


@dataclass(frozen=True, slots=True)
class List:
    """LIST [msg] (RFC 1939 s5)."""

    verb: ClassVar[Verb] = Verb.LIST
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Noop:
    """NOOP (RFC 1939 s5)."""

    verb: ClassVar[Verb] = Verb.NOOP


@dataclass(frozen=True, slots=True)
class Pass:
    """PASS string (RFC 1939 s7). Octets that are not UTF-8 are surrogate-escaped."""

    verb: ClassVar[Verb] = Verb.PASS
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Quit:
    """QUIT (RFC 1939 s5, s6)."""

    verb: ClassVar[Verb] = Verb.QUIT


@dataclass(frozen=True, slots=True)
class Retr:
    """RETR msg (RFC 1939 s5); `ahead` is as in Dele."""

    verb: ClassVar[Verb] = Verb.RETR
    number: int
    ahead: Sequence[int] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Rpop:
    """RPOP user (RFC 1225 s(The UPDATE State), gone since RFC 1460)."""

    verb: ClassVar[Verb] = Verb.RPOP
    name: str


@dataclass(frozen=True, slots=True)
class Rset:
    """RSET (RFC 1939 s5)."""

    verb: ClassVar[Verb] = Verb.RSET


@dataclass(frozen=True, slots=True)
class Stat:
    """STAT (RFC 1939 s5)."""

    verb: ClassVar[Verb] = Verb.STAT


@dataclass(frozen=True, slots=True)
class Stls:
    """STLS (RFC 2595 s4)."""

    verb: ClassVar[Verb] = Verb.STLS


@dataclass(frozen=True, slots=True)
class Top:
    """TOP msg n (RFC 1939 s7): the header part and `lines` lines of the body."""

    verb: ClassVar[Verb] = Verb.TOP
    number: int
    lines: int


@dataclass(frozen=True, slots=True)
class Uidl:
    """UIDL [msg] (RFC 1939 s7)."""

    verb: ClassVar[Verb] = Verb.UIDL
    number: int | None = None


@dataclass(frozen=True, slots=True)
class User:
    """USER name (RFC 1939 s7)."""

    verb: ClassVar[Verb] = Verb.USER
    name: str


@dataclass(frozen=True, slots=True)
class Utf8:
    """UTF8 (RFC 6856 s2)."""

    verb: ClassVar[Verb] = Verb.UTF8


@dataclass(frozen=True, slots=True)
class Xtnd:
    """XTND and the words after it (RFC 1082 s(The XTND Command)): bulletin boards and other services."""

    verb: ClassVar[Verb] = Verb.XTND
    words: str


Command = (
    Apop | Auth | AuthResponse | Capa | Dele | Lang | Last | List | Noop | Pass | Quit | Retr | Rpop | Rset | Stat
    | Stls | Top | Uidl | User | Utf8 | Xtnd
)  # fmt: skip
