"""The client's side of TLS: whom to believe, and the handshake between a transport and a link.

RFC 9325 s3.1.1 (no version before 1.2), RFC 7817 s3 (the name in the certificate), RFC 6066 s3 (the name asked for). A
pin takes the place of issuer, name and dates: it is compared before any octet of ours is sent.

Must not know: any protocol.
"""

import asyncio
import contextlib
import ipaddress
import ssl
from collections.abc import Callable
from dataclasses import replace

from .base import Certificate, Target, TlsMode, TlsPolicy, Untrusted
from .bindings import bindings, end_point_of
from .distrust import wrong_pin
from .pem import explain_certificates, explain_pair
from .pins import certificate_of
from .stream import Peer, TlsFacts
from .tls_link import TlsLink

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

_ALERT, _HANDSHAKE = 21, 22
_DER = 2  # as OpenSSL's Python names the format


def client_context(policy: TlsPolicy) -> ssl.SSLContext:
    """TLS as a policy wants it. Reads files, so not for an event loop. Raises Untrusted."""
    if policy.minimum not in VERSIONS:
        raise Untrusted(f"TLS {policy.minimum} cannot be asked for: minimum is {' or '.join(VERSIONS)}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = VERSIONS[policy.minimum]
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # Who is given as an authority is believed, be it a root or not, and small authorities are hardly ever strictly as
    # RFC 5280 wants them: the same with every version of Python.
    context.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST | ssl.VERIFY_X509_PARTIAL_CHAIN
    if policy.pin is not None or not policy.is_checked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        _believe(context, policy)
    if policy.certificate is not None:
        _show(context, policy)
    return context


def near(policy: TlsPolicy, peer: Peer) -> TlsPolicy:
    """The policy for a server on this machine: where TLS is taken as it is offered, and nobody said whom to believe,
    whoever answers is. Nothing leaves the machine, and without TLS it would be asked for even less."""
    is_said = policy.authority is not None or policy.pin is not None
    if policy.mode is not TlsMode.OFFERED or is_said or not peer.is_loopback:
        return policy
    return replace(policy, is_checked=False)


def _believe(context: ssl.SSLContext, policy: TlsPolicy) -> None:
    if policy.authority is None:
        context.load_default_certs()
        return
    try:
        context.load_verify_locations(cafile=policy.authority)
    except OSError as error:  # SSLError is one
        raise Untrusted(explain_certificates(policy.authority, error)) from error


def _show(context: ssl.SSLContext, policy: TlsPolicy) -> None:
    chain = policy.certificate
    assert chain is not None
    key = policy.key or chain
    try:
        context.load_cert_chain(chain, key, password=_no_password)
    except OSError as error:
        raise Untrusted(explain_pair(chain, key, error)[1]) from error
    except ValueError:
        raise Untrusted(f"{key}: the key has a password; store it without one, mode 0600") from None


def _no_password() -> str:
    """Without this OpenSSL would ask whoever sits at the terminal."""
    raise ValueError


class ClientTlsLink(TlsLink):
    """The client's side of one connection's TLS. `error` is what broke it; `is_clear` says that the server has answered
    a handshake with something that is no TLS."""

    __slots__ = ("_host", "_is_begun", "error", "is_clear")

    def __init__(
        self,
        context: ssl.SSLContext,
        transport: asyncio.Transport,
        stream: asyncio.Protocol,
        on_complete: Callable[[], None],
    ) -> None:
        super().__init__(context, transport, stream, on_complete)
        self._host: str | None = None
        self._is_begun = False
        self.error: ssl.SSLError | None = None
        self.is_clear = False

    def begin(self, host: str) -> None:
        """Say hello. Raises ValueError where TLS takes no such name."""
        self._host = host or None
        secured = self._begin()
        with contextlib.suppress(ssl.SSLWantReadError):
            secured.do_handshake()
        self.flush()

    def data_received(self, data: bytes) -> None:
        if not self._is_begun:
            self._is_begun = True
            if data[0] not in (_ALERT, _HANDSHAKE):
                self.is_clear = True
                self.abort()
                return
        super().data_received(data)

    def _begin(self) -> ssl.SSLObject:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.secured = self._context.wrap_bio(self._incoming, self._outgoing, server_hostname=self._host)
        return self.secured

    def _give_up(self, error: ssl.SSLError) -> None:
        self.error = error
        super()._give_up(error)


def named(host: str) -> str:
    """A host as TLS and the resolver want it: no trailing dot, no brackets, no zone."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(host.strip("[]").partition("%")[0]))
    return host.rstrip(".")


def shown_by(secured: ssl.SSLObject | ssl.SSLSocket | None) -> bytes | None:
    """The certificate of the server in DER, be it believed or not; None where it cannot be had."""
    if secured is None:
        return None
    with contextlib.suppress(ValueError):  # no handshake yet, or one that failed
        if believed := secured.getpeercert(binary_form=True):
            return believed
    # Of a failed handshake only Python's inside knows; it is asked for a hint, nothing depends on it.
    chain = getattr(getattr(secured, "_sslobj", None), "get_unverified_chain", None)
    first = next(iter(chain() or ()), None) if chain is not None else None
    return None if first is None else bytes(first.public_bytes(_DER))


def settled(secured: ssl.SSLObject, target: Target) -> tuple[TlsFacts, Certificate]:
    """What a handshake has settled. Raises Untrusted where the pin does not fit."""
    der = secured.getpeercert(binary_form=True) or b""
    shown = certificate_of(der)
    if target.tls.pin is not None and target.tls.pin != shown.digest:
        raise Untrusted(wrong_pin(target, shown))
    cipher = secured.cipher()
    bound = bindings(secured, _end_point(der))
    return TlsFacts(secured.version() or "", cipher[0] if cipher else "", bound), shown


def _end_point(der: bytes) -> bytes | None:
    try:
        from cryptography import x509  # large, and only for those who look at a certificate

        return end_point_of(x509.load_der_x509_certificate(der))
    except ValueError:  # no login can be bound to what cannot be read
        return None
