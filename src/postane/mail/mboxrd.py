"""Many messages in one stream of octets, and the way back: mbox in its "rd" form, with CRLF line ends.

Each message stands after a postmark, the line `From SENDER DATE` (asctime, in UTC), and before an empty line. A line of
a message that is `From ` after any number of `>` gets one more `>`, so that only postmarks begin with `From `: nothing
is lost, and nothing in a message can be taken for the next one. A bare LF is seen as a line's end too, as by the
programs that read mboxes; it stays as it is.

Must not know: files, protocols.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

NOBODY = "MAILER-DAEMON"
"""Who a postmark names where the envelope had the null sender."""

SEPARATOR = b"\r\n"
"""The empty line after each message."""

SENDER_LIMIT = 400
"""Characters of a sender that are kept; a path has at most 256 octets (RFC 5321 s4.5.3.1.3)."""

POSTMARK_LIMIT = 2000
"""Octets of a postmark with its line end."""

_WORD = b"From "
_QUOTABLE = re.compile(rb"^(>*+From )", re.MULTILINE)
_QUOTED = re.compile(rb"^>(>*+From )", re.MULTILINE)
_POSTMARK = re.compile(rb"^From [^\n]*+\n", re.MULTILINE)
_DATE = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ 0-3][0-9]) ([0-2][0-9]):([0-5][0-9]):([0-5][0-9]) ([0-9]{4})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNSAFE = re.compile("[\x00-\x1f\x7f]")


class BadMailbox(Exception):
    """The octets are no mbox."""


@dataclass(frozen=True, slots=True)
class Postmark:
    """The line before a message. `sender` is "" for the null sender; `arrived` is in seconds since the epoch, None
    where the line has no date that can be read."""

    sender: str
    arrived: float | None


@dataclass(frozen=True, slots=True)
class Piece:
    """The next octets of a message."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MessageEnd:
    """The message is complete."""


Part = Postmark | Piece | MessageEnd


def format_postmark(sender: str, arrived: float) -> bytes:
    """The line before a message, whole seconds; what could end a line in `sender` is replaced."""
    date = datetime.fromtimestamp(int(arrived), UTC).ctime()
    return f"From {_UNSAFE.sub('?', sender[:SENDER_LIMIT]) or NOBODY} {date}\r\n".encode("utf-8", "replace")


def parse_postmark(line: bytes) -> Postmark:
    """The inverse of `format_postmark`; takes a line without a date, too."""
    text = line.decode("utf-8", "replace").rstrip("\r\n").removeprefix("From ")
    found = _DATE.fullmatch(text[-24:])
    arrived = _seconds(found) if found else None
    sender = text[:-25] if arrived is not None else text.partition(" ")[0]
    return Postmark("" if sender == NOBODY else sender, arrived)


def _seconds(found: re.Match[str]) -> float | None:
    month, day, hour, minute, second, year = found.groups()
    if month not in _MONTHS:
        return None
    try:
        at = datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        return None
    return at.timestamp()


class Quoter:
    """Octets of one message in, the same octets as they stand in a mailbox out; any split gives the same.

    `finish` gives what is still owed: a line end where the last line lacks one, and the separator.
    """

    __slots__ = ("_held", "_is_head", "_last")

    def __init__(self) -> None:
        self._held = b""  # what may still grow into `From `
        self._is_head = True  # the line so far is nothing but `>`, and what is held
        self._last = b"\n"

    def feed(self, octets: bytes) -> bytes:
        """The next octets, quoted."""
        if not octets:
            return b""
        self._last = octets[-1:]
        octets, was_head = self._held + octets, self._is_head
        start = octets.rfind(b"\n") + 1
        rest = octets[start:].lstrip(b">") if start or was_head else b"x"
        self._is_head = _WORD.startswith(rest) and rest != _WORD
        self._held = rest if self._is_head else b""
        return _replace(_QUOTABLE, rb">\1", octets[: len(octets) - len(self._held)], was_head)

    def finish(self) -> bytes:
        """The message is complete: what ends it."""
        held, self._held = self._held, b""
        return held + (SEPARATOR if self._last == b"\n" else b"\r\n" + SEPARATOR)


def _replace(pattern: re.Pattern[bytes], by: bytes, octets: bytes, is_line_start: bool) -> bytes:
    """Replace at line starts; whether the first octet stands at one must be said."""
    if _WORD not in octets:
        return octets
    return pattern.sub(by, octets) if is_line_start else pattern.sub(by, b"x" + octets)[1:]


