"""A certificate of our own making, for as long as none is configured: it encrypts, and no client trusts it.

`certificate.pem` and `key.pem` in a folder that only its owner enters; made at the first start, and again when it is
about to expire or lacks a name. Of several processes that start together one makes it, under a lock. Made by root, it
belongs to whom the folder around it belongs to, who may be an enemy: no symbolic link is followed.

Must not know: who listens with it.
"""

import contextlib
import fcntl
import ipaddress
import os
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .tls import BadCertificate, Certificate, read_certificate

LIFETIME = timedelta(days=824)
"""Clients of some makers refuse certificates that are good for more than 825 days."""

RENEWED = timedelta(days=30)
"""Before its end by so much another one is made."""

_EARLIER = timedelta(hours=24)  # clocks differ
_COMMON_NAME_LIMIT = 64
_CERTIFICATE, _KEY, _LOCK = "certificate.pem", "key.pem", "lock"


def self_signed(folder: Path, host: str, now: datetime) -> Certificate:
    """The certificate in `folder` for this host, localhost and the loopback addresses, made where it is needed.

    Raises BadCertificate, with what to do instead.
    """
    made = Certificate(folder / _CERTIFICATE, folder / _KEY)
    names = _names(host)
    try:
        with _entered(folder) as inside:
            if not _is_good(made, names, now):
                _make(inside, names, now)
    except OSError as error:
        raise BadCertificate(
            f"cannot make a certificate in {folder}: {error.strerror}; name one of your own with tls.certificate and"
            " tls.key, or make the folder writable"
        ) from error
    return made


def _names(host: str) -> list[str]:
    with contextlib.suppress(UnicodeError):
        name = host.rstrip(".").encode("idna").decode("ascii").lower()
        return list(dict.fromkeys([name or "localhost", "localhost"]))
    return ["localhost"]


@contextlib.contextmanager
def _entered(folder: Path) -> Iterator[int]:
    """The folder as a descriptor, made where it is not there, while nobody else makes anything in it."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        _give(folder)
    inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        lock = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=inside)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield inside
        finally:
            os.close(lock)
    finally:
        os.close(inside)


def _give(folder: Path) -> None:
    if os.geteuid() == 0:
        around = folder.parent.stat()
        os.chown(folder, around.st_uid, around.st_gid, follow_symlinks=False)


def _is_good(made: Certificate, names: Sequence[str], now: datetime) -> bool:
    """Whether what is there can be used still, and for what it has to be."""
    try:
        certificate = read_certificate(made.chain)
        key = load_pem_private_key(made.key.read_bytes(), None)
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (BadCertificate, FileNotFoundError, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    spki = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    is_pair = key.public_key().public_bytes(*spki) == certificate.public_key().public_bytes(*spki)
    is_named = set(names) <= set(extension.value.get_values_for_type(x509.DNSName))
    return is_pair and is_named and now + RENEWED < certificate.not_valid_after_utc


def _make(inside: int, names: Sequence[str], now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(key, names, now)
    _write(inside, _KEY, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    _write(inside, _CERTIFICATE, certificate.public_bytes(Encoding.PEM), 0o644)


def _certificate(key: ec.EllipticCurvePrivateKey, names: Sequence[str], now: datetime) -> x509.Certificate:
    common = names[0] if len(names[0]) <= _COMMON_NAME_LIMIT else "localhost"
    whose = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    loopback = [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    builder = (
        x509.CertificateBuilder(subject_name=whose, issuer_name=whose, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now - _EARLIER + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([*map(x509.DNSName, names), *loopback]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def _write(inside: int, name: str, octets: bytes, mode: int) -> None:
    """A file appears complete or not at all."""
    temporary = f".{name}.{secrets.token_hex(8)}"
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
    try:
        with open(os.open(temporary, flags, mode, dir_fd=inside), "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
            if os.geteuid() == 0:
                owner = os.fstat(inside)
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        os.rename(temporary, name, src_dir_fd=inside, dst_dir_fd=inside)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=inside)
        raise
