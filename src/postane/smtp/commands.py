"""What an SMTP or LMTP client may say, as values, and what a message's octets become.

RFC 5321 s4.1.1, RFC 2033 s4.1 (LHLO), RFC 3030 s2 (BDAT), RFC 3207 s4 (STARTTLS), RFC 4954 s4 (AUTH), and
Postfix's XCLIENT. The server's machine gives all of them as events: a message is any number of `BodyChunk` and then one
`BodyEnd`.

Must not know: how they are written (`grammar`), or when they are allowed (`states`).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from postane.mail.address import Address
from postane.mail.envelope import Envelope


class Verb(StrEnum):
    """What a client may say. Some have no word: CONNECT, the connection is made; BODY, a message is complete;
    RESPONSE, a line of a SASL exchange."""

    AUTH = "AUTH"
    BDAT = "BDAT"
    BODY = "body"
    CONNECT = "connect"
    DATA = "DATA"
    EHLO = "EHLO"
    EXPN = "EXPN"
    HELO = "HELO"
    HELP = "HELP"
    LHLO = "LHLO"
    MAIL = "MAIL"
    NOOP = "NOOP"
    QUIT = "QUIT"
    RCPT = "RCPT"
    RESPONSE = "response"
    RSET = "RSET"
    STARTTLS = "STARTTLS"
    VRFY = "VRFY"
    XCLIENT = "XCLIENT"


class Verdict(StrEnum):
    """What was found when a message's octets were looked at. Where several hold, the last one here is told."""

    SOUND = "sound"
    BARE_NEWLINE = "bare newline"
    LONG_LINE = "long line"
    TOO_BIG = "too big"


@dataclass(frozen=True, slots=True)
class Helo:
    """HELO domain (RFC 5321 s4.1.1.1)."""

    verb: ClassVar[Verb] = Verb.HELO
    name: str


@dataclass(frozen=True, slots=True)
class Ehlo:
    """EHLO domain (RFC 5321 s4.1.1.1)."""

    verb: ClassVar[Verb] = Verb.EHLO
    name: str


@dataclass(frozen=True, slots=True)
class Lhlo:
    """LHLO domain (RFC 2033 s4.1)."""

    verb: ClassVar[Verb] = Verb.LHLO
    name: str


@dataclass(frozen=True, slots=True)
class Mail:
    """MAIL FROM:<reverse-path> [parameters] (RFC 5321 s4.1.1.2); the envelope has no recipient yet."""

    verb: ClassVar[Verb] = Verb.MAIL
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Rcpt:
    """RCPT TO:<forward-path> (RFC 5321 s4.1.1.3)."""

    verb: ClassVar[Verb] = Verb.RCPT
    address: Address


@dataclass(frozen=True, slots=True)
class Data:
    """DATA (RFC 5321 s4.1.1.4)."""

    verb: ClassVar[Verb] = Verb.DATA


@dataclass(frozen=True, slots=True)
class Bdat:
    """BDAT size [LAST] (RFC 3030 s2): its octets follow, and no reply before they are there."""

    verb: ClassVar[Verb] = Verb.BDAT
    size: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class Rset:
    """RSET (RFC 5321 s4.1.1.5)."""

    verb: ClassVar[Verb] = Verb.RSET


@dataclass(frozen=True, slots=True)
class Noop:
    """NOOP [string] (RFC 5321 s4.1.1.9): the string means nothing."""

    verb: ClassVar[Verb] = Verb.NOOP


@dataclass(frozen=True, slots=True)
class Help:
    """HELP [string] (RFC 5321 s4.1.1.8)."""

    verb: ClassVar[Verb] = Verb.HELP
    topic: str


@dataclass(frozen=True, slots=True)
class Vrfy:
    """VRFY string (RFC 5321 s4.1.1.6)."""

    verb: ClassVar[Verb] = Verb.VRFY
    text: str


@dataclass(frozen=True, slots=True)
class Expn:
    """EXPN string (RFC 5321 s4.1.1.7)."""

    verb: ClassVar[Verb] = Verb.EXPN
    text: str


@dataclass(frozen=True, slots=True)
class StartTls:
    """STARTTLS (RFC 3207 s4)."""

    verb: ClassVar[Verb] = Verb.STARTTLS


@dataclass(frozen=True, slots=True)
class Auth:
    """AUTH mechanism [initial-response] (RFC 4954 s4)."""

    verb: ClassVar[Verb] = Verb.AUTH
    mechanism: str
    initial: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AuthResponse:
    """A line of a SASL exchange (RFC 4954 s4); None: the client cancels it."""

    verb: ClassVar[Verb] = Verb.RESPONSE
    octets: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Xclient:
    """XCLIENT attribute=value ...: the client, a mail server, speaks for another one from now on.

    None: it does not say; "" and 0: it does not know. `login` is the account that it has let in.
    """

    verb: ClassVar[Verb] = Verb.XCLIENT
    name: str | None = None
    address: str | None = None
    port: int | None = None
    login: str | None = None


@dataclass(frozen=True, slots=True)
class Quit:
    """QUIT (RFC 5321 s4.1.1.10)."""

    verb: ClassVar[Verb] = Verb.QUIT


@dataclass(frozen=True, slots=True)
class BodyChunk:
    """The next octets of the message, as they are to be stored: CRLF line ends, not stuffed. `is_undotted`: it is known
    of them that `has_dotted_line` is false."""

    octets: bytes = field(repr=False)
    is_undotted: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class BdatEnd:
    """All octets of a BDAT that is not the last; `verdict` is about the message so far."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class BodyEnd:
    """The message is complete; `octets` are counted as it is to be stored. Only a SOUND one was given whole."""

    verdict: Verdict
    octets: int


Command = (
    Auth | AuthResponse | Bdat | Data | Ehlo | Expn | Helo | Help | Lhlo | Mail | Noop | Quit | Rcpt | Rset | StartTls
    | Vrfy | Xclient
)  # fmt: skip
Event = Command | BodyChunk | BdatEnd | BodyEnd
