"""What an SMTP or LMTP server may say, as values, and the table of all it does say.

RFC 5321 s4.2 (codes, texts over several lines), RFC 2034 s4 and RFC 3463 s3 (enhanced status codes). A reply *is* an
error's face: whoever refuses something names one of these.

Must not know: when they are said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from postane.wire.base64_text import format_base64
from postane.wire.chart import Outcome
from postane.wire.errors import Fault, RemoteProtocolError

from .commands import Verdict

LINE_LIMIT = 512
"""Octets of a reply line with its CRLF (RFC 5321 s4.5.3.1.5)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A code, an enhanced status code ("" where there is none), and at least one line of text."""

    code: int
    enhanced: str
    lines: tuple[str, ...]
    octets: bytes = field(init=False, repr=False, compare=False)  # most are said again and again: formatted once
    outcome: Outcome = field(init=False, repr=False, compare=False)  # what it makes of the command that it answers

    def __post_init__(self) -> None:
        object.__setattr__(self, "octets", _format(self.code, self.enhanced, self.lines))
        # RFC 5321 s4.2.1: the first digit tells
        outcome = Outcome.ACCEPTED if self.code < 300 else Outcome.CONTINUED if self.code < 400 else Outcome.REFUSED
        object.__setattr__(self, "outcome", outcome)

    def with_text(self, *lines: str) -> Self:
        """The same reply in other words."""
        return type(self)(self.code, self.enhanced, lines)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the server asks in a SASL exchange (RFC 4954 s4): no text, and as long as it must be."""

    octets: bytes = field(repr=False)


def format_challenge(challenge: Challenge) -> bytes:
    """The line of a challenge."""
    return b"334 " + format_base64(challenge.octets) + b"\r\n"


def format_reply(reply: Reply) -> bytes:
    """All lines of a reply: printable ASCII, each within its limit."""
    return reply.octets


def _format(code: int, enhanced: str, lines: Sequence[str]) -> bytes:
    """RFC 5321 s4.2.1: every line but the last has a hyphen after the code. RFC 2034 s4: every line has the status."""
    lead = f"{enhanced} " if enhanced else ""
    return b"".join([_line(f"{code}-{lead}{line}") for line in lines[:-1]] + [_line(f"{code} {lead}{lines[-1]}")])


def _line(text: str) -> bytes:
    if not (text.isascii() and text.isprintable()):
        text = text.encode("ascii", "replace").translate(_PRINTABLE).decode("ascii")
    return text[: LINE_LIMIT - 2].encode("ascii") + b"\r\n"


_PRINTABLE = bytes(octet if 32 <= octet < 127 else 32 for octet in range(256))


class SmtpError(RemoteProtocolError):
    """The peer broke the protocol, and `reply` is what it is told."""

    def __init__(self, reply: Reply, fault: Fault, *, fatal: bool = False) -> None:
        super().__init__(reply.lines[0], fault, fatal=fatal)
        self.reply = reply


def greeting(hostname: str, service: str) -> Reply:
    """RFC 5321 s4.3.1: the host's name comes first; RFC 2034 s4: no enhanced code here, nor after HELO and EHLO."""
    return Reply(220, "", (f"{hostname} {service} Postane",))


def hello(hostname: str, extensions: Sequence[str] = ()) -> Reply:
    """RFC 5321 s4.1.1.1: one line for the host, one for each extension."""
    return Reply(250, "", (hostname, *extensions))


DONE = Reply(250, "2.0.0", ("done",))
SENDER_OK = Reply(250, "2.1.0", ("sender ok",))
RECIPIENT_OK = Reply(250, "2.1.5", ("recipient ok",))
CHUNK_OK = Reply(250, "2.0.0", ("chunk received",))
STORED = Reply(250, "2.0.0", ("stored",))
GO_ON = Reply(354, "", ("send the message, end it with a line that is a single dot",))
BEGIN_TLS = Reply(220, "2.0.0", ("begin TLS",))
LOGGED_IN = Reply(235, "2.7.0", ("logged in",))
GOODBYE = Reply(221, "2.0.0", ("closing connection",))
HELP = Reply(214, "2.0.0", ("see RFC 5321",))
# RFC 5321 s7.3: who does not want to say whether a mailbox exists answers 252.
WILL_TRY = Reply(252, "2.0.0", ("not telling; send mail and it will be tried",))

