"""Text that is not ASCII, written in header fields that must be.

RFC 2047 s2, s4 and s5 (encoded words, in the form that is allowed in a phrase too), RFC 2231 s3 and s4 (parameters),
RFC 5322 s2.2.3 (folding). Octets that are no UTF-8 are sent as they are under the name that RFC 1428 gave to such:
what they mean is the reader's guess, as it always was.

Must not know: which field it is.
"""

import base64
from collections.abc import Callable, Iterable, Iterator

WORD_LIMIT = 75
"""Characters of one encoded word (RFC 2047 s2)."""

LINE_LIMIT = 76
"""Characters of a line that has an encoded word (RFC 2047 s2)."""

ROOM_LEAST = 24
"""Characters that the first encoded word has at least: room for any letter, and then some."""

UNKNOWN = "unknown-8bit"
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/")
_ATTRIBUTE_PLAIN = _PLAIN - frozenset(b"*") | frozenset(b"._~")


def encoded_words(octets: bytes, used: int = 0) -> list[str]:
    """The text as encoded words, of which a reader makes the same text again; each character is whole in one word.

    The first leaves room for `used` characters before it on its line, where that is not too much.
    """
    charset = charset_of(octets)
    room = WORD_LIMIT - len(f"=?{charset}?q??=")
    first = room - used if used <= room - ROOM_LEAST else room
    if _quoted(octets) <= len(octets) * 4 // 3:
        pieces = _pieces(octets, charset, (first, room), _quoted)
        return [f"=?{charset}?q?{''.join(map(_quote, piece))}?=" for piece in pieces]
    pieces = _pieces(octets, charset, (first // 4 * 3, room // 4 * 3), len)
    return [f"=?{charset}?b?{base64.b64encode(piece).decode()}?=" for piece in pieces]


def extended_parameter(name: str, octets: bytes) -> list[str]:
    """A parameter in the extended form of RFC 2231 s4, in as many sections (s3) as its length takes."""
    charset = charset_of(octets)
    room = LINE_LIMIT - len(f" {name}*10*={charset}'';")
    pieces = list(_pieces(octets, charset, (room, room), _escaped))
    if len(pieces) <= 1:
        return [f"{name}*={charset}''{_escape(octets)}"]
    first, *rest = (_escape(piece) for piece in pieces)
    return [f"{name}*0*={charset}''{first}", *(f"{name}*{number}*={piece}" for number, piece in enumerate(rest, 1))]


def fold(name: str, words: Iterable[str]) -> str:
    """A field of these words, each with a space before it, in lines of at most LINE_LIMIT where the words allow it."""
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) <= LINE_LIMIT:
            lines[-1] += f" {word}"
        else:
            lines.append(f" {word}")
    return "".join(f"{line}\r\n" for line in lines)


def charset_of(octets: bytes) -> str:
    """The name of the character set of octets that are meant to be UTF-8."""
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return UNKNOWN
    return "utf-8"


def _pieces(octets: bytes, charset: str, limits: tuple[int, int], size: Callable[[bytes], int]) -> Iterator[bytes]:
    """The octets in pieces whose `size` has a limit, the first and the others; no character is cut."""
    units = [octets[at : at + 1] for at in range(len(octets))]
    if charset != UNKNOWN:
        units = [letter.encode() for letter in octets.decode("utf-8")]
    limit, piece, used = limits[0], b"", 0
    for unit in units:
        wanted = size(unit)
        if piece and used + wanted > limit:
            yield piece
            limit, piece, used = limits[1], b"", 0
        piece += unit
        used += wanted
    if piece:
        yield piece


def _quote(octet: int) -> str:
    if octet in _PLAIN:
        return chr(octet)
    return "_" if octet == 32 else f"={octet:02X}"


def _quoted(octets: bytes) -> int:
    return sum(len(_quote(octet)) for octet in octets)


def _escape(octets: bytes) -> str:
    return "".join(chr(octet) if octet in _ATTRIBUTE_PLAIN else f"%{octet:02X}" for octet in octets)


def _escaped(octets: bytes) -> int:
    return len(_escape(octets))
