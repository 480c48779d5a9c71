"""POP3's grammar: command lines and replies, octets <-> values.

RFC 1939 s3 (lines, replies), s5 to s7 (commands), RFC 2449 s4 to s8 (limits, response codes), RFC 5034 s4 (SASL).
Every `parse_x` has a `format_x` that undoes it. Octets become text here and nowhere else.

Must not know: which command is allowed when.
"""

import functools
import re
from collections.abc import Callable, Mapping

from postane.wire.base64_text import format_base64, format_initial, parse_base64
from postane.wire.errors import Fault, RemoteProtocolError
from postane.wire.phrases import Tongue, phrase

from .commands import (
    Apop,
    Auth,
    AuthResponse,
    Capa,
    Command,
    Dele,
    Lang,
    Last,
    List,
    Noop,
    Pass,
    Quit,
    Retr,
    Rpop,
    Rset,
    Stat,
    Stls,
    Top,
    Uidl,
    User,
    Utf8,
    Verb,
    Xtnd,
)
from .replies import Reply

LINE_LIMIT = 255
"""Octets of a command line with its CRLF (RFC 2449 s4)."""

SASL_LIMIT = 64 * 1024
"""Octets of an AUTH line or of a SASL response: access tokens take several kB (RFC 7628 s3.1 has no bound)."""

REPLY_LIMIT = 512
"""Octets of the first line of a reply with its CRLF (RFC 1939 s3)."""

NUMBER_DIGITS = 10
"""Digits of a number that is still looked at: no maildrop has more messages."""


def split_command(line: bytes) -> tuple[Verb, bytes]:
    """The verb and the octets of its arguments. Raises RemoteProtocolError.

    RFC 1939 s3: a keyword, case-insensitive, then arguments, each after a single space; more spaces do no harm.
    """
    if b"\0" in line:
        raise RemoteProtocolError("NUL in a command", Fault.SYNTAX)
    keyword, _, argument = line.partition(b" ")
    verb = _KEYWORDS.get(keyword) or _KEYWORDS.get(keyword.upper())
    if verb is None:
        raise RemoteProtocolError("unknown command", Fault.UNKNOWN_COMMAND)
    return verb, argument


def glance(line: bytes) -> Command | None:
    """A command as nearly everybody writes it, in capitals and with a number or nothing; None: look closer."""
    command = _BARE.get(line)
    if command is None and line[:4] in _NUMBERED:  # nothing that is secret is remembered
        return _numbered_line(line)
    return command


@functools.lru_cache(maxsize=1024)
def _numbered_line(line: bytes) -> Command | None:
    found = _NUMBERED_LINE.fullmatch(line)
    return None if found is None else _NUMBERED[found[1]](int(found[2]))


def parse_command(verb: Verb, argument: bytes) -> Command:
    """The command with its arguments. Raises RemoteProtocolError (BAD_ARGUMENT)."""
    return _PARSERS[verb](argument)


def _text(octets: bytes) -> str:
    """An argument that is a name: UTF-8, of which ASCII is a part, without control characters."""
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise RemoteProtocolError("an argument is not UTF-8 text", Fault.BAD_ARGUMENT) from None
    if any(letter < " " or letter == "\x7f" for letter in text):
        raise RemoteProtocolError("an argument has a control character", Fault.BAD_ARGUMENT)
    return text


def _number(octets: bytes) -> int:
    """A message number or a count of lines: decimal digits."""
    if not octets.isdigit() or len(octets) > NUMBER_DIGITS:
        raise RemoteProtocolError("a number is wanted here", Fault.BAD_ARGUMENT)
    return int(octets)


def _bare(command: Command) -> Callable[[bytes], Command]:
    """A command that takes no argument; the value is the same each time."""

    def parse(argument: bytes) -> Command:
        if argument.strip():
            raise RemoteProtocolError(phrase("{verb} takes no argument", verb=command.verb), Fault.BAD_ARGUMENT)
        return command

    return parse


def _numbered(make: Callable[[int], Command]) -> Callable[[bytes], Command]:
    return lambda argument: make(_number(argument.strip()))


def _maybe_numbered(make: Callable[[int | None], Command]) -> Callable[[bytes], Command]:
    def parse(argument: bytes) -> Command:
        argument = argument.strip()
        return make(_number(argument) if argument else None)

    return parse


def _parse_user(argument: bytes) -> User:
    name = _text(argument.strip())
    if not name:
        raise RemoteProtocolError("USER takes a name", Fault.BAD_ARGUMENT)
    return User(name)


def _parse_pass(argument: bytes) -> Pass:
    # RFC 1939 s7, PASS: one argument, so spaces in it are part of the password.
    if not argument:
        raise RemoteProtocolError("PASS takes a password", Fault.BAD_ARGUMENT)
    return Pass(argument.decode("utf-8", "surrogateescape"))


def _parse_apop(argument: bytes) -> Apop:
    # RFC 1939 s7, APOP: the digest is sixteen octets in hexadecimal, lower case. A name may hold spaces.
    name, _, digest = argument.strip().rpartition(b" ")
    if not name or len(digest) != 32 or digest.strip(b"0123456789abcdefABCDEF"):
        raise RemoteProtocolError("APOP takes a name and a digest of 32 hexadecimal digits", Fault.BAD_ARGUMENT)
    return Apop(_text(name.strip()), digest.decode("ascii").lower())


def _parse_auth(argument: bytes) -> Auth:
    mechanism, _, initial = argument.strip().partition(b" ")
    if not mechanism:
        return Auth()
    return Auth(_text(mechanism).upper(), parse_base64(initial) if initial else None)


