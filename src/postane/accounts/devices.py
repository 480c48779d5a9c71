"""Device passwords: generated, and kept so that they can be read back; and the safe that is used for it.

APOP and CRAM-MD5 need the secret itself (RFC 1939 s7, RFC 2195 s2), so it is stored, sealed with AES-256-GCM. The key
is a file outside the database, so that a copy of the database alone gives nothing away. Account and label are
authenticated along with the secret: a row copied to another account does not open.

Must not know: SQL, protocols.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .base import AccountsUnavailable
from .files import Owner, write_new
from .schema import UNAVAILABLE, told

KEY_OCTETS = 32
NONCE_OCTETS = 12
"""NIST SP 800-38D s5.2.1.1: 96 bits is what GCM is made for."""

_CREDENTIAL = "device "

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without i, l, o, 0 and 1, which people mistake for one another."""

GROUPS = 5
GROUP_LETTERS = 4
"""20 letters out of 31: 99 bits."""

_DECOY = bytes(64)
"""As long as most sealed secrets are; no key opens it."""


def generate_secret() -> str:
    """A new secret that is easy to type: `mk3q-vx7t-...`."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LETTERS)) for _ in range(GROUPS))
    return "-".join(groups)


def credential_of(label: str) -> str:
    """What a proof says that was given by that device; without a label by the account's own password."""
    return f"{_CREDENTIAL}{label}" if label else "password"


def device_of(credential: str) -> str | None:
    """The label of the device that a credential is, None where it is something else."""
    return credential.removeprefix(_CREDENTIAL) if credential.startswith(_CREDENTIAL) else None


def apop_digest(stamp: str, secret: bytes) -> bytes:
    """What a client that knows the secret answers to a stamp, in hexadecimal (RFC 1939 s7, APOP)."""
    return _md5(stamp.encode("utf-8", "surrogateescape") + secret).hexdigest().encode()


def cram_digest(challenge: bytes, secret: bytes) -> bytes:
    """What a client that knows the secret answers to a challenge, in hexadecimal (RFC 2195 s2)."""
    return hmac.new(secret, challenge, _md5).hexdigest().encode()


def _md5(octets: bytes = b"") -> "hashlib._Hash":
    return hashlib.md5(octets, usedforsecurity=False)  # the protocol knows no other digest


def is_same(left: bytes, right: bytes) -> bool:
    """Comparison in constant time."""
    return hmac.compare_digest(left, right)


class Vault:
    """Seals and opens secrets with the key of a file, which is read when it is first needed.

    A file that root makes is given to `owner`, without one to whom its folder belongs to.
    """

    def __init__(self, path: Path, owner: Owner | None = None) -> None:
        self._path = path
        self._owner = owner
        self._key: bytes | None = None

    def make_key(self) -> None:
        """Make the key file if there is none. Raises AccountsUnavailable."""
        with told(self._path):
            if self._path.exists():
                return
            write_new(self._path, secrets.token_bytes(KEY_OCTETS), self._owner)

    def seal(self, account: str, label: str, secret: bytes) -> bytes:
        """What is stored of a secret. Raises AccountsUnavailable."""
        nonce = secrets.token_bytes(NONCE_OCTETS)
        return nonce + self._cipher().encrypt(nonce, secret, _owner(account, label))

    def open(self, account: str, label: str, sealed: bytes) -> bytes:
        """The secret again. Raises AccountsUnavailable where the key is missing, exposed or another one."""
        try:
            return self._cipher().decrypt(sealed[:NONCE_OCTETS], sealed[NONCE_OCTETS:], _owner(account, label))
        except (InvalidTag, ValueError):  # ValueError: cut short
            words = f"{self._path} is not the key that {_what(label)} of {account!r} was stored with"
            raise AccountsUnavailable(UNAVAILABLE, words) from None

    def rehearse(self, account: str) -> None:
        """The work of opening a secret, where there is none."""
        with contextlib.suppress(AccountsUnavailable):
            self.open(account, "", _DECOY)

    def derive(self, purpose: str) -> bytes:
        """A key for something else than sealing, the same as long as the key file is. Raises AccountsUnavailable."""
        return HKDF(SHA256(), KEY_OCTETS, None, purpose.encode()).derive(self._octets())

    def _cipher(self) -> AESGCM:
        return AESGCM(self._octets())

    def _octets(self) -> bytes:
        """The key: the same one for everything, though the file be replaced meanwhile."""
        if self._key is None:
            self._key = _read_key(self._path)
        return self._key


def match(
    vault: Vault, account: str, devices: Sequence[tuple[str, bytes]], answer: bytes, expected: Callable[[bytes], bytes]
) -> tuple[str | None, AccountsUnavailable | None]:
    """The label of the device whose secret gives `answer` by `expected`; devices are pairs of label and sealed secret.

    All are compared, so that the time does not tell which, and a decoy where there are none. Secrets that cannot be
    opened are the second value.
    """
    found, trouble = None, None
    if not devices:
        vault.rehearse(account)
        is_same(expected(answer), answer)
    for label, sealed in devices:
        try:
            secret = vault.open(account, label, sealed)
        except AccountsUnavailable as error:
            trouble = error
            continue
        if is_same(expected(secret), answer):
            found = label
    return found, trouble


def _what(label: str) -> str:
    return f"device {label!r}" if label.isprintable() else "what is kept of the password"


def _owner(account: str, label: str) -> bytes:
    return f"{account}\0{label}".encode()


def _read_key(path: Path) -> bytes:
    with told(path), path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode & 0o777
        key = file.read(KEY_OCTETS + 1)
    if mode & 0o077:
        words = f"{path} may be read by others (its mode is {mode:04o}): chmod 600 it, and replace what it guards"
        raise AccountsUnavailable(UNAVAILABLE, words)
    if len(key) != KEY_OCTETS:
        raise AccountsUnavailable(UNAVAILABLE, f"{path} is damaged: a key has {KEY_OCTETS} octets")
    return key
