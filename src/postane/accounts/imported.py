"""Password hashes of other servers: read at an import, checked until the first login replaces them.

The notation is Dovecot's and OpenLDAP's `{SCHEME}value`, or a crypt(3) string `$id$...` alone. The stored form is the
crypt string without a scheme, or `{SCHEME}` in capitals with the value in base64. Clear text is never stored: an
import of `{PLAIN}` hashes it (see `parse`).

Must not know: accounts, files, the event loop.
"""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field

import argon2
import bcrypt

PLAIN_SCHEMES = frozenset({"PLAIN", "CLEAR", "CLEARTEXT"})

_CRYPT = {
    "ARGON2ID": ("$argon2id$",),
    "ARGON2I": ("$argon2i$",),
    "BLF-CRYPT": ("$2a$", "$2b$", "$2y$"),
    "SHA512-CRYPT": ("$6$",),
    "SHA256-CRYPT": ("$5$",),
    "MD5-CRYPT": ("$1$",),
}
_CRYPT_PREFIXES = tuple(prefix for prefixes in _CRYPT.values() for prefix in prefixes)
_UNREADABLE = re.compile(r"\$(y|gy|7|3|md5|sha1|2|2x|P|H|S|argon2d|scrypt|pbkdf2[\w-]*)\$")  # crypt(5) and PHP's
_DIGESTS = {"SHA": "sha1", "SSHA": "sha1", "SHA256": "sha256", "SSHA256": "sha256"}
_DIGESTS |= {"SHA512": "sha512", "SSHA512": "sha512"}
_SCHEME = re.compile(r"\{([A-Za-z0-9][A-Za-z0-9.-]*)\}(.*)", re.DOTALL)
_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_SHA_CRYPT = re.compile(r"\$([56])\$(?:rounds=(\d{1,9})\$)?[^$:\s]{0,16}\$([./A-Za-z0-9]+)")
_MD5_CRYPT = re.compile(r"\$1\$[^$:\s]{0,8}\$[./A-Za-z0-9]{22}")

# A hash decides how much work a login is: one that would stop the server is refused at the import. The bounds lie far
# above what any server makes by default.
ARGON2_MEMORY_LIMIT = 1024 * 1024
"""KiB."""
ARGON2_PASSES_LIMIT = 64
BCRYPT_COST_LIMIT = 16
SHA_CRYPT_ROUNDS_LIMIT = 1_000_000
BCRYPT_PASSWORD_OCTETS = 72
"""bcrypt looks at no more than these; other servers cut silently, so their hashes need the same here."""

CRYPT_PASSWORD_OCTETS = 4096
"""libpass refuses longer ones, against denial of service."""


class HashError(ValueError):
    """A hash cannot be taken over; the text says why and what would be right. It never repeats the value."""


class UnknownKind(HashError):
    """It is of no kind that can be read here."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What an import gives for one account: a `hash` as it is stored, or a `password` that is still to be hashed."""

    hash: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


def schemes() -> list[str]:
    """The schemes that can be read."""
    return [*_CRYPT, "CRYPT", *_DIGESTS, "PLAIN"]


def parse(value: str) -> Credential:
    """Read the value of an import line: a hash, or else a password. Raises HashError.

    A password that begins with a brace or looks like a crypt string is written `{PLAIN}password`.
    """
    found = _SCHEME.fullmatch(value)
    if found is None:
        if _UNREADABLE.match(value):
            raise UnknownKind(f"hashes of this kind cannot be read; {_remedy()}")
        return Credential(hash=_parse_crypt(value)) if value.startswith(_CRYPT_PREFIXES) else Credential(password=value)
    scheme, _, encoding = found[1].upper().partition(".")
    if scheme in PLAIN_SCHEMES and not encoding:
        return Credential(password=found[2])
    if scheme in _DIGESTS:
        return Credential(hash=_parse_digest(scheme, encoding, found[2]))
    if scheme == "CRYPT" and found[2].startswith(_CRYPT_PREFIXES):
        return Credential(hash=_parse_crypt(found[2]))
    if scheme in _CRYPT and not encoding:
        if not found[2].startswith(_CRYPT[scheme]):
            raise HashError(f"this is no {{{scheme}}} hash: one begins with {' or '.join(_CRYPT[scheme])}")
        return Credential(hash=_parse_crypt(found[2]))
    raise UnknownKind(f"hashes of this kind cannot be read; {_remedy()}")


def verify(stored: str, octets: bytes) -> bool:
    """Whether a password, as octets, fits a stored hash of another server's making; a damaged one fits nothing."""
    try:
        return _verify(stored, octets)
    except ValueError:
        return False