def _parse_top(argument: bytes) -> Top:
    numbers = argument.split()
    if len(numbers) != 2:
        raise RemoteProtocolError("TOP takes a message number and a number of lines", Fault.BAD_ARGUMENT)
    return Top(_number(numbers[0]), _number(numbers[1]))


def _parse_lang(argument: bytes) -> Lang:
    return Lang(_text(argument.strip()) or None)


def parse_auth_response(line: bytes) -> AuthResponse:
    """A line of a SASL exchange; "*" cancels it (RFC 5034 s4). Raises RemoteProtocolError."""
    return AuthResponse(None if line == b"*" else parse_base64(line))


_KEYWORDS: Mapping[bytes, Verb] = {verb.encode(): verb for verb in Verb if verb is not Verb.RESPONSE}

_PARSERS: Mapping[Verb, Callable[[bytes], Command]] = {
    Verb.APOP: _parse_apop,
    Verb.AUTH: _parse_auth,
    Verb.CAPA: _bare(Capa()),
    Verb.DELE: _numbered(Dele),
    Verb.LANG: _parse_lang,
    Verb.LAST: _bare(Last()),
    Verb.LIST: _maybe_numbered(List),
    Verb.NOOP: _bare(Noop()),
    Verb.PASS: _parse_pass,
    Verb.QUIT: _bare(Quit()),
    Verb.RESPONSE: parse_auth_response,
    Verb.RETR: _numbered(Retr),
    Verb.RPOP: lambda argument: Rpop(_text(argument.strip())),
    Verb.RSET: _bare(Rset()),
    Verb.STAT: _bare(Stat()),
    Verb.STLS: _bare(Stls()),
    Verb.TOP: _parse_top,
    Verb.UIDL: _maybe_numbered(Uidl),
    Verb.USER: _parse_user,
    Verb.UTF8: _bare(Utf8()),
    Verb.XTND: lambda argument: Xtnd(_text(argument.strip())),
}

_BARE: Mapping[bytes, Command] = {
    each.verb.encode(): each for each in (Capa(), List(), Noop(), Quit(), Rset(), Stat(), Uidl())
}

_NUMBERED: Mapping[bytes, Callable[[int], Command]] = {b"DELE": Dele, b"LIST": List, b"RETR": Retr, b"UIDL": Uidl}
_NUMBERED_LINE = re.compile(rb"([A-Z]{4}) ([0-9]{1,%d})" % NUMBER_DIGITS)

_CODE = re.compile(r"\[([A-Z0-9/._-]{1,40})\] ?", re.IGNORECASE)


def format_command(command: Command) -> bytes:
    """A command as a client sends it. Raises ValueError where an argument cannot be written on one line."""
    match command:
        case Dele(number=number) | Retr(number=number):  # by far the most
            return f"{command.verb} {number}\r\n".encode("ascii")
        case Apop(name, digest):
            words = [name, digest]
        case Auth(mechanism, initial):
            words = [mechanism or "", "" if initial is None else format_initial(initial).decode("ascii")]
        case AuthResponse(octets):
            return b"*\r\n" if octets is None else format_base64(octets) + b"\r\n"
        case Lang(tag):
            words = [tag or ""]
        case Pass(secret):
            words = [secret]
        case Top(number, lines):
            words = [str(number), str(lines)]
        case User(name) | Rpop(name) | Xtnd(name):
            words = [name]
        case List(number) | Uidl(number):
            words = [] if number is None else [str(number)]
        case _:
            words = []
    line = " ".join([command.verb, *(word for word in words if word)]).encode("utf-8", "surrogateescape")
    if any(octet in line for octet in b"\r\n\0"):
        raise ValueError(f"an argument of {command.verb} holds CR, LF or NUL")
    return line + b"\r\n"


def format_reply(reply: Reply, tongue: Tongue | None = None) -> bytes:
    """The first line of a reply, cut to its limit; a line end inside it becomes a space. None: in English."""
    said = str(reply.text) if tongue is None else tongue.say(reply.text)
    text = f"[{reply.code}] {said}" if reply.code else said
    status = "+OK" if reply.is_ok else "-ERR"
    words = f"{status} {text}".rstrip()
    if words.isascii() and words.isprintable() and len(words) <= REPLY_LIMIT - 2:  # nearly always
        return (words + "\r\n").encode("ascii")
    line = words.encode("utf-8", "replace")
    if len(line) > REPLY_LIMIT - 2:  # no character is cut
        line = line[: REPLY_LIMIT - 2].decode("utf-8", "ignore").encode()
    return line.translate(_NO_LINE_ENDS) + b"\r\n"


def parse_reply(line: bytes) -> Reply:
    """The first line of a reply. Raises RemoteProtocolError."""
    status, _, rest = line.partition(b" ")
    is_ok = status == b"+OK" or status.upper() == b"+OK"
    if not is_ok and status.upper() != b"-ERR":
        raise RemoteProtocolError("a reply begins with +OK or -ERR", Fault.SYNTAX, fatal=True)
    text = rest.decode("utf-8", "replace")
    code = _CODE.match(text) if text.startswith("[") else None
    if code is None:
        return Reply(is_ok, text)
    return Reply(is_ok, text[code.end() :], code[1].upper())


def find_stamp(text: str) -> str | None:
    """The APOP stamp in a greeting (RFC 1939 s7): the last `<...@...>`, in the form of an RFC 822 msg-id."""
    found = _STAMP.findall(text)
    return found[-1] if found else None


_STAMP = re.compile(r"<[!-;=?A-~]+@[!-;=?-~]+>")  # one @ parts it: a stamp of many takes no longer
_NO_LINE_ENDS = bytes(32 if octet in b"\r\n\0" else octet for octet in range(256))
