"""The header part of a message for clients that know nothing of UTF-8: a surrogate that is ASCII throughout.

RFC 6856 s2.1 wants one from a server that does not refuse the message, RFC 6858 s2 says what it may be. What is ASCII
stays as it is, octet for octet, and so does the body. A field that is not becomes, by its kind: addresses whose
display names are encoded words, those that are not ASCII themselves replaced by one that belongs to nobody
(RFC 6858 s2.1); parameters in the extended form (RFC 2231 s4; RFC 6858 s2.2 would leave them out); encoded words
(RFC 6858 s2.3); nothing, where its grammar has no room for them (RFC 6858 s2.4).

How many octets a surrogate has is kept in the index from the deposit on: a change here needs a new version of it.

Must not know: where messages are kept.
"""

import re
from collections.abc import Iterator

from .encoded_words import UNKNOWN, charset_of, encoded_words, extended_parameter, fold

HEADER_LIMIT = 64 * 1024
"""Octets of a header part that is understood; in a larger one, each octet that is not ASCII becomes a question mark."""

LINE_LIMIT = 998
"""Octets of a line (RFC 5322 s2.1.1): a field that needs a longer one is left out."""

NOBODY = "<invalid@internationalized-address.invalid>"
"""What stands for an address that cannot be written (RFC 6858 s2.1)."""

_ADDRESSES = re.compile(r"(resent-)?(bcc|cc|from|reply-to|sender|to)")
_PARAMETERS = frozenset({"content-type", "content-disposition"})
_LEFT_OUT = re.compile(
    r"received.*|(resent-)?(message-id|date)|in-reply-to|references|mime-version|delivered-to|list-.*|arc-.*"
    r"|content-(id|transfer-encoding|md5|language|location|features)|dkim-signature|authentication-results|autocrypt"
)
"""Fields whose grammar knows neither encoded words nor a way to do without some of their octets."""

_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:")
_FOLDING = re.compile(rb"\r\n(?=[ \t])")
_FIELDS = re.compile(rb"(?:(?!\r\n).)+?(?:\r\n(?:[ \t].*?\r\n)*|\Z)|\r\n", re.DOTALL)
_NOT_ASCII = bytes(octet if octet < 128 else ord("?") for octet in range(256))

_TOKEN = re.compile(
    rb'(?P<quoted>"(?:[^"\\]|\\.)*"?)|(?P<comment>\((?:[^()\\]|\\.)*\)?)|(?P<route><[^>]*>?)|(?P<literal>\[[^\]]*\]?)'
    rb'|(?P<mark>[,:;])|(?P<text>[^"(<\[,:;]+)',
    re.DOTALL,
)


def downgrade_header(octets: bytes) -> bytes:
    """The surrogate of a header part, or of whole fields of one; ASCII, and the same again for what is ASCII.

    Of two such parts one behind the other, the second of which begins with a field, it is the surrogates of both.
    """
    if octets.isascii():
        return octets
    if len(octets) > HEADER_LIMIT:
        return octets.translate(_NOT_ASCII)
    return b"".join(field if field.isascii() else _downgrade_field(field) for field in _FIELDS.findall(octets))


class Downgrader:
    """Takes a message in pieces and gives its surrogate; any split gives the same octets.

    `header_octets` reach through the empty line that ends the header part.
    """

    __slots__ = ("_header", "_is_large", "_left")

    def __init__(self, header_octets: int) -> None:
        self._left = header_octets
        self._is_large = header_octets > HEADER_LIMIT
        self._header: list[bytes] = []

    def feed(self, octets: bytes) -> bytes:
        """What can be given out after the next octets of the message."""
        if not self._left:
            return octets
        part = octets[: self._left]
        self._left -= len(part)
        if self._is_large:
            return part.translate(_NOT_ASCII) + octets[len(part) :]
        self._header.append(part)
        if self._left:
            return b""
        return downgrade_header(b"".join(self._header)) + octets[len(part) :]