class Splitter:
    """A mailbox in, its messages out: for each a Postmark, any number of Pieces, and a MessageEnd.

    Any split gives the same parts, apart from where Pieces are cut. No more is held than a postmark. After BadMailbox
    nothing more is to be fed.
    """

    __slots__ = ("_held", "_is_head", "_is_open")

    def __init__(self) -> None:
        self._held = b""
        self._is_head = True  # what is held, or comes next, stands at a line's start or after nothing but `>`
        self._is_open = False  # a message is begun

    def feed(self, octets: bytes) -> list[Part]:
        """The parts that are complete now. Raises BadMailbox."""
        octets, was_head = self._held + octets, self._is_head
        stop = _stop(octets, was_head)
        ready, self._held = octets[:stop], octets[stop:]
        if len(self._held.removeprefix(SEPARATOR)) >= POSTMARK_LIMIT:
            raise BadMailbox("a postmark without an end")
        if ready:
            self._is_head = bool(self._held) or ready.endswith(b"\n")
        return list(self._part(ready, was_head))

    def finish(self) -> list[Part]:
        """The mailbox is complete. Raises BadMailbox where it breaks off inside a postmark."""
        held, self._held = self._held, b""
        if held.removeprefix(SEPARATOR).startswith(_WORD):
            raise BadMailbox("the mailbox breaks off inside a postmark")
        if self._is_open:
            return [*_pieces(b"" if held == SEPARATOR else held), MessageEnd()]
        if held:
            raise BadMailbox("the mailbox does not begin with a postmark")
        return []

    def _part(self, ready: bytes, is_head: bool) -> Iterator[Part]:
        start = 0
        for found in _find_postmarks(ready, is_head):
            yield from self._close(ready[start : found.start()], is_head)
            self._is_open = True
            yield parse_postmark(found[0])
            start, is_head = found.end(), True
        if ready[start:]:
            if not self._is_open:
                raise BadMailbox("the mailbox does not begin with a postmark")
            yield from _pieces(_replace(_QUOTED, rb"\1", ready[start:], is_head))

    def _close(self, body: bytes, is_head: bool) -> Iterator[Part]:
        """The end of a message, without the empty line that parts it from the next."""
        if self._is_open:
            if _ends_in_separator(body, is_head):
                body = body.removesuffix(SEPARATOR)
            yield from _pieces(_replace(_QUOTED, rb"\1", body, is_head))
            yield MessageEnd()
        elif body:
            raise BadMailbox("the mailbox does not begin with a postmark")


def _find_postmarks(ready: bytes, is_head: bool) -> Iterator[re.Match[bytes]]:
    if _WORD not in ready:
        return
    start = 0 if is_head else ready.find(b"\n") + 1 or len(ready)
    for found in _POSTMARK.finditer(ready, start):
        if len(found[0]) > POSTMARK_LIMIT:
            raise BadMailbox("a postmark without an end")
        yield found


def _pieces(octets: bytes) -> Iterator[Piece]:
    if octets:
        yield Piece(octets)


def _stop(octets: bytes, is_head: bool) -> int:
    """Up to where it is certain what the octets are: before a beginning of a postmark or of a quoted line, and before
    the empty line that may part two messages."""
    line = octets.rfind(b"\n") + 1
    if not line and not is_head:
        return len(octets)
    tail = octets[line:]
    rest = tail.lstrip(b">")
    quotes = len(tail) - len(rest)
    if quotes:  # one `>` is enough to know a quoted line by
        return len(octets) - len(rest) - 1 if _is_beginning(rest) else len(octets)
    if rest == b"\r":
        return line
    if not _is_beginning(rest) and not rest.startswith(_WORD):
        return len(octets)
    return line - len(SEPARATOR) if _ends_in_separator(octets[:line], is_head) else line


def _ends_in_separator(octets: bytes, is_head: bool) -> bool:
    """Whether the last line is an empty one; whether the first octet stands at a line's start must be said."""
    return octets.endswith(b"\n" + SEPARATOR) or (octets == SEPARATOR and is_head)


def _is_beginning(rest: bytes) -> bool:
    """Whether it may still grow into `From `."""
    return _WORD.startswith(rest) and rest != _WORD
