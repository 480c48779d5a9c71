"""`postane doctor` and the running server: does every address answer, and with the certificate that is configured?

Must not know: how the findings are printed; more of a protocol than how its greeting begins.
"""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding

from postane.config.model import ENCRYPTED, Config, listeners
from postane.config.units import Endpoint
from postane.net.networks import Networks, parse_networks
from postane.net.proxy_protocol import LOCAL_HEADER
from postane.net.tls import BadCertificate, Certificate, read_certificate
from postane.supervisor.plan import FOLDER, configured

from .findings import Finding, error, fine, warning

ABOUT = "listeners"
PATIENCE = 3.0
"""Seconds for one address."""

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to knock at what listens on every address
GREETINGS = {"pop3": b"+OK", "pop2": b"+ POP2", "pop1": b"+", "smtp": b"220", "lmtp": b"220"}


def examine_listeners(config: Config) -> Iterator[Finding]:
    """Knock at each."""
    doors = [(service, end) for service, ends in listeners(config).items() for end in ends if end.is_unix or end.port]
    trusted, is_asked = parse_networks(config.proxy.trusted), config.tls.client_certificates == "required"
    answers = {door: _knock(*door, trusted) for door in doors}
    if answers and all(isinstance(answer, ConnectionRefusedError | FileNotFoundError) for answer in answers.values()):
        yield warning(ABOUT, "no address answers", "start the server: postane serve")
        return
    expected = _certificate(config)
    for (service, end), answer in answers.items():
        if is_asked and service in ENCRYPTED and _wants_certificate(answer):
            answer = Greeting(
                GREETINGS[service.removesuffix("s")], answer.shown if isinstance(answer, Greeting) else None
            )
        yield from _judge(f"{service} {end}", service, answer, expected)


@dataclass(frozen=True, slots=True)
class Greeting:
    """What was said, nothing where the peer went away; and the certificate (DER) that was shown under TLS."""

    octets: bytes
    shown: bytes | None = None


Answer = Greeting | OSError
"""Or what went wrong before there was a greeting or a certificate."""


def _wants_certificate(answer: Answer) -> bool:
    """Whether a client without a certificate was sent away, as it should be where one is required; with TLS 1.3 that
    comes after the handshake."""
    return isinstance(answer, ssl.SSLError) or (isinstance(answer, Greeting) and not answer.octets)


def _knock(service: str, end: Endpoint, trusted: Networks) -> Answer:
    family = socket.AF_UNIX if end.is_unix else socket.AF_INET6 if ":" in end.host else socket.AF_INET
    where = end.path if end.is_unix else (EVERYWHERE.get(end.host, end.host), end.port)
    try:
        with contextlib.ExitStack() as open_now:
            connection = open_now.enter_context(socket.socket(family))
            connection.settimeout(PATIENCE)
            connection.connect(where)
            if not end.is_unix and connection.getsockname()[0] in trusted:
                connection.sendall(LOCAL_HEADER)
            if service not in ENCRYPTED:
                return Greeting(connection.recv(512))
            secured = open_now.enter_context(_anybody().wrap_socket(connection, server_hostname="localhost"))
            shown = secured.getpeercert(binary_form=True)
            return Greeting(_heard(secured), shown)
    except OSError as trouble:
        return trouble


def _heard(secured: ssl.SSLSocket) -> bytes:
    """What is said after the handshake; nothing where it is taken back."""
    try:
        return secured.recv(512)
    except (ssl.SSLError, ConnectionResetError):
        return b""


def _anybody() -> ssl.SSLContext:
    """Whom it trusts is not the question: which certificate is shown is looked at."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _judge(door: str, service: str, answer: Answer, expected: bytes | None) -> Iterator[Finding]:
    restart = "see the log of postane serve, and restart it"
    if isinstance(answer, OSError):
        yield error(ABOUT, f"{door} does not answer: {answer.strerror or answer}", restart)
        return
    if not answer.octets.startswith(GREETINGS[service.removesuffix("s")]):
        words = answer.octets.split(b"\r\n")[0].decode("ascii", "replace")
        yield error(ABOUT, f"{door} answers otherwise than it should: {words!a}", "see who else listens there")
    elif answer.shown is not None and expected is not None and answer.shown != expected:
        yield warning(ABOUT, f"{door} shows another certificate than the one that is configured", restart)
    else:
        yield fine(ABOUT, f"{door} answers")


def _certificate(config: Config) -> bytes | None:
    folder = config.storage.path / FOLDER
    own = configured(config) or Certificate(folder / "certificate.pem", folder / "key.pem")
    try:
        return read_certificate(own.chain).public_bytes(Encoding.DER)
    except BadCertificate:
        return None