def _downgrade_field(field: bytes) -> bytes:
    named = _NAME.match(field)
    if named is None:  # no field at all, but a reader may want it: a message without a header part, for one
        return field.translate(_NOT_ASCII)
    name = named[1].decode("ascii")
    value = _FOLDING.sub(b"", field[named.end() :].removesuffix(b"\r\n")).strip(b" \t")
    made = fold(name, _words(name.lower(), value))
    if not made.isascii() or any(len(line) > LINE_LIMIT for line in made.split("\r\n")):
        return b""
    return b"" if made.rstrip() == f"{name}:" else made.encode("ascii")


def _words(name: str, value: bytes) -> Iterator[str]:
    """The words that a field's value becomes; none: it is left out."""
    if name == "return-path":
        yield NOBODY  # RFC 6858 s2.1
    elif _ADDRESSES.fullmatch(name):
        yield from _addresses(value)
    elif name in _PARAMETERS:
        yield from _parameters(value)
    elif not _LEFT_OUT.fullmatch(name):
        yield from encoded_words(value, len(name) + 1)


def _addresses(value: bytes) -> Iterator[str]:
    """A list of addresses, in which there may be groups (RFC 5322 s3.4). Comments are left out."""
    tokens: list[tuple[str, bytes]] = []
    for found in _TOKEN.finditer(value):
        kind, octets = str(found.lastgroup), found[0]
        if kind != "mark":
            tokens.append((kind, octets))
            continue
        words = _group(tokens) if octets == b":" else _mailbox(tokens)
        tokens = []
        yield from _marked(words, octets.decode("ascii"))
    yield from _mailbox(tokens)


def _marked(words: list[str], mark: str) -> list[str]:
    return [*words[:-1], words[-1] + mark] if words else [mark]


def _group(tokens: list[tuple[str, bytes]]) -> list[str]:
    return _phrase(_display(tokens))


def _mailbox(tokens: list[tuple[str, bytes]]) -> list[str]:
    """A mailbox with its display name, or an address alone."""
    route = next((octets for kind, octets in tokens if kind == "route"), None)
    if route is None:
        address = b"".join(octets for kind, octets in tokens if kind != "comment").strip()
        if address.isascii():
            return [address.decode("ascii")] if address else []
        return [*encoded_words(address), NOBODY]
    display = _display(tokens)
    if route.isascii():
        return [*_phrase(display), route.decode("ascii")]
    return [*encoded_words(b" ".join(each for each in (display, route) if each)), NOBODY]


def _display(tokens: list[tuple[str, bytes]]) -> bytes:
    """The words before the angle bracket, without quotes."""
    kept = [_unquote(octets) if kind == "quoted" else octets for kind, octets in tokens if kind in _DISPLAYED]
    return b"".join(kept).strip()


_DISPLAYED = frozenset({"quoted", "text", "literal"})


def _phrase(display: bytes) -> list[str]:
    if not display:
        return []
    if display.isascii() and re.fullmatch(rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+", display):
        return display.decode("ascii").split()
    return encoded_words(display)


def _unquote(octets: bytes) -> bytes:
    return re.sub(rb"\\(.)", rb"\1", octets.strip(b'"'), flags=re.DOTALL)


def _parameters(value: bytes) -> Iterator[str]:
    """A value with parameters (RFC 2045 s5.1); one that cannot be read is left out (RFC 6858 s2.2)."""
    first, *rest = re.findall(rb'(?:"(?:[^"\\]|\\.)*"?|[^";])+', value, re.DOTALL) or [b""]
    if not first.isascii():
        return
    made = [word for each in rest for word in _parameter(each.strip())]
    words = [first.strip().decode("ascii"), *made]
    yield from (f"{word};" for word in words[:-1])
    yield words[-1]


def _parameter(octets: bytes) -> list[str]:
    if octets.isascii():
        return [octets.decode("ascii")] if octets else []
    name, _, value = octets.partition(b"=")
    name, value = name.strip(), value.strip()
    if not re.fullmatch(rb"[A-Za-z0-9!#$&+.^_`{|}~-]+", name) or charset_of(value) == UNKNOWN:
        return []
    text = _unquote(value) if value.startswith(b'"') else value
    return extended_parameter(name.decode("ascii"), text)
