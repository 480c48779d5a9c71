"""TLS for listeners: certificates, one for each name, and the versions that are spoken.

RFC 9325 s3.1.1 (no version before 1.2), RFC 6066 s3 (the name that the client asks for).

Must not know: configuration files, protocols.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509


class BadCertificate(Exception):
    """A certificate or its key cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files: a certificate with its chain, and its private key."""

    chain: Path
    key: Path


def server_context(certificates: Sequence[Certificate], *, is_13_only: bool = False) -> ssl.SSLContext:
    """A context for a listener. The first certificate is for clients that name no name, or one that none is for.

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
    return contexts[0]


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