CLOSING = Reply(421, "4.3.2", ("shutting down",))
TIMED_OUT = Reply(421, "4.4.2", ("too long silent",))
TOO_MANY_MISTAKES = Reply(421, "4.7.0", ("too many mistakes",))
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", ("too many connections, try again later",))

# RFC 4954 s6: what is said when a login fails.
LOGIN_UNAVAILABLE = Reply(454, "4.7.0", ("logins cannot be checked now, try again later",))
CANCELLED = Reply(501, "5.7.0", ("cancelled",))
NOT_BASE64 = Reply(501, "5.5.2", ("not base64",))
NO_SUCH_MECHANISM = Reply(504, "5.5.4", ("this mechanism is not offered here",))
LOGIN_FIRST = Reply(530, "5.7.0", ("log in first",))
LOGIN_REFUSED = Reply(535, "5.7.8", ("invalid user name or password",))
TLS_FIRST = Reply(538, "5.7.11", ("passwords may not cross this connection in clear text, use TLS",))

UNAVAILABLE = Reply(451, "4.3.0", ("cannot be done now, try again later",))
STORED_FOR_SOME = Reply(451, "4.3.0", ("not stored for all recipients, send again",))
STORE_FULL = Reply(452, "4.3.1", ("no space left, try again later",))
MAILBOX_FULL = Reply(452, "4.2.2", ("mailbox full",))
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", ("too many recipients, send again for the rest",))

BAD_SYNTAX = Reply(500, "5.5.2", ("this is not a command",))
UNKNOWN_COMMAND = Reply(500, "5.5.1", ("unknown command",))
LINE_TOO_LONG = Reply(500, "5.5.2", ("line too long",))
SAY_LHLO = Reply(500, "5.5.1", ("this is LMTP: say LHLO",))
SAY_EHLO = Reply(500, "5.5.1", ("this is SMTP: say EHLO",))
BAD_ARGUMENT = Reply(501, "5.5.4", ("bad argument",))
BAD_SENDER = Reply(501, "5.1.7", ("bad sender address",))
BAD_RECIPIENT = Reply(501, "5.1.3", ("bad recipient address",))
NOT_IMPLEMENTED = Reply(502, "5.5.1", ("not implemented",))
BAD_SEQUENCE = Reply(503, "5.5.1", ("not possible now",))
UNKNOWN_PARAMETER = Reply(555, "5.5.4", ("unknown parameter",))

NO_RELAY = Reply(550, "5.7.1", ("no relay: this post office does not receive mail for that domain",))
NO_SUCH_USER = Reply(550, "5.1.1", ("no such mailbox here",))
# RFC 6531 s3.5: 550 for the sender, 553 for a recipient.
SENDER_NOT_ASCII = Reply(550, "5.6.7", ("this address needs SMTPUTF8",))
RECIPIENT_NOT_ASCII = Reply(553, "5.6.7", ("this address needs SMTPUTF8",))
BARE_NEWLINE = Reply(550, "5.6.0", ("a CR or LF stands alone in the message",))
BODY_LINE_TOO_LONG = Reply(550, "5.6.0", ("a line of the message is too long",))
TOO_BIG = Reply(552, "5.3.4", ("message too big",))
NOT_TRUSTED = Reply(550, "5.7.0", ("you may not speak for others",))
LOOPING = Reply(554, "5.4.6", ("this message is looping: too many Received fields",))
EARLY_DATA = Reply(554, "5.5.0", ("octets came before the TLS handshake",))

BY_FAULT = {
    Fault.SYNTAX: BAD_SYNTAX,
    Fault.UNKNOWN_COMMAND: UNKNOWN_COMMAND,
    Fault.BAD_ARGUMENT: BAD_ARGUMENT,
    Fault.WRONG_STATE: BAD_SEQUENCE,
    Fault.TOO_LONG: LINE_TOO_LONG,
    Fault.EARLY_DATA: EARLY_DATA,
    Fault.BROKEN: BAD_SYNTAX,
}
"""What is said to a mistake that names no reply itself."""

BY_VERDICT: Mapping[Verdict, Reply] = {
    Verdict.BARE_NEWLINE: BARE_NEWLINE,
    Verdict.LONG_LINE: BODY_LINE_TOO_LONG,
    Verdict.TOO_BIG: TOO_BIG,
}
"""What is said of a message that is not sound."""
