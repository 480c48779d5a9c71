"""SMTP's and LMTP's grammar: command lines into values.

RFC 5321 s4.1.1 and s4.1.2, RFC 1870 s6 (SIZE), RFC 6152 s2 (BODY), RFC 6531 s3.4 (SMTPUTF8), RFC 3030 s2 (BDAT),
RFC 4954 s4 (AUTH). Octets become text here, and in `xclient`, and nowhere else.

Must not know: which command is allowed when.
"""

import functools
import re
from collections.abc import Callable, Mapping

from postane.mail.address import DOMAIN_LIMIT, Address, BadAddress, parse_path, split_path
from postane.mail.envelope import BodyType, Envelope
from postane.wire.base64_text import parse_base64
from postane.wire.errors import Fault, RemoteProtocolError

from . import replies
from .commands import (
    Auth,
    AuthResponse,
    Bdat,
    Command,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    Lhlo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Verb,
    Vrfy,
)
from .replies import Reply, SmtpError
from .xclient import parse_xclient

LINE_LIMIT = 64 * 1024
"""Octets of an AUTH line or a SASL response with its CRLF: RFC 4954 s4 asks for 12288, access tokens can be longer."""

COMMAND_LIMIT = 2048
"""Octets of all other lines. RFC 5321 s4.5.3.1.4 gives 512, and MAIL and RCPT more for each extension (RFC 1870 s3: 26,
RFC 6531 s3.1: 10, RFC 3461 s4: 500 ...): one limit over them all."""

NAME_LIMIT = 255
"""Octets of the name in HELO, EHLO and LHLO (RFC 5321 s4.5.3.1.2)."""

XTEXT_LIMIT = 500
"""Octets of MAIL's AUTH parameter (RFC 4954 s3, 7)."""

NUMBER_DIGITS = 20
"""Digits of a size (RFC 1870 s3)."""


def glance(line: bytes) -> Command | None:
    """A command as nearly everybody writes it, in capitals and with a plain address or nothing; None: look closer."""
    command = _BARE.get(line)
    if command is None and line[:5] in _WITH_PATH and len(line) <= DOMAIN_LIMIT:  # what is remembered is short
        return _plain_line(line)
    return command


@functools.lru_cache(maxsize=1024)
def _plain_line(line: bytes) -> Command | None:
    """Who sends, sends again, and who is sent to even more so."""
    found = _PLAIN_LINE.fullmatch(line)
    if found is None:
        return None
    verb, local_part, domain, size = found.groups()
    address = Address(local_part.decode("ascii"), domain.decode("ascii"))
    if verb == b"MAIL FROM":
        return Mail(Envelope(address, (), None if size is None else int(size)))
    return Rcpt(address) if size is None else None


def split_command(line: bytes) -> tuple[Verb, bytes]:
    """The verb and the octets of its arguments. Raises SmtpError.

    RFC 5321 s2.4: verbs are not case-sensitive; s4.1.1: white space at the end is tolerated; s2.3.8: a CR or LF that
    stands alone ends nothing, and has no place in a command.
    """
    if b"\n" in line or b"\r" in line:
        raise SmtpError(replies.BAD_SYNTAX.with_text("a line ends with CRLF, not with CR or LF alone"), Fault.SYNTAX)
    if b"\0" in line:
        raise SmtpError(replies.BAD_SYNTAX.with_text("NUL in a command"), Fault.SYNTAX)
    word, _, argument = line.rstrip(b" \t").partition(b" ")
    verb = _VERBS.get(word.upper())
    if verb is None:
        raise SmtpError(replies.UNKNOWN_COMMAND, Fault.UNKNOWN_COMMAND)
    if len(line) + 2 > COMMAND_LIMIT and verb is not Verb.AUTH:
        raise SmtpError(replies.LINE_TOO_LONG, Fault.TOO_LONG, fatal=verb is Verb.BDAT)
    return verb, argument.strip(b" ")


def parse_command(verb: Verb, argument: bytes) -> Command:
    """The command with its arguments; all but MAIL and RCPT, which need to know more. Raises SmtpError."""
    return _PARSERS[verb](argument)


