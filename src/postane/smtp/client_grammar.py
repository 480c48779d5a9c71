"""SMTP's and LMTP's grammar as a client has it: commands into lines, lines into replies, EHLO's reply into extensions.

RFC 5321 s4.1.1 (commands), s4.2.1 (replies), s4.1.1.1 (extensions), RFC 2034 s4 and RFC 3463 s2 (enhanced status
codes), RFC 1870 s3 (SIZE), RFC 6152 s2 (BODY), RFC 6531 s3.4 (SMTPUTF8), RFC 4954 s4 (AUTH).

Must not know: which command is allowed when.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from postane.mail.address import format_path
from postane.mail.envelope import BodyType, Envelope
from postane.wire.base64_text import EMPTY, format_base64
from postane.wire.errors import Fault, LocalProtocolError, RemoteProtocolError

from .commands import Auth, AuthResponse, Bdat, Command, Ehlo, Expn, Helo, Help, Lhlo, Mail, Rcpt, Vrfy, Xclient
from .replies import Reply

REPLY_LINES = 512
REPLY_OCTETS = 96 * 1024
"""Of one reply that is believed: EHLO's has about twenty lines."""

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |$)")
_UNSAFE = re.compile(rb"[\r\n\0]")
_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Extensions:
    """What a server has said it can do: by keyword in capitals, the words after it."""

    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.words

    @property
    def size(self) -> int | None:
        """The largest message that it takes, in octets (RFC 1870 s3); None: it does not say, or sets no limit."""
        text = next(iter(self.words.get("SIZE", ())), "")
        return int(text) or None if text.isascii() and text.isdecimal() and len(text) <= 20 else None

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The SASL mechanisms that it offers (RFC 4954 s3), in its order."""
        return tuple(word.upper() for word in self.words.get("AUTH", ()))


def format_command(command: Command) -> bytes:
    """The line of a command with its CRLF. Raises LocalProtocolError where it cannot be said in one."""
    line = _format(command)
    if _UNSAFE.search(line):
        raise LocalProtocolError("a command is one line of text")
    return line + b"\r\n"


def _format(command: Command) -> bytes:
    match command:
        case Helo(name) | Ehlo(name) | Lhlo(name):
            return f"{command.verb} {name}".encode("ascii", "replace")
        case Mail(envelope):
            return _format_mail(envelope)
        case Rcpt(address):
            return f"RCPT TO:{format_path(address)}".encode("utf-8", "replace")
        case Auth(mechanism, initial):
            return f"AUTH {mechanism}".encode() + (b"" if initial is None else b" " + (format_base64(initial) or EMPTY))
        case AuthResponse(octets):
            return b"*" if octets is None else format_base64(octets)
        case Help(text) | Vrfy(text) | Expn(text):
            return f"{command.verb} {text}".rstrip().encode("utf-8", "replace")
        case Bdat() | Xclient():
            raise LocalProtocolError(f"{command.verb} is nothing that this side says")
        case _:
            return command.verb.encode("ascii")


def _format_mail(envelope: Envelope) -> bytes:
    words = [f"MAIL FROM:{format_path(envelope.sender)}"]
    if envelope.size is not None:
        words.append(f"SIZE={envelope.size}")
    if envelope.body is not BodyType.SEVEN_BIT:
        words.append(f"BODY={envelope.body}")
    if envelope.is_utf8:
        words.append("SMTPUTF8")
    return " ".join(words).encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class ReplyLine:
    """One line of a reply; more of the same follow where it is not the last."""

    code: int
    text: bytes
    is_last: bool


def parse_reply_line(line: bytes) -> ReplyLine:
    """One line of a reply. Raises RemoteProtocolError, always fatal."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise RemoteProtocolError("a reply without a code", Fault.SYNTAX, fatal=True)
    return ReplyLine(int(found[1]), found[3] or b"", found[2] != b"-")


def join_reply(lines: list[ReplyLine]) -> Reply:
    """A whole reply. Raises RemoteProtocolError, always fatal, where its lines do not agree (RFC 5321 s4.2.1)."""
    code = lines[0].code
    if any(line.code != code for line in lines):
        raise RemoteProtocolError("a reply with two codes", Fault.SYNTAX, fatal=True)
    texts = [line.text.decode("utf-8", "replace") for line in lines]
    found = _ENHANCED.match(texts[-1])
    enhanced = found[1] if found and found[1][0] == str(code)[0] else ""  # RFC 2034 s4: the first digits agree
    if enhanced:
        texts = [text.removeprefix(enhanced).removeprefix(" ") for text in texts]
    return Reply(code, enhanced, tuple(texts))


def parse_extensions(reply: Reply) -> Extensions:
    """What EHLO's or LHLO's reply offers. What is no keyword is skipped; AUTH= is an old form of AUTH."""
    words: dict[str, tuple[str, ...]] = {}
    for line in reply.lines[1:]:
        keyword, *rest = line.replace("AUTH=", "AUTH ", 1).split() or [""]
        if _KEYWORD.fullmatch(keyword):
            words[keyword.upper()] = (*words.get(keyword.upper(), ()), *rest)
    return Extensions(words)