def _verify(stored: str, octets: bytes) -> bool:
    if found := _SCHEME.fullmatch(stored):
        return found[1] in _DIGESTS and _verify_digest(found[1], found[2], octets)
    if b"\0" in octets or len(octets) > CRYPT_PASSWORD_OCTETS:  # crypt(3) takes neither; the libraries raise
        return False
    if _BCRYPT.fullmatch(stored):
        return bcrypt.checkpw(octets[:BCRYPT_PASSWORD_OCTETS], stored.encode())
    return _verify_crypt(stored, octets)


def _remedy() -> str:
    return f"known are {', '.join(schemes())}; a password that looks like a hash is written {{PLAIN}}password"


def _parse_crypt(text: str) -> str:
    if text.startswith("$argon2"):
        _check_argon2(text)
    elif text.startswith("$2"):
        found = _BCRYPT.fullmatch(text)
        if found is None:
            raise HashError("the bcrypt hash is damaged: it has 60 characters")
        if not 4 <= int(found[1]) <= BCRYPT_COST_LIMIT:
            raise HashError(f"the bcrypt hash costs too much: {BCRYPT_COST_LIMIT} is the most")
    elif text.startswith("$1$"):
        if _MD5_CRYPT.fullmatch(text) is None:
            raise HashError("the MD5-CRYPT hash is damaged: it ends in 22 characters of digest")
    else:
        found = _SHA_CRYPT.fullmatch(text)
        if found is None or len(found[3]) != {"5": 43, "6": 86}[found[1]]:
            raise HashError("the SHA-CRYPT hash is damaged: it ends in 86 ($6$) or 43 ($5$) characters of digest")
        if found[2] and not 1000 <= int(found[2]) <= SHA_CRYPT_ROUNDS_LIMIT:
            raise HashError(f"the SHA-CRYPT hash has too many or too few rounds: 1000 to {SHA_CRYPT_ROUNDS_LIMIT} work")
    return text


def _check_argon2(text: str) -> None:
    try:
        found = argon2.extract_parameters(text)
        raw = [base64.b64decode(part + "=" * (-len(part) % 4), validate=True) for part in text.split("$")[-2:]]
    except (argon2.exceptions.InvalidHashError, ValueError) as error:
        raise HashError("the argon2 hash is damaged") from error
    if len(raw[0]) < 8 or len(raw[1]) < 4:  # what the argon2 library itself asks for
        raise HashError("the argon2 hash is damaged: its salt or its digest is too short")
    if found.memory_cost > ARGON2_MEMORY_LIMIT or found.time_cost > ARGON2_PASSES_LIMIT:
        raise HashError(f"the argon2 hash costs too much: m={ARGON2_MEMORY_LIMIT}, t={ARGON2_PASSES_LIMIT} is the most")


def _parse_digest(scheme: str, encoding: str, text: str) -> str:
    """`{SSHA512}` in base64, or in hexadecimal where the scheme says `.HEX`."""
    size = hashlib.new(_DIGESTS[scheme]).digest_size
    try:
        if encoding == "HEX" or (not encoding and not scheme.startswith("SS") and len(text) == 2 * size):
            raw = bytes.fromhex(text)
        elif encoding in ("", "B64"):
            raw = base64.b64decode(text, validate=True)
        else:
            raise HashError(f"the encoding of {{{scheme}.{encoding}}} is not known: it may be .B64 or .HEX")
    except (binascii.Error, ValueError) as error:
        raise error if isinstance(error, HashError) else HashError(f"the {{{scheme}}} hash is damaged") from error
    if len(raw) < size or (len(raw) == size) == scheme.startswith("SS"):
        raise HashError(f"the {{{scheme}}} hash is damaged: it holds {len(raw)} octets, {size} are the digest")
    return f"{{{scheme}}}{base64.b64encode(raw).decode()}"


def _verify_digest(scheme: str, text: str, octets: bytes) -> bool:
    raw = base64.b64decode(text)
    size = hashlib.new(_DIGESTS[scheme]).digest_size
    return hmac.compare_digest(hashlib.new(_DIGESTS[scheme], octets + raw[size:]).digest(), raw[:size])


def _verify_crypt(stored: str, octets: bytes) -> bool:
    # Imported here: it is a large library, and only servers with imported hashes need it.
    from passlib.hash import md5_crypt, sha256_crypt, sha512_crypt  # type: ignore[import-untyped]

    for family in (sha512_crypt, sha256_crypt, md5_crypt):
        if family.identify(stored):
            return bool(family.verify(octets, stored))
    return False
