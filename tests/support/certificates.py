"""Certificates for tests: authorities that sign for servers and clients, quickly and in any shape."""

import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from postane.net.tls import Certificate

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Wish:
    """What a certificate is to look like. `ends` and `begins` are days from now."""

    common: str | None = None
    dns: Sequence[str] = ()
    addresses: Sequence[str] = ()
    emails: Sequence[str] = ()
    subject_email: str | None = None
    ends: float = 30
    begins: float = -1
    is_authority: bool = False
    is_for_clients: bool = False
    issuer_at: str | None = None


class Authority:
    """Signs; its own certificate is in `path`. `key` and `digest` are what it signs with, `parent` who signed it."""

    def __init__(
        self,
        folder: Path,
        name: str = "authority",
        *,
        key: Key | None = None,
        digest: hashes.HashAlgorithm | None = None,
        parent: "Authority | None" = None,
    ) -> None:
        self._folder = folder
        self._key: Key = key or ec.generate_private_key(ec.SECP256R1())
        is_plain = isinstance(self._key, ed25519.Ed25519PrivateKey)
        self._digest = None if is_plain else digest or hashes.SHA256()
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.path = folder / f"{name}.pem"
        signer = parent or self
        self.certificate = signer._sign(self._name, self._key, Wish(is_authority=True, ends=365))
        self.path.write_bytes(self.certificate.public_bytes(Encoding.PEM))

    def issue(self, file: str, wish: Wish, *, key: Key | None = None, above: "Sequence[Authority]" = ()) -> Certificate:
        """A certificate and its key as files; `above` are the authorities whose certificates stand under it."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        parts = [(NameOID.COMMON_NAME, wish.common), (NameOID.EMAIL_ADDRESS, wish.subject_email)]
        subject = x509.Name([x509.NameAttribute(kind, value) for kind, value in parts if value is not None])
        chain = [self._sign(subject, key, wish), *(each.certificate for each in above)]
        paths = Certificate(self._folder / f"{file}.pem", self._folder / f"{file}.key")
        paths.chain.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in chain))
        paths.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        paths.key.chmod(0o600)
        return paths

    def _sign(self, subject: x509.Name, key: Key, wish: Wish) -> x509.Certificate:
        now = datetime.now(UTC)
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if wish.is_for_clients else ExtendedKeyUsageOID.SERVER_AUTH
        alternatives = [*map(x509.DNSName, wish.dns), *map(x509.RFC822Name, wish.emails)]
        alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in wish.addresses]
        builder = (
            x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now + timedelta(days=wish.begins))
            .not_valid_after(now + timedelta(days=wish.ends))
            .add_extension(x509.BasicConstraints(wish.is_authority, None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(_key_usage(is_authority=wish.is_authority), critical=True)
        )
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=not list(subject))
        if wish.issuer_at is not None:
            place = x509.UniformResourceIdentifier(wish.issuer_at)
            told = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, place)
            builder = builder.add_extension(x509.AuthorityInformationAccess([told]), critical=False)
        if not wish.is_authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        return builder.sign(self._key, self._digest)  # type: ignore[arg-type]


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    never = dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(digital_signature=not is_authority, key_cert_sign=is_authority, crl_sign=is_authority, **never)


LOCALHOST = Wish(common="localhost", dns=("localhost", "postane.test"), addresses=("127.0.0.1", "::1"))
"""A server of the tests."""


def client_context(
    authority: Path | None = None, shown: Certificate | None = None, version: ssl.TLSVersion | None = None
) -> ssl.SSLContext:
    """How a client speaks TLS: trusting one authority (None: anybody), showing a certificate or none."""
    context = ssl.create_default_context(cafile=authority)
    if authority is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if shown is not None:
        context.load_cert_chain(shown.chain, shown.key)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


def der(path: Path) -> bytes:
    """The first certificate of a PEM file."""
    return x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)
