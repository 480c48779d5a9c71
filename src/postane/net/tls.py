"""TLS for listeners: certificates, one for each name, and what is spoken with them.

RFC 9325 s3.1.1 (no version before 1.2), RFC 9325 s4.2 (only AEAD with ephemeral keys), RFC 6066 s3 (the name that the
client asks for).

Must not know: configuration files, protocols.
"""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog
from cryptography import x509

from .bindings import bindings, end_point_of
from .client_names import NameKind, Nameless, account_named
from .pem import explain_certificates, explain_pair
from .stream import TlsFacts

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""What TLS 1.2 is spoken with; TLS 1.3 has nothing worse. RFC 9325 s4.1 and s4.2."""


class BadCertificate(Exception):
    """A certificate or its key cannot be used; the text says which and why, `file` is the one to blame if one is."""

    def __init__(self, text: str, file: Path | None = None) -> None:
        super().__init__(text)
        self.file = file


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files: a certificate with its chain, and its private key."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class ClientCertificates:
    """Clients are asked for a certificate that somebody in the PEM file `authority` has signed."""

    authority: Path
    name: NameKind
    is_required: bool


@dataclass(frozen=True, slots=True)
class Spoken:
    """How TLS is spoken, whichever certificate is shown."""

    is_13_only: bool = False
    clients: ClientCertificates | None = None


@dataclass(frozen=True, slots=True)
class ServerTls:
    """TLS as a listener speaks it: the context to begin a handshake with, the `tls-server-end-point` of each context
    that SNI may have chosen instead, and which name of a client's certificate counts.

    Made before the workers are forked: all of them share its ticket keys, so that any of them can go on with a session
    that another one began.
    """

    context: ssl.SSLContext
    end_points: Mapping[ssl.SSLContext, bytes] = field(repr=False)
    client_name: NameKind | None = None

    def facts(self, secured: ssl.SSLObject, peer: str) -> TlsFacts:
        """What a handshake with `peer` has settled."""
        cipher, client = secured.cipher(), self._client(secured, peer)
        bound = bindings(secured, self.end_points.get(secured.context))
        return TlsFacts(secured.version() or "", cipher[0] if cipher else "", bound, client)

    def _client(self, secured: ssl.SSLObject, peer: str) -> str | None:
        """The account that a certificate names, which the handshake has verified: with another one it fails."""
        shown = secured.getpeercert(binary_form=True) if self.client_name is not None else None
        if not shown or self.client_name is None:
            return None
        try:
            return account_named(shown, self.client_name, datetime.now(UTC))
        except Nameless as error:
            structlog.get_logger("postane").info("client certificate without an account", peer=peer, why=str(error))
            return None


def end_point(chain: Path) -> bytes | None:
    """The hash of a certificate that a login is bound to, as `end_point_of` has it. Raises BadCertificate."""
    return end_point_of(read_certificate(chain))


def server_tls(certificates: Sequence[Certificate], spoken: Spoken = Spoken()) -> ServerTls:
    """TLS for listeners. The first certificate is for clients that name no name, or one that none is for.

    Raises BadCertificate.
    """
    contexts = [_context(certificate, spoken) for certificate in certificates]
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
    points = (end_point(certificate.chain) for certificate in certificates)
    known = {context: point for context, point in zip(contexts, points, strict=True) if point is not None}
    return ServerTls(contexts[0], known, None if spoken.clients is None else spoken.clients.name)


def read_certificate(chain: Path) -> x509.Certificate:
    """The first certificate of a PEM file. Raises BadCertificate."""
    try:
        return x509.load_pem_x509_certificate(chain.read_bytes())
    except (OSError, ValueError) as error:
        raise BadCertificate(explain_certificates(chain, error), chain) from error


def names_of(chain: Path) -> list[str]:
    """The DNS names that a certificate is for, in lower case. Raises BadCertificate."""
    certificate = read_certificate(chain)
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    except ValueError as error:
        raise BadCertificate(explain_certificates(chain, error), chain) from error
    return [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]


def _context(certificate: Certificate, spoken: Spoken) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if spoken.is_13_only else ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.num_tickets = 1  # a client that comes again needs one; each costs 15 us of a handshake's 260
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        context.load_cert_chain(certificate.chain, certificate.key, password=_no_password)
    except (OSError, ssl.SSLError) as error:
        blamed, words = explain_pair(certificate.chain, certificate.key, error)
        raise BadCertificate(words, blamed) from error
    except ValueError:
        words = f"{certificate.key}: the key has a password; store it without one, mode 0600"
        raise BadCertificate(words, certificate.key) from None
    if spoken.clients is not None:
        _ask_clients(context, spoken.clients)
    return context


def _no_password() -> str:
    """Asked for by OpenSSL where a key is encrypted; without this it would ask whoever sits at the terminal."""
    raise ValueError


def _ask_clients(context: ssl.SSLContext, clients: ClientCertificates) -> None:
    """Every context asks, so that no name that a client asks for leads past it. Whoever is in the file is believed, be
    it a root or not; that an authority is strictly as RFC 5280 wants it is not asked: small ones hardly ever are.
    Without these words that would depend on Python's version."""
    try:
        context.load_verify_locations(cafile=clients.authority)
    except (OSError, ssl.SSLError) as error:
        raise BadCertificate(explain_certificates(clients.authority, error), clients.authority) from error
    context.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST | ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_mode = ssl.CERT_REQUIRED if clients.is_required else ssl.CERT_OPTIONAL


def _chosen(by_name: dict[str, ssl.SSLContext], name: str) -> ssl.SSLContext | None:
    _, _, parent = name.partition(".")
    return by_name.get(name) or by_name.get(f"*.{parent}")
