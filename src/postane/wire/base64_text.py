"""Base64 as SASL exchanges write it, in POP3 (RFC 5034 s4) and in SMTP (RFC 4954 s4).

Must not know: what is in it.
"""

import base64
import binascii

from .errors import Fault, RemoteProtocolError

EMPTY = b"="
"""An initial response that is there and empty."""


def parse_base64(text: bytes) -> bytes:
    """The octets; a lone "=" is the empty string. Raises RemoteProtocolError."""
    if text == EMPTY:
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RemoteProtocolError("not base64", Fault.BAD_ARGUMENT) from None


def format_base64(octets: bytes) -> bytes:
    """The text on one line; an empty string is an empty line."""
    return base64.b64encode(octets)


def format_initial(octets: bytes) -> bytes:
    """An initial response: one that is empty is "="."""
    return format_base64(octets) or EMPTY
