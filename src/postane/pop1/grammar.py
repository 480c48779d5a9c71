"""POP1's grammar: command lines and reply lines, octets <-> values.

RFC 918 s(Definitions of Commands and Replies). Every `parse_x` has a `format_x` that undoes it. Octets become text here
and nowhere else. The command that the text calls RCEV is RECV in the RFC's diagram: both are read, RCEV is written.

Must not know: which command is allowed when.
"""

from collections.abc import Callable, Mapping

from postane.wire.errors import Fault, RemoteProtocolError

from .commands import Command, Noop, Pass, Quit, Rcev, Rcvd, Rdel, Retr, Rset, User, Verb
from .replies import Length, Line, Reply

LINE_LIMIT = 512
"""Octets of a command line with its CRLF: RFC 918 has no bound, this is that of RFC 937."""

REPLY_LIMIT = 512
"""Octets of a reply line with its CRLF, by the same measure."""

NUMBER_DIGITS = 15
"""Digits of a length that is still looked at: no mailbox has more octets."""


def split_command(line: bytes) -> tuple[Verb, bytes]:
    """The verb and the octets of its argument. Raises RemoteProtocolError."""
    if b"\0" in line:
        raise RemoteProtocolError("NUL in a command", Fault.SYNTAX)
    keyword, _, argument = line.partition(b" ")
    verb = _KEYWORDS.get(keyword.upper())
    if verb is None:
        raise RemoteProtocolError("unknown command", Fault.UNKNOWN_COMMAND)
    return verb, argument


def parse_command(verb: Verb, argument: bytes) -> Command:
    """The command with its argument. Raises RemoteProtocolError (BAD_ARGUMENT)."""
    return _PARSERS[verb](argument)


def _text(octets: bytes, what: str) -> str:
    """An argument that is a name: UTF-8, of which ASCII is a part, without control characters."""
    try:
        text = octets.strip().decode("utf-8")
    except UnicodeDecodeError:
        raise RemoteProtocolError(f"{what} is not UTF-8 text", Fault.BAD_ARGUMENT) from None
    if any(letter < " " or letter == "\x7f" for letter in text):
        raise RemoteProtocolError(f"control character in {what}", Fault.BAD_ARGUMENT)
    return text


def _parse_user(argument: bytes) -> User:
    name = _text(argument, "the name")
    if not name:
        raise RemoteProtocolError("USER takes a name", Fault.BAD_ARGUMENT)
    return User(name)


def _parse_pass(argument: bytes) -> Pass:
    if not argument:
        raise RemoteProtocolError("PASS takes a password", Fault.BAD_ARGUMENT)
    return Pass(argument.decode("utf-8", "surrogateescape"))


def _mailbox(make: Callable[[str | None], Command]) -> Callable[[bytes], Command]:
    return lambda argument: make(_text(argument, "the mailbox") or None)


def _bare(command: Command) -> Callable[[bytes], Command]:
    """A command that takes no argument; the value is the same each time."""

    def parse(argument: bytes) -> Command:
        if argument.strip():
            raise RemoteProtocolError(f"{command.verb} takes no argument", Fault.BAD_ARGUMENT)
        return command

    return parse


_KEYWORDS: Mapping[bytes, Verb] = {
    **{verb.encode(): verb for verb in Verb if verb is not Verb.OPEN},
    b"RECV": Verb.RCEV,
}

_PARSERS: Mapping[Verb, Callable[[bytes], Command]] = {
    Verb.NOOP: _bare(Noop()),
    Verb.PASS: _parse_pass,
    Verb.QUIT: _bare(Quit()),
    Verb.RCEV: _bare(Rcev()),
    Verb.RCVD: _bare(Rcvd()),
    Verb.RDEL: _mailbox(Rdel),
    Verb.RETR: _mailbox(Retr),
    Verb.RSET: _bare(Rset()),
    Verb.USER: _parse_user,
}


def format_command(command: Command) -> bytes:
    """A command as a client sends it. Raises ValueError where its argument cannot be written on one line."""
    match command:
        case User(argument) | Pass(argument):
            words = [command.verb, argument]
        case Retr(mailbox) | Rdel(mailbox):
            words = [command.verb] if mailbox is None else [command.verb, mailbox]
        case _:
            words = [command.verb]
    line = " ".join(words).encode("utf-8", "surrogateescape") + b"\r\n"
    if not all(words) or any(octet in line[:-2] for octet in b"\r\n\0"):
        raise ValueError(f"the argument of {command.verb} is empty, or holds CR, LF or NUL")
    if len(line) > LINE_LIMIT:
        raise ValueError(f"{command.verb} is longer than {LINE_LIMIT} octets")
    return line


def format_line(line: Line) -> bytes:
    """A reply line: printable ASCII, cut to its limit."""
    match line:
        case Length(octets):
            words = f"#{octets}"
        case Reply(is_ok, text):
            words = f"{'+OK' if is_ok else '-ERR'} {text}"
    written = words.encode("ascii", "replace").translate(_PRINTABLE)
    return written[: REPLY_LIMIT - 2].rstrip() + b"\r\n"


def parse_line(line: bytes) -> Line:
    """A reply line. Raises RemoteProtocolError."""
    word, _, rest = line.partition(b" ")
    if word.upper() in (b"+OK", b"-ERR"):
        return Reply(word.upper() == b"+OK", rest.decode("utf-8", "replace"))
    if line[:1] in (b"+", b"-"):  # RFC 918 s(Definitions of Commands and Replies) has "-Error" too
        return Reply(line[:1] == b"+", line[1:].decode("utf-8", "replace"))
    digits = word[1:]
    if word[:1] != b"#" or not digits.isdigit() or len(digits) > NUMBER_DIGITS:
        raise RemoteProtocolError("a reply begins with +, - or # and a number", Fault.SYNTAX)
    return Length(int(digits))


_PRINTABLE = bytes(octet if 32 <= octet < 127 else 32 for octet in range(256))