def parse_mail(argument: bytes, *, is_domain_optional: bool) -> Mail:
    """MAIL FROM:<path> [parameters]. Raises SmtpError."""
    path, parameters = _split_path(argument, "FROM:", replies.BAD_SENDER)
    values = _parameters(parameters, _MAIL_PARAMETERS)
    is_utf8 = "SMTPUTF8" in values
    try:
        sender = parse_path(path, utf8=is_utf8, is_domain_optional=is_domain_optional)
    except BadAddress as error:
        raise _bad_address(error, replies.BAD_SENDER, replies.SENDER_NOT_ASCII) from None
    size = int(values["SIZE"]) if "SIZE" in values else None
    return Mail(Envelope(sender, (), size, BodyType(values.get("BODY", BodyType.SEVEN_BIT)), is_utf8))


def parse_rcpt(argument: bytes, *, is_utf8: bool, is_domain_optional: bool) -> Rcpt:
    """RCPT TO:<path>; `is_utf8`: MAIL said SMTPUTF8. Raises SmtpError."""
    path, parameters = _split_path(argument, "TO:", replies.BAD_RECIPIENT)
    _parameters(parameters, {})
    try:
        address = parse_path(path, utf8=is_utf8, is_domain_optional=is_domain_optional)
    except BadAddress as error:
        raise _bad_address(error, replies.BAD_RECIPIENT, replies.RECIPIENT_NOT_ASCII) from None
    if address is None:
        raise SmtpError(replies.BAD_RECIPIENT.with_text("a recipient cannot be empty"), Fault.BAD_ARGUMENT)
    return Rcpt(address)


def _split_path(argument: bytes, keyword: str, complaint: Reply) -> tuple[str, str]:
    """What stands after the keyword, cut behind the path. Space before the path is wrong and common: it is forgiven."""
    try:
        text = argument.decode("utf-8")
    except UnicodeDecodeError:
        raise SmtpError(complaint.with_text("this is not UTF-8 text"), Fault.BAD_ARGUMENT) from None
    if text[: len(keyword)].upper() != keyword:
        raise SmtpError(replies.BAD_ARGUMENT.with_text(f"{keyword}<address> is wanted"), Fault.BAD_ARGUMENT)
    try:
        path, parameters = split_path(text[len(keyword) :].lstrip(" "))
    except BadAddress as error:
        raise SmtpError(complaint.with_text(str(error)), Fault.BAD_ARGUMENT) from None
    if parameters and not parameters.startswith(" "):
        raise SmtpError(complaint.with_text("a space is wanted after the address"), Fault.BAD_ARGUMENT)
    return path, parameters


def _bad_address(error: BadAddress, complaint: Reply, not_ascii: Reply) -> SmtpError:
    return SmtpError(not_ascii if error.needs_utf8 else complaint.with_text(str(error)), Fault.BAD_ARGUMENT)


def _parameters(text: str, known: Mapping[str, Callable[[str | None], bool]]) -> dict[str, str]:
    """Parameters by keyword, each checked (RFC 5321 s4.1.1.11: 555 for one that is not known)."""
    values: dict[str, str] = {}
    for word in text.split():
        keyword, equals, value = word.partition("=")
        keyword = keyword.upper()
        is_valid = known.get(keyword)
        if is_valid is None or (keyword == "BODY" and value.upper() == "BINARYMIME"):
            raise SmtpError(replies.UNKNOWN_PARAMETER, Fault.BAD_ARGUMENT)
        if keyword in values or not is_valid(value if equals else None):
            raise SmtpError(replies.BAD_ARGUMENT.with_text(f"bad {keyword}"), Fault.BAD_ARGUMENT)
        values[keyword] = value.upper()
    return values


def _is_number(value: str | None) -> bool:
    return value is not None and value.isascii() and value.isdecimal() and len(value) <= NUMBER_DIGITS


_MAIL_PARAMETERS: Mapping[str, Callable[[str | None], bool]] = {
    "SIZE": _is_number,
    "AUTH": lambda value: _is_xtext(value),
    "BODY": lambda value: value is not None and value.upper() in set(BodyType),
    "SMTPUTF8": lambda value: value is None,
}


def _parse_name(argument: bytes) -> str:
    # RFC 5321 s4.1.4: a name that cannot be verified is no reason to refuse; devices send anything.
    if not argument or len(argument) > NAME_LIMIT or not all(32 <= octet < 127 for octet in argument):
        raise SmtpError(replies.BAD_ARGUMENT.with_text("your host name is wanted here"), Fault.BAD_ARGUMENT)
    return argument.decode("ascii")


