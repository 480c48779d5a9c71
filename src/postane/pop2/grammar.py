"""POP2's grammar: command lines and reply lines, octets <-> values.

RFC 937 s(Formal Syntax), with s(Conventions) for quoting and numbers and s(Implementation Discussion) for the lengths
of lines. Every `parse_x` has a `format_x` that undoes it. Octets become text here and nowhere else.

Must not know: which command is allowed when.
"""

from collections.abc import Callable, Mapping

from postane.wire.errors import Fault, RemoteProtocolError

from .commands import Ackd, Acks, Command, Fold, Helo, Nack, Quit, Read, Retr, Verb
from .replies import Count, Err, Greeting, Length, Line, Ok

LINE_LIMIT = 512
"""Octets of a command line with its CRLF (RFC 937 s(Implementation Discussion))."""

REPLY_LIMIT = 512
"""Octets of a reply line with its CRLF (RFC 937 s(Implementation Discussion))."""

NUMBER_DIGITS = 15
"""Digits of a number that is still looked at: no mailbox has more messages, and no message more octets."""

_QUOTE = 0x5C  # backslash
_SPACE = 0x20


def split_command(line: bytes) -> tuple[Verb, bytes]:
    """The verb and the octets of its arguments, still quoted. Raises RemoteProtocolError."""
    if b"\0" in line:
        raise RemoteProtocolError("NUL in a command", Fault.SYNTAX)
    keyword, _, argument = line.partition(b" ")
    verb = _KEYWORDS.get(keyword.upper())
    if verb is None:
        raise RemoteProtocolError("unknown command", Fault.UNKNOWN_COMMAND)
    return verb, argument


def parse_command(verb: Verb, argument: bytes) -> Command:
    """The command with its arguments. Raises RemoteProtocolError (BAD_ARGUMENT)."""
    return _PARSERS[verb](argument)


def unquote(octets: bytes) -> bytes:
    """RFC 937 s(Conventions), quoting: what follows a backslash stands for itself. Raises RemoteProtocolError."""
    plain = bytearray()
    start = 0
    while (at := octets.find(_QUOTE, start)) >= 0:
        if at + 1 == len(octets):
            raise RemoteProtocolError("nothing follows a backslash", Fault.BAD_ARGUMENT)
        plain += octets[start:at] + octets[at + 1 : at + 2]
        start = at + 2
    return bytes(plain + octets[start:])


def quote(octets: bytes) -> bytes:
    """The inverse of `unquote`: a backslash before each space and each backslash."""
    return octets.replace(b"\\", b"\\\\").replace(b" ", b"\\ ")


def _end_of_word(octets: bytes) -> int:
    """Where the first space is that is not quoted; the length where there is none."""
    at = 0
    while at < len(octets) and octets[at] != _SPACE:
        at += 2 if octets[at] == _QUOTE else 1
    return min(at, len(octets))


def _text(octets: bytes, what: str) -> str:
    """An argument that is a name: UTF-8, of which ASCII is a part, without control characters."""
    try:
        text = unquote(octets).decode("utf-8")
    except UnicodeDecodeError:
        raise RemoteProtocolError(f"{what} is not UTF-8 text", Fault.BAD_ARGUMENT) from None
    if any(letter < " " or letter == "\x7f" for letter in text):
        raise RemoteProtocolError(f"control character in {what}", Fault.BAD_ARGUMENT)
    return text


def _number(octets: bytes) -> int:
    if not octets.isdigit() or len(octets) > NUMBER_DIGITS:
        raise RemoteProtocolError("a number is wanted here", Fault.BAD_ARGUMENT)
    return int(octets)


def _parse_helo(argument: bytes) -> Helo:
    # The grammar has one space and quotes those of the password. Clients are known that quote nothing: the rest of the
    # line is the password, which changes nothing for those that do.
    argument = argument.lstrip(b" ")
    end = _end_of_word(argument)
    user, password = argument[:end], argument[end + 1 :]
    if not user or not password:
        raise RemoteProtocolError("HELO takes a user and a password", Fault.BAD_ARGUMENT)
    return Helo(_text(user, "the user"), unquote(password).decode("utf-8", "surrogateescape"))


