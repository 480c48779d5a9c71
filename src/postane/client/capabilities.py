"""What a server says it can do, read from its CAPA reply.

RFC 2449 s5 and s6, RFC 5034 s3 (SASL), RFC 2595 s4 (STLS), RFC 6856 s2 and s3 (UTF8, LANG). A server may lie in both
directions: whoever needs to know tries.

Must not know: when it was asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from postane.pop3.capabilities import Bound

from .errors import printable


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Names in capitals, with the arguments of all the lines that bear the name."""

    lines: Mapping[str, tuple[str, ...]]

    def has(self, name: str) -> bool:
        """Whether the server says it has this."""
        return name.upper() in self.lines

    def arguments(self, name: str) -> tuple[str, ...]:
        """What stands after the name; empty where the name does not stand either."""
        return self.lines.get(name.upper(), ())

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """SASL's, in capitals (RFC 5034 s3)."""
        return tuple(word.upper() for word in self.arguments("SASL"))

    @property
    def expire(self) -> Bound | None:
        """Days that a message is kept, Bound(None): for ever (RFC 2449 s6.7); None: nothing is said."""
        return _bound(self.arguments("EXPIRE"))

    @property
    def login_delay(self) -> Bound | None:
        """Seconds between two logins (RFC 2449 s6.5); None: nothing is said."""
        bound = _bound(self.arguments("LOGIN-DELAY"))
        return None if bound is None or bound.value is None else bound

    @property
    def implementation(self) -> str | None:
        """What the server calls itself (RFC 2449 s6.9)."""
        return " ".join(self.arguments("IMPLEMENTATION")) or None

    def __str__(self) -> str:
        return ", ".join(" ".join((name, *words)) for name, words in self.lines.items())


def parse_capabilities(octets: bytes) -> Capabilities:
    """The lines of a CAPA reply. Reads anything."""
    lines: dict[str, tuple[str, ...]] = {}
    for line in octets.decode("utf-8", "replace").split("\r\n"):
        name, *words = printable(line).split() or [""]
        if name:
            lines[name.upper()] = lines.get(name.upper(), ()) + tuple(words)
    return Capabilities(lines)


DIGITS = 9
"""Of a number of days or seconds that is believed."""


def _bound(words: tuple[str, ...]) -> Bound | None:
    if not words:
        return None
    number = words[0].upper()
    may_differ = any(word.upper() == "USER" for word in words[1:])
    if number == "NEVER":
        return Bound(None, may_differ)
    return Bound(int(number), may_differ) if number.isascii() and number.isdigit() and len(number) <= DIGITS else None
