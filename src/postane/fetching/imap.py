"""IMAP servers, as fetch.toml names them: how they are entered.

Must not know: what is fetched or put there.
"""

import ssl
from collections.abc import Callable

from postane.client.login import Plaintext
from postane.credentials.base import Secret, SecretSource
from postane.fetch.imap_source import ImapSource
from postane.imap.errors import ImapError
from postane.imap.session import Entry, ImapSession
from postane.net.base import NetError, Target, Untrusted
from postane.net.client_tls import client_context, near, shown_by
from postane.net.distrust import explain, wrong_pin
from postane.net.pins import certificate_of, digest_of
from postane.net.stream import Peer

from .pem_files import trouble_with_files
from .places import Place


def enter_imap(target: Target, name: str, plaintext: Plaintext, secret: Secret) -> ImapSession:
    """Connect, secure, log in; waits. Raises ImapError."""

    def check(der: bytes) -> str | None:
        pin = target.tls.pin
        return None if pin is None or digest_of(der) == pin else wrong_pin(target, certificate_of(der))

    try:
        context = client_context(near(target.tls, _peer(target.host)))
    except Untrusted as error:
        raise ImapError(error.text, is_trust=True) from error
    except NetError as error:
        raise ImapError(error.text) from error

    def allows(address: str) -> bool:
        is_near = Peer(address).is_loopback
        return plaintext is Plaintext.ALWAYS or (plaintext is Plaintext.LOOPBACK and is_near)

    shown = _remembering(context)

    def why(error: ssl.SSLError) -> str:
        der = shown()
        return explain(target, error, None if der is None else certificate_of(der))

    return ImapSession(target, Entry(name, secret, allows, context, check, why))


def _remembering(context: ssl.SSLContext) -> Callable[[], bytes | None]:
    """What tells the certificate (DER) that a handshake of this context has failed with; the library that connects
    throws it away."""
    shown: list[bytes] = []

    class Remembering(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            try:
                super().do_handshake(block)
            except ssl.SSLError:
                if (der := shown_by(self)) is not None:
                    shown.append(der)
                raise

    context.sslsocket_class = Remembering
    return lambda: shown[-1] if shown else None


def _peer(host: str) -> Peer:
    """Who it would be; the library that connects does not tell before."""
    return Peer("127.0.0.1" if host == "localhost" else host)


def imap_source(place: Place, target: Target, name: str, plaintext: Plaintext, secret: SecretSource) -> ImapSource:
    """A session that has not begun."""

    def enter(given: Secret) -> ImapSession:
        if (trouble := trouble_with_files(target.tls)) is not None:
            raise trouble
        return enter_imap(target, name, plaintext, given)

    return ImapSource(enter, secret, place.folder, place.host, name)
