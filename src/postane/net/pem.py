"""Why a certificate or a key that was to be loaded cannot be, in words for whoever named the files.

OpenSSL tells a code and which of its own functions it came from; the files themselves are looked at instead.

Must not know: configuration files.
"""

import ssl
from pathlib import Path

CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
KEY = b"PRIVATE KEY-----"
MISMATCHES = frozenset({"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"})
"""The last is told of a key of another kind (RSA, elliptic curve) than the certificate's."""


def explain_pair(chain: Path, key: Path, error: OSError) -> tuple[Path, str]:
    """Which of the two is to blame for an error of load_cert_chain, and why."""
    if not isinstance(error, ssl.SSLError):
        blamed = next((path for path in (chain, key) if not path.exists()), chain)
        return blamed, f"cannot load {chain} with {key}: {error.strerror or error}"
    if error.reason in MISMATCHES:
        return key, f"{key} is not the key of the certificate in {chain}: name the one that was made with it"
    if words := _lacks(chain, CERTIFICATE, "certificate", "-----BEGIN CERTIFICATE-----"):
        return chain, words
    if words := _lacks(key, KEY, "private key", "-----BEGIN PRIVATE KEY-----"):
        return key, words
    return key, f"cannot load {chain} with {key}: one of them is damaged ({_reason(error)})"


def explain_certificates(path: Path, error: OSError | ValueError) -> str:
    """Why no certificates can be read from a file."""
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return f"cannot read the certificate {path}: {error.strerror or error}"
    words = _lacks(path, CERTIFICATE, "certificate", "-----BEGIN CERTIFICATE-----")
    return words or f"{path}: the certificate in it is damaged"


def _lacks(path: Path, mark: bytes, what: str, line: str) -> str | None:
    try:
        octets = path.read_bytes()
    except OSError as error:
        return f"cannot read {path}: {error.strerror or error}"
    if mark in octets:
        return None
    return f"{path} holds no {what} in PEM: there is no line {line} in it"


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "it is not said why").lower().replace("_", " ")