def _parse_fold(argument: bytes) -> Fold:
    # A <mailbox> is a <string>: spaces in it need no quoting.
    if not argument:
        raise RemoteProtocolError("FOLD takes a mailbox", Fault.BAD_ARGUMENT)
    return Fold(_text(argument, "the mailbox"))


def _parse_read(argument: bytes) -> Read:
    argument = argument.strip()
    return Read(_number(argument) if argument else None)


def _bare(command: Command) -> Callable[[bytes], Command]:
    """A command that takes no argument; the value is the same each time."""

    def parse(argument: bytes) -> Command:
        if argument.strip():
            raise RemoteProtocolError(f"{command.verb} takes no argument", Fault.BAD_ARGUMENT)
        return command

    return parse


_KEYWORDS: Mapping[bytes, Verb] = {verb.encode(): verb for verb in Verb if verb is not Verb.OPEN}

_PARSERS: Mapping[Verb, Callable[[bytes], Command]] = {
    Verb.ACKD: _bare(Ackd()),
    Verb.ACKS: _bare(Acks()),
    Verb.FOLD: _parse_fold,
    Verb.HELO: _parse_helo,
    Verb.NACK: _bare(Nack()),
    Verb.QUIT: _bare(Quit()),
    Verb.READ: _parse_read,
    Verb.RETR: _bare(Retr()),
}


def format_command(command: Command) -> bytes:
    """A command as a client sends it. Raises ValueError where an argument cannot be written on one line."""
    match command:
        case Helo(user, password):
            words = [user.encode(), password.encode("utf-8", "surrogateescape")]
        case Fold(mailbox):
            words = [mailbox.encode()]
        case Read(number):
            words = [] if number is None else [b"%d" % number]
        case _:
            words = []
    if not all(words) or any(octet in word for word in words for octet in b"\r\n\0"):
        raise ValueError(f"an argument of {command.verb} is empty, or holds CR, LF or NUL")
    line = b" ".join([command.verb.encode(), *map(quote, words)]) + b"\r\n"
    if len(line) > LINE_LIMIT:
        raise ValueError(f"{command.verb} is longer than {LINE_LIMIT} octets")
    return line


def format_line(line: Line) -> bytes:
    """A reply line: printable ASCII, cut to its limit."""
    match line:
        case Greeting(host, text):
            words = f"+ POP2 {host} {text}"
        case Ok(text):
            words = f"+ {text}"
        case Err(text):
            words = f"- {text}"
        case Count(number, text):
            words = f"#{number} {text}"
        case Length(octets, text):
            words = f"={octets} {text}"
    written = words.encode("ascii", "replace").translate(_PRINTABLE)
    return written[: REPLY_LIMIT - 2].rstrip() + b"\r\n"


def parse_line(line: bytes) -> Ok | Err | Count | Length:
    """A reply line; a greeting is an Ok here. Raises RemoteProtocolError."""
    sign, text = line[:1], line[1:].decode("utf-8", "replace")
    if sign in (b"+", b"-"):  # RFC 937 s(Conventions), reply strings: only the first character is as specified
        return Ok(text.removeprefix(" ")) if sign == b"+" else Err(text.removeprefix(" "))
    digits, _, rest = line[1:].partition(b" ")
    if sign not in (b"#", b"=") or not digits.isdigit() or len(digits) > NUMBER_DIGITS:
        raise RemoteProtocolError("a reply begins with +, -, # or =, the last two with a number", Fault.SYNTAX)
    make = Count if sign == b"#" else Length
    return make(int(digits), rest.decode("utf-8", "replace"))


def parse_greeting(line: bytes) -> Greeting:
    """The first line that a server says, when it is willing. Raises RemoteProtocolError."""
    words = line.decode("utf-8", "replace").split(" ", 3)
    if words[:2] != ["+", "POP2"] or len(words) < 3 or not words[2]:
        raise RemoteProtocolError("not the greeting of a POP2 server", Fault.SYNTAX)
    return Greeting(words[2], words[3] if len(words) > 3 else "")


_PRINTABLE = bytes(octet if 32 <= octet < 127 else 32 for octet in range(256))