def _parse_text(argument: bytes) -> str:
    """A string of VRFY or EXPN; RFC 6531 s3.7.4.2: 8-bit only where SMTPUTF8 is said at the end."""
    text, space, last = argument.rpartition(b" ")
    if not space or last.upper() != b"SMTPUTF8":
        text = argument
        if not argument.isascii():
            raise SmtpError(replies.RECIPIENT_NOT_ASCII, Fault.BAD_ARGUMENT)
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        raise SmtpError(replies.BAD_ARGUMENT.with_text("this is not UTF-8 text"), Fault.BAD_ARGUMENT) from None


def _wanted(make: Callable[[str], Command]) -> Callable[[bytes], Command]:
    def parse(argument: bytes) -> Command:
        if not argument:
            raise SmtpError(replies.BAD_ARGUMENT.with_text("a name is wanted here"), Fault.BAD_ARGUMENT)
        return make(_parse_text(argument))

    return parse


def _bare(command: Command) -> Callable[[bytes], Command]:
    """RFC 5321 s4.3.2: 501 for an argument where none is allowed."""

    def parse(argument: bytes) -> Command:
        if argument:
            raise SmtpError(replies.BAD_ARGUMENT.with_text(f"{command.verb} takes no argument"), Fault.BAD_ARGUMENT)
        return command

    return parse


def parse_bdat(argument: bytes) -> Bdat:
    """BDAT size [LAST]. Raises SmtpError, a fatal one: nobody knows how many octets to skip (RFC 3030 s2)."""
    size, _, marker = argument.partition(b" ")
    if not size.isdigit() or len(size) > NUMBER_DIGITS or marker.strip().upper() not in (b"", b"LAST"):
        complaint = replies.BAD_ARGUMENT.with_text("a size and perhaps LAST are wanted here")
        raise SmtpError(complaint, Fault.BAD_ARGUMENT, fatal=True)
    return Bdat(int(size), bool(marker))


def _parse_auth(argument: bytes) -> Auth:
    mechanism, _, initial = argument.partition(b" ")
    if not mechanism or not mechanism.isascii():
        raise SmtpError(replies.BAD_ARGUMENT.with_text("AUTH takes a mechanism"), Fault.BAD_ARGUMENT)
    return Auth(mechanism.decode("ascii").upper(), _decode(initial) if initial else None)


def parse_auth_response(line: bytes) -> AuthResponse:
    """A line of a SASL exchange; "*" cancels it (RFC 4954 s4). Raises SmtpError."""
    return AuthResponse(None if line == b"*" else _decode(line))


def _decode(text: bytes) -> bytes:
    try:
        return parse_base64(text)
    except RemoteProtocolError:
        raise SmtpError(replies.NOT_BASE64, Fault.BAD_ARGUMENT) from None


def _is_xtext(value: str | None) -> bool:
    """RFC 4954 s5: "<>", or a mailbox as xtext (RFC 3461 s4); who vouches for whom is taken note of by nobody."""
    return value is not None and 0 < len(value) <= XTEXT_LIMIT and value.isascii() and value.isprintable()


_VERBS: Mapping[bytes, Verb] = {
    verb.encode("ascii"): verb for verb in Verb if verb not in (Verb.BODY, Verb.CONNECT, Verb.RESPONSE)
}  # fmt: skip

_BARE: Mapping[bytes, Command] = {each.verb.encode("ascii"): each for each in (Data(), Noop(), Quit(), Rset())}
_WITH_PATH = frozenset({b"MAIL ", b"RCPT "})
_PLAIN_LINE = re.compile(
    rb"(MAIL FROM|RCPT TO):<([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)@([A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*)>"
    rb"(?: SIZE=([0-9]{1,%d}))?" % NUMBER_DIGITS
)

_PARSERS: Mapping[Verb, Callable[[bytes], Command]] = {
    Verb.AUTH: _parse_auth,
    Verb.BDAT: parse_bdat,
    Verb.DATA: _bare(Data()),
    Verb.EHLO: lambda argument: Ehlo(_parse_name(argument)),
    Verb.EXPN: _wanted(Expn),
    Verb.HELO: lambda argument: Helo(_parse_name(argument)),
    Verb.HELP: lambda argument: Help(argument.decode("ascii", "replace")),
    Verb.LHLO: lambda argument: Lhlo(_parse_name(argument)),
    Verb.NOOP: lambda _: Noop(),
    Verb.QUIT: _bare(Quit()),
    Verb.RSET: _bare(Rset()),
    Verb.STARTTLS: _bare(StartTls()),
    Verb.VRFY: _wanted(Vrfy),
    Verb.XCLIENT: parse_xclient,
}
