"""Certificates as a client sees them, and the pins that they are known again by.

A pin is the SHA-256 of a server's own certificate: sha256: and 64 hexadecimal digits, with colons or without, or the
same octets in base64.

Must not know: connections, what is believed.
"""

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING

from .base import Certificate

if TYPE_CHECKING:
    from cryptography import x509

PREFIX = "sha256:"
DIGEST_OCTETS = 32
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


def parse_pin(text: str) -> str:
    """The 64 hexadecimal digits of a pin. Raises ValueError with what is wrong."""
    kind, colon, rest = text.strip().partition(":")
    is_kind = colon and kind.lower().replace("-", "") == "sha256"
    if colon and not is_kind and not _HEXADECIMAL.issuperset(kind):
        raise ValueError(f"a pin begins with {PREFIX}, not with {kind}:")
    digits = (rest if is_kind else text.strip()).replace(":", "")
    if len(digits) == 2 * DIGEST_OCTETS and _HEXADECIMAL.issuperset(digits):
        return digits.lower()
    if is_kind and (octets := _from_base64(rest)) is not None:
        return octets.hex()
    raise ValueError(f"a pin is {PREFIX} and 64 hexadecimal digits, or 44 characters of base64")


def format_pin(digest: str) -> str:
    """A pin as it is written, of its 64 hexadecimal digits."""
    return PREFIX + digest


def digest_of(der: bytes) -> str:
    """What a pin is compared with."""
    return hashlib.sha256(der).hexdigest()


def certificate_of(der: bytes) -> Certificate:
    """What is told of a certificate. Of one that OpenSSL takes and this reader does not, the digest alone."""
    from cryptography import x509  # large, and only for those who look at a certificate

    try:
        read = x509.load_der_x509_certificate(der)
        subject, issuer = read.subject.rfc4514_string(), read.issuer.rfc4514_string()
        return Certificate(subject, issuer, _names(read), read.not_valid_after_utc.timestamp(), digest_of(der))
    except ValueError:
        return Certificate("", "", (), 0.0, digest_of(der))


def _names(read: "x509.Certificate") -> tuple[str, ...]:
    from cryptography import x509

    try:
        found = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = found.get_values_for_type(x509.IPAddress)
    return (*found.get_values_for_type(x509.DNSName), *map(str, addresses))


def _from_base64(text: str) -> bytes | None:
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return octets if len(octets) == DIGEST_OCTETS else None
