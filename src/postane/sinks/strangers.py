"""Messages at a destination that bear no key of ours: somebody else's, or ours that a mail reader has renamed or
rewritten. Their header parts tell, as far as they can: by a field with our mark that stands elsewhere now, and by the
`id` of the Received field that stood before the message (RFC 5321 s4.4).

Must not know: files.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .keys import FIELD, MARK_LENGTH, mark

HEADER = 64 * 1024
"""Octets of a header part that are looked at; what was put before a message stands at its beginning."""

_OURS = f"{FIELD}:".encode().lower()
_FOLDED = re.compile(rb"\r?\n[ \t]+")
_END = re.compile(rb"\r?\n\r?\n")
_ID = re.compile(rb"^Received:[^\r\n]*?\sid ([!-~]+)", re.IGNORECASE | re.MULTILINE)
_MARK = re.compile(rb"^%s:\s*([0-9a-f]{%d})\s*$" % (FIELD.encode(), MARK_LENGTH), re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Strangers:
    """How many there are, and what their header parts name."""

    count: int
    ids: frozenset[str]
    marks: frozenset[str]

    def resembling(self, wanted: Mapping[str, str]) -> set[str]:
        """Which keys they may have: see Sink. Without an `id` it may be any of them."""
        return {
            key
            for key, name in wanted.items()
            if mark(key) in self.marks or (name in self.ids if name else bool(self.count))
        }


def read_strangers(beginnings: Iterable[bytes]) -> Strangers:
    """What the beginnings of messages tell."""
    count, ids, marks = 0, set[str](), set[str]()
    for beginning in beginnings:
        count += 1
        header = _FOLDED.sub(b" ", _END.split(beginning, 1)[0])
        ids |= {each.decode("ascii") for each in _ID.findall(header)}
        marks |= {each.decode("ascii").lower() for each in _MARK.findall(header)}
    return Strangers(count, frozenset(ids), frozenset(marks))


def mbox_strangers(descriptor: int) -> Iterator[bytes]:
    """The header parts of the messages of an open mbox that do not begin with our field. Raises OSError."""
    for header in _mbox_headers(descriptor):
        if not header.lower().startswith(_OURS):
            yield header


def _mbox_headers(descriptor: int) -> Iterator[bytes]:
    header, is_header, is_line_start = bytearray(), False, True
    with open(descriptor, "rb", closefd=False) as file:
        file.seek(0)
        while line := file.readline(HEADER):
            if is_line_start and line.startswith(b"From "):
                if is_header:
                    yield bytes(header)
                header, is_header = bytearray(), True
            elif is_header and is_line_start and line in (b"\n", b"\r\n"):
                yield bytes(header)
                is_header = False
            elif is_header and len(header) < HEADER:
                header += line
            is_line_start = line.endswith(b"\n")
    if is_header:
        yield bytes(header)
