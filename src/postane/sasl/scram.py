"""SCRAM with SHA-1 and SHA-256, with and without channel binding: neither side learns what it did not know.

RFC 5802, RFC 7677; the bindings are those of RFC 5929 s4 and RFC 9266.

Must not know: where keys are kept; randomness, which is given.
"""

import hashlib
import hmac

from postane.wire.saslprep import Unprepared, saslprep

from .base import ScramDigest, ScramKeys


def derive_keys(password: bytes, salt: bytes, iterations: int, digest: ScramDigest) -> ScramKeys:
    """What is to be kept of a password, in the form of SASLprep where it has one (RFC 5802 s2.2), else as it is.

    RFC 5802 s3. Takes as long as `iterations` ask for.
    """
    salted = hashlib.pbkdf2_hmac(digest.value, _normalize(password), salt, iterations)
    client_key = _keyed(digest, salted, b"Client Key")
    return ScramKeys(salt, iterations, _hash(digest, client_key), _keyed(digest, salted, b"Server Key"))


def _normalize(password: bytes) -> bytes:
    try:
        return saslprep(password.decode("utf-8")).encode("utf-8")
    except (UnicodeDecodeError, Unprepared):
        return password


def _keyed(digest: ScramDigest, key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, digest.value)


def _hash(digest: ScramDigest, octets: bytes) -> bytes:
    return hashlib.new(digest.value, octets).digest()
