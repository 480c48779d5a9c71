"""What a login can be bound to of the TLS connection that it is held on: channel bindings.

RFC 5929 (tls-server-end-point, tls-unique) and RFC 9266 (tls-exporter). Both sides compute the same.

Must not know: files, which side it is on.
"""

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509


def end_point_of(certificate: "x509.Certificate") -> bytes | None:
    """The hash of a server's certificate (RFC 5929 s4.1); None where that is not defined, because it is signed without
    a hash function of its own (Ed25519)."""
    from cryptography.hazmat.primitives import hashes  # large, and only for those who look at a certificate
    from cryptography.hazmat.primitives.serialization import Encoding

    signed_with = certificate.signature_hash_algorithm
    if signed_with is None:
        return None
    is_weak = isinstance(signed_with, hashes.MD5 | hashes.SHA1)
    digest = hashes.Hash(hashes.SHA256() if is_weak else signed_with)
    digest.update(certificate.public_bytes(Encoding.DER))
    return digest.finalize()


def bindings(secured: ssl.SSLObject, end_point: bytes | None) -> dict[str, bytes]:
    """All that a connection has, by their registered names; `end_point` is of the certificate that was shown."""
    found = {"tls-server-end-point": end_point, "tls-exporter": _exported(secured), "tls-unique": _unique(secured)}
    return {name: octets for name, octets in found.items() if octets}


def _exported(secured: ssl.SSLObject) -> bytes | None:
    """RFC 9266 s2; Python's ssl has no exporter up to 3.14."""
    if "tls-exporter" not in ssl.CHANNEL_BINDING_TYPES:
        return None
    return secured.get_channel_binding("tls-exporter")


def _unique(secured: ssl.SSLObject) -> bytes | None:
    """The `tls-unique` of a connection (RFC 5929 s3), where it is worth something; None elsewhere.

    TLS 1.3 has none. In TLS 1.2 somebody in the middle can make it equal on both sides, but only by going on with two
    sessions (RFC 7627 s1), unless both sides speak the extended master secret, which Python's ssl does not tell: so a
    session that is gone on with has none. There is no renegotiation here, which would change it.
    """
    if secured.version() != "TLSv1.2" or secured.session_reused:
        return None
    return secured.get_channel_binding("tls-unique")
