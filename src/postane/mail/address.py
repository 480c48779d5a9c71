"""Addresses as an envelope carries them.

RFC 5321 s4.1.2 (paths and mailboxes), s4.1.3 (address literals), RFC 6531 s3.3 (UTF-8 in both parts). `parse_x`
takes text that was decoded, `format_x` undoes it with the least quoting possible.

Must not know: which addresses exist.
"""

import ipaddress
import re
from dataclasses import dataclass, field

PATH_LIMIT = 900
"""Octets of a path. RFC 5321 s4.5.3.1.3 asks for 256; some senders' addresses are longer, and a trace field that
names one must stay inside a line of 998 octets (RFC 5322 s2.1.1)."""

DOMAIN_LIMIT = 255
"""Octets of a domain (RFC 5321 s4.5.3.1.2)."""

POSTMASTER = "postmaster"


class BadAddress(ValueError):
    """The text is not an address; `needs_utf8` when it would be one under SMTPUTF8."""

    def __init__(self, text: str, *, needs_utf8: bool = False) -> None:
        super().__init__(text)
        self.needs_utf8 = needs_utf8


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox. `local_part` is without quotes; `domain` may be a literal in brackets, and is None where none was
    given: for Postmaster (RFC 5321 s4.1.1.3), and for a bare account name in LMTP."""

    local_part: str
    domain: str | None = None
    text: str = field(init=False, repr=False, compare=False)  # as RFC 5321 writes it: asked for again and again

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _format(self.local_part, self.domain))

    def __str__(self) -> str:
        return self.text

    @property
    def is_ascii(self) -> bool:
        """Whether it can be written without SMTPUTF8."""
        return self.local_part.isascii() and (self.domain is None or self.domain.isascii())


_HIGH = "\u00a0-\u2027\u202a-\U0010ffff"  # neither ASCII nor a control character nor a line end
_ATEXT = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{_HIGH}-]"
_DOT_STRING = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")
_QUOTED = re.compile(rf'"(?:[ !#-\[\]-~{_HIGH}]|\\[ -~])*"')
# RFC 5321 s4.1.2 has no underscore in a label; hosts that are named with one send mail all the same.
_LABEL = re.compile(rf"[A-Za-z0-9_{_HIGH}](?:[A-Za-z0-9_{_HIGH}-]*[A-Za-z0-9_{_HIGH}])?")
_LITERAL = re.compile(r"\[([!-Z^-~]+)\]")
_GENERAL_LITERAL = re.compile(r"[A-Za-z0-9-]*[A-Za-z0-9]:[!-Z^-~]+")
_PLAIN = re.compile(r"<([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)@([A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*)>")
_PATH = re.compile(r'<(?:"(?:[^"\\]|\\.)*"|[^"<>\s])*>')


def split_path(text: str) -> tuple[str, str]:
    """The path at the beginning of `text`, with its angle brackets, and what follows it. Raises BadAddress."""
    found = _PATH.match(text)
    if found is None:
        raise BadAddress("an address in angle brackets is wanted")
    return found[0], text[found.end() :]


def parse_path(path: str, *, utf8: bool = False, is_domain_optional: bool = False) -> Address | None:
    """The mailbox of a path; None for the null path `<>`. Raises BadAddress.

    RFC 5321 s4.1.2: a source route is accepted and ignored.
    """
    plain = _PLAIN.fullmatch(path)  # nearly all are: told at a quarter of the price
    if plain is not None and len(path) <= DOMAIN_LIMIT:
        return Address(plain[1], plain[2])
    if not (path.startswith("<") and path.endswith(">") and len(path) >= 2):
        raise BadAddress("an address in angle brackets is wanted")
    inner = path[1:-1]
    if not inner:
        return None
    if inner.startswith("@"):
        route, colon, inner = inner.partition(":")
        if not colon or not all(hop.startswith("@") and _is_domain(hop[1:]) for hop in route.split(",")):
            raise BadAddress("bad source route")
    return parse_mailbox(inner, utf8=utf8, is_domain_optional=is_domain_optional)


def parse_mailbox(text: str, *, utf8: bool = False, is_domain_optional: bool = False) -> Address:
    """A mailbox without angle brackets. Raises BadAddress."""
    if len(text.encode("utf-8", "replace")) > PATH_LIMIT:
        raise BadAddress("address too long")
    found = (_QUOTED if text.startswith('"') else _DOT_STRING).match(text)
    if found is None:
        raise BadAddress("bad local part")
    local_part, rest = _unquote(found[0]), text[found.end() :]
    if not rest and (is_domain_optional or local_part.lower() == POSTMASTER):  # RFC 5321 s4.1.1.3
        address = Address(local_part)
    elif rest.startswith("@") and _is_domain(rest[1:]):
        address = Address(local_part, rest[1:])
    else:
        raise BadAddress("bad domain" if rest.startswith("@") else "bad local part" if rest else "domain missing")
    if not utf8 and not address.is_ascii:
        raise BadAddress("this address needs SMTPUTF8", needs_utf8=True)
    return address


def format_mailbox(address: Address) -> str:
    """The mailbox as RFC 5321 writes it."""
    return address.text


def _format(local_part: str, domain: str | None) -> str:
    if not _DOT_STRING.fullmatch(local_part):
        local_part = '"' + re.sub(r'(["\\])', r"\\\1", local_part) + '"'
    return local_part if domain is None else f"{local_part}@{domain}"


def format_path(address: Address | None) -> str:
    """The path with its angle brackets; `<>` for None."""
    return "<>" if address is None else f"<{address.text}>"


def split_detail(local_part: str) -> tuple[str, str | None]:
    """User and detail of a sub-addressed local part (RFC 5233 s4): `joe+lists` is joe's; None: there is no detail."""
    user, plus, detail = local_part.partition("+")
    return (user, detail) if plus and user else (local_part, None)


def _unquote(local_part: str) -> str:
    # RFC 5321 s4.1.2: all quoted forms are equivalent.
    return re.sub(r"\\(.)", r"\1", local_part[1:-1]) if local_part.startswith('"') else local_part


def _is_domain(text: str) -> bool:
    literal = _LITERAL.fullmatch(text)
    if literal is not None:
        return _is_literal(literal[1])
    return len(text.encode("utf-8", "replace")) <= DOMAIN_LIMIT and all(map(_LABEL.fullmatch, text.split(".")))


def _is_literal(text: str) -> bool:
    """RFC 5321 s4.1.3."""
    tag, colon, rest = text.partition(":")
    try:
        if not colon:
            ipaddress.IPv4Address(text)
        elif tag.lower() == "ipv6":
            ipaddress.IPv6Address(rest)
    except ValueError:
        return False
    return not colon or ("%" not in rest and _GENERAL_LITERAL.fullmatch(text) is not None)
