"""The account that a client's certificate names: one name of one kind, or none.

RFC 5280 s4.2.1.6 (alternative names), RFC 5280 s4.1.2.6 (the subject). Who signed the certificate is checked in the
handshake; a certificate that is signed by the right hand and lacks the expected name proves nobody.

Must not know: handshakes, accounts.
"""

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

from cryptography import x509
from cryptography.x509.oid import NameOID

NAME_LIMIT = 320
"""Characters of a name at most: 64 before the @ and 255 behind it (RFC 5321 s4.5.3.1)."""


class NameKind(StrEnum):
    """Which names of a certificate may be an account's."""

    EMAIL = "email"
    DNS = "dns"
    COMMON_NAME = "common-name"


class Nameless(Exception):
    """A certificate names no account; the text says why."""


def account_named(certificate: bytes, kind: NameKind, now: datetime) -> str:
    """The name in a certificate (DER), in lower case. Raises Nameless, also where it has expired by `now`: a handshake
    that goes on with an older session does not look at that."""
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        found = set(_names(parsed, kind))
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise Nameless(f"it cannot be read: {error}") from error
    if not parsed.not_valid_before_utc <= now.astimezone(UTC) <= parsed.not_valid_after_utc:
        raise Nameless("it has expired")
    names = {name.lower() for name in found}
    if len(names) != 1:
        raise Nameless(f"it bears {len(names)} names of the kind {kind}, not one")
    (name,) = names
    if not all(map(is_unmistakable, found)):
        raise Nameless(f"its name has letters that would become others: {name!a}")
    if not _is_plain(name):
        raise Nameless(f"its name has characters that no account's name has: {name!a}")
    return name


def is_unmistakable(name: str) -> bool:
    """Whether a name, as it was written, is no other form of somebody else's: the Kelvin sign becomes a k in lower
    case, a wide letter a narrow one in a directory that compares (RFC 4518 s2.3). To be asked before case is folded."""
    return unicodedata.is_normalized("NFKC", name)


def _names(certificate: x509.Certificate, kind: NameKind) -> Iterable[str]:
    match kind:
        case NameKind.EMAIL:
            return [*_alternatives(certificate, x509.RFC822Name), *_of_subject(certificate, NameOID.EMAIL_ADDRESS)]
        case NameKind.DNS:
            return _alternatives(certificate, x509.DNSName)
        case NameKind.COMMON_NAME:
            return _of_subject(certificate, NameOID.COMMON_NAME)


def _alternatives(certificate: x509.Certificate, kind: type[x509.RFC822Name] | type[x509.DNSName]) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return list(extension.value.get_values_for_type(kind))


def _of_subject(certificate: x509.Certificate, kind: x509.ObjectIdentifier) -> list[str]:
    values = [attribute.value for attribute in certificate.subject.get_attributes_for_oid(kind)]
    return [value if isinstance(value, str) else "\0" for value in values]  # octets are nobody's name


def _is_plain(name: str) -> bool:
    """No NUL that cuts a name short elsewhere, nothing that cannot be seen, no wildcard."""
    return 0 < len(name) <= NAME_LIMIT and name.isprintable() and not set(name) & set(" *\\\"'")
