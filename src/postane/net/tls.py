"""TLS for listeners: certificates, one for each name, and the versions that are spoken.

RFC 9325 s3.1.1 (no version before 1.2), RFC 6066 s3 (the name that the client asks for).

Must not know: configuration files, protocols.
"""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from .stream import TlsFacts


class BadCertificate(Exception):
    """A certificate or its key cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files: a certificate with its chain, and its private key."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class ServerTls:
    """TLS as a listener speaks it: the context to begin a handshake with, and the `tls-server-end-point` of each
    context that SNI may have chosen instead. Made before the workers are forked: all of them share its ticket keys."""

    context: ssl.SSLContext
    end_points: Mapping[ssl.SSLContext, bytes] = field(repr=False)

    def facts(self, secured: ssl.SSLObject) -> TlsFacts:
        """What a handshake has settled."""
        cipher = secured.cipher()
        return TlsFacts(secured.version() or "", cipher[0] if cipher else "", self._bindings(secured))

    def _bindings(self, secured: ssl.SSLObject) -> Mapping[str, bytes]:
        bindings = {"tls-server-end-point": self.end_points[secured.context]}
        if "tls-exporter" in ssl.CHANNEL_BINDING_TYPES:  # RFC 9266 s2; Python's ssl has no exporter up to 3.14
            exported = secured.get_channel_binding("tls-exporter")
            if exported:
                bindings["tls-exporter"] = exported
        return bindings


def end_point(chain: Path) -> bytes:
    """The hash of a certificate that SCRAM binds a login to (RFC 5929 s4.1). Raises BadCertificate."""
    try:
        certificate = x509.load_pem_x509_certificate(chain.read_bytes())
    except (OSError, ValueError) as error:
        raise BadCertificate(f"cannot read the certificate {chain}: {error}") from error
    signed_with = certificate.signature_hash_algorithm
    is_weak = signed_with is None or isinstance(signed_with, hashes.MD5 | hashes.SHA1)
    digest = hashes.Hash(hashes.SHA256() if is_weak or signed_with is None else signed_with)
    digest.update(certificate.public_bytes(Encoding.DER))
    return digest.finalize()


def server_tls(certificates: Sequence[Certificate], *, is_13_only: bool = False) -> ServerTls:
    """TLS for listeners. The first certificate is for clients that name no name, or one that none is for.

    Raises BadCertificate.
    """
    contexts = [_context(certificate, is_13_only) for certificate in certificates]
    by_name: dict[str, ssl.SSLContext] = {}
    for certificate, context in zip(certificates, contexts, strict=True):
        for name in names_of(certificate.chain):
            by_name.setdefault(name, context)

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        """RFC 6066 s3: a name that is not known is no reason to end the handshake."""
        chosen = _chosen(by_name, (name or "").lower())
        if chosen is not None:
            connection.context = chosen

    if len(contexts) > 1:
        contexts[0].sni_callback = choose
    points = [end_point(certificate.chain) for certificate in certificates]
    return ServerTls(contexts[0], dict(zip(contexts, points, strict=True)))


def names_of(chain: Path) -> list[str]:
    """The DNS names that a certificate is for, in lower case. Raises BadCertificate."""
    try:
        certificate = x509.load_pem_x509_certificate(chain.read_bytes())
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    except (OSError, ValueError) as error:
        raise BadCertificate(f"cannot read the certificate {chain}: {error}") from error
    return [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]


def _context(certificate: Certificate, is_13_only: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if is_13_only else ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate.chain, certificate.key)
    except (OSError, ssl.SSLError) as error:
        raise BadCertificate(f"cannot load {certificate.chain} with {certificate.key}: {error}") from error
    return context


def _chosen(by_name: dict[str, ssl.SSLContext], name: str) -> ssl.SSLContext | None:
    _, _, parent = name.partition(".")
    return by_name.get(name) or by_name.get(f"*.{parent}")
