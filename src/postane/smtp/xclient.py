"""The argument of XCLIENT: what a mail server in front says of the client that it speaks for.

XCLIENT is Postfix's; its page XCLIENT_README is the specification. Values are xtext (RFC 3461 s4). Of its attributes
those are taken that mean something here.

Must not know: whom to believe.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping

from postane.wire.errors import Fault

from . import replies
from .commands import Xclient
from .replies import SmtpError

ATTRIBUTES = ("NAME", "ADDR", "PORT", "LOGIN")
"""What EHLO announces."""

NAME_LIMIT = 255
"""Octets of a host name (RFC 5321 s4.5.3.1.2)."""

UNAVAILABLE = ("[UNAVAILABLE]", "[TEMPUNAVAIL]")
"""What stands for a value that the mail server does not know, for ever or for now."""

_IPV6 = "IPV6:"
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")
_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?")


def parse_xclient(argument: bytes) -> Xclient:
    """The attributes that are given, each once. Raises SmtpError."""
    values: dict[str, str] = {}
    for word in argument.split():
        keyword, _, value = word.decode("ascii", "replace").partition("=")
        keyword = keyword.upper()
        if keyword not in ATTRIBUTES:
            raise _bad(f"the attributes are {', '.join(ATTRIBUTES)}")
        if keyword in values:
            raise _bad(f"{keyword} comes twice")
        values[keyword] = _value(keyword, value)
    if not values:
        raise _bad("XCLIENT takes attributes with values")
    port = values.get("PORT")
    return Xclient(
        values.get("NAME"), values.get("ADDR"), None if port is None else int(port or 0), values.get("LOGIN") or None
    )


def _value(keyword: str, xtext: str) -> str:
    """A value as text in its usual form; "" where it is not known."""
    text = _unquoted(xtext) if _XTEXT.fullmatch(xtext) else None
    if text is not None and text.upper() in UNAVAILABLE:
        return ""
    value = None if text is None else _READERS[keyword](text)
    if value is None:
        raise _bad(f"bad {keyword}")
    return value


def _unquoted(xtext: str) -> str | None:
    """RFC 3461 s4: +HH stands for an octet; what is no UTF-8 then is None."""
    octets = re.sub(r"\+(..)", lambda found: chr(int(found[1], 16)), xtext).encode("latin-1")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _bad(text: str) -> SmtpError:
    return SmtpError(replies.BAD_ARGUMENT.with_text(text), Fault.BAD_ARGUMENT)


def _name(text: str) -> str | None:
    return text if len(text) <= NAME_LIMIT and _NAME.fullmatch(text) else None


def _address(text: str) -> str | None:
    is_6 = text.upper().startswith(_IPV6)
    try:
        if not is_6:
            return str(ipaddress.IPv4Address(text))
        address = ipaddress.IPv6Address(text[len(_IPV6) :])
    except ValueError:
        return None
    return None if address.scope_id is not None else str(address.ipv4_mapped or address)


def _port(text: str) -> str | None:
    return text if text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 0xFFFF else None


def _login(text: str) -> str | None:
    return text if len(text) <= NAME_LIMIT and text.isprintable() else None


_READERS: Mapping[str, Callable[[str], str | None]] = {"NAME": _name, "ADDR": _address, "PORT": _port, "LOGIN": _login}
