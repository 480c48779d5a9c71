"""Why TLS with a server does not stand, in words that say what to do.

OpenSSL tells a code, and words for who knows OpenSSL. Settings are called here as fetch.toml and the library call them.

Must not know: sockets, protocols.
"""

import re
import ssl
from datetime import UTC, datetime

from .base import Certificate, Target, TlsMode
from .pins import format_pin

_EXPIRED, _NOT_YET, _SELF_SIGNED = 10, 9, 18
_OTHER_NAME = frozenset({62, 64})
"""OpenSSL's codes (x509_vfy.h)."""

_TOO_OLD = frozenset({"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"})
_NOTHING_IN_COMMON = frozenset({"SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_ALERT_INSUFFICIENT_SECURITY"})
_WANTS_CERTIFICATE = frozenset({"TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_BAD_CERTIFICATE"})
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"})

_REQUIRED = 'tls = "required"'
_LATER = f"a URL without the s, and {_REQUIRED}"
_CLEAR_PORTS = {995: "STLS on port 110", 993: "STARTTLS on port 143", 465: "STARTTLS on port 587"}


def explain(target: Target, error: ssl.SSLError, shown: Certificate | None) -> str:
    """Why a handshake failed; `shown` is the server's certificate, as far as it came."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _unbelieved(target, error, shown)
    reason = error.reason or ""
    if reason in _TOO_OLD:
        asked = target.tls.minimum
        return f"{target} speaks no TLS that is new enough: {asked} is the oldest that is taken (tls_minimum)"
    if reason in _NOTHING_IN_COMMON:
        return f"{target} refuses the TLS handshake: no cipher in common, or it wants a certificate of the client"
    if reason in _WANTS_CERTIFICATE:
        return f"{target} wants a certificate of the client, or does not believe the one that was shown"
    if reason in _NOT_TLS:
        return no_tls(target)
    return f"the TLS handshake with {target} failed: {words_of(error)}"


def no_tls(target: Target) -> str:
    """The server answers in clear."""
    if target.tls.mode is not TlsMode.IMPLICIT:
        return f"{target} has agreed to TLS, and goes on without it"
    other = _CLEAR_PORTS.get(target.port, "STLS or STARTTLS")
    return f"{target} does not speak TLS on this port; try {other}, which is {_LATER}"


def wrong_pin(target: Target, shown: Certificate) -> str:
    """The certificate is not the one that is pinned."""
    found = format_pin(shown.digest)
    return (
        f"the certificate of {target.host} is not the pinned one: it is {found}; if the server has a new one and you"
        " have made sure of it, pin that"
    )


def as_options(text: str, form: str, required: str) -> str:
    """What `explain` says, with the settings that it names called as they are on a command line: `form` is --tls-{} or
    so, `required` what asks for TLS."""
    text = text.replace(_REQUIRED, required)
    return re.sub(r"\(tls_(ca|pin)\)", lambda found: f"({form.format(found[1])})", text)


def words_of(error: ssl.SSLError) -> str:
    """OpenSSL's reason, as words."""
    return (error.reason or str(error)).replace("_", " ").lower()


def _unbelieved(target: Target, error: ssl.SSLCertVerificationError, shown: Certificate | None) -> str:
    pin = " (tls_pin)" if shown is None else f" (tls_pin): {format_pin(shown.digest)}"
    begin = f"the certificate of {target.host} is not believed: "
    if error.verify_code == _EXPIRED:
        since = (
            "" if shown is None or not shown.expires else f" on {datetime.fromtimestamp(shown.expires, UTC):%d %B %Y}"
        )
        return f"{begin}it has expired{since}; its owner has to renew it, until then pin it{pin}"
    if error.verify_code == _NOT_YET:
        return f"{begin}it is not valid yet; is the clock of this machine right?"
    if error.verify_code in _OTHER_NAME:
        names = ", ".join(shown.names) if shown is not None and shown.names else "another name"
        return f"{begin}it is for {names}; connect by a name that it is for, or pin it{pin}"
    why = "self-signed certificate" if error.verify_code == _SELF_SIGNED else error.verify_message
    return f"{begin}{why}; give its authority (tls_ca) or pin it{pin}"
