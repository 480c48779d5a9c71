"""Certificates, which one a client gets, and what a handshake settles. No socket: both sides write to memory."""

import hashlib
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from postane.net.client_names import NameKind
from postane.net.stream import TlsFacts
from postane.net.tls import (
    BadCertificate,
    Certificate,
    ClientCertificates,
    ServerTls,
    Spoken,
    end_point,
    names_of,
    server_tls,
)
from support.certificates import LOCALHOST, Authority, Wish, client_context, der
from support.programs import require

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
BOTH = pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])


class Handshake:
    """One connection in memory; `client` and `server` are its ends."""

    def __init__(
        self,
        tls: ServerTls,
        context: ssl.SSLContext,
        name: str | None = "localhost",
        session: ssl.SSLSession | None = None,
    ) -> None:
        there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = context.wrap_bio(back, there, server_hostname=name, session=session)
        self.server = tls.context.wrap_bio(there, back, server_side=True)
        waiting = [self.client, self.server]
        for _ in range(20):
            waiting = [each for each in waiting if not _is_over(each.do_handshake)]
        assert not waiting
        self.facts: TlsFacts = tls.facts(self.server, "192.0.2.1")
        self.server.write(b"+OK")  # with it comes TLS 1.3's ticket; and a client learns here that it was refused
        assert self.client.read(3) == b"+OK"


def _is_over(step: Callable[[], None]) -> bool:
    try:
        step()
    except ssl.SSLWantReadError:
        return False
    return True


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def own(authority: Authority) -> Certificate:
    return authority.issue("own", LOCALHOST)


def test_each_name_gets_its_own(authority: Authority) -> None:
    certificates = [authority.issue(name.replace("*", "any"), Wish(dns=[name])) for name in ("a.b", "b.c", "*.c.d")]
    tls = server_tls(certificates)

    def shown(name: str | None) -> bytes | None:
        seen = Handshake(tls, client_context(), name)
        digest = hashlib.sha256(seen.client.getpeercert(binary_form=True) or b"").digest()
        assert seen.facts.bindings["tls-server-end-point"] == digest
        return seen.client.getpeercert(binary_form=True)

    first, second, wild = (der(certificate.chain) for certificate in certificates)
    assert shown("a.b") == shown("other.example") == shown(None) == first
    assert shown("B.c") == second
    assert shown("x.c.d") == wild


def test_the_oldest_version(own: Certificate) -> None:
    assert Handshake(server_tls([own]), client_context(version=V12)).facts.version == "TLSv1.2"
    assert Handshake(server_tls([own]), client_context()).facts.version == "TLSv1.3"
    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
        Handshake(server_tls([own], Spoken(is_13_only=True)), client_context(version=V12))


def test_only_ciphers_with_ephemeral_keys_that_authenticate(own: Certificate) -> None:
    ciphers = server_tls([own]).context.get_ciphers()
    assert ciphers
    assert all(cipher["aead"] for cipher in ciphers)
    assert all("ECDHE" in cipher["name"] for cipher in ciphers if cipher["protocol"] == "TLSv1.2")
    options = server_tls([own]).context.options
    assert options & ssl.OP_NO_RENEGOTIATION
    assert options & ssl.OP_NO_COMPRESSION


def test_what_cannot_be_used_is_named(tmp_path: Path, authority: Authority) -> None:
    certificate, other = authority.issue("a", Wish(dns=["a.example"])), authority.issue("b", Wish(dns=["b.example"]))
    with pytest.raises(BadCertificate, match=r"b\.key is not the key of the certificate in .*a\.pem"):
        server_tls([Certificate(certificate.chain, other.key)])
    with pytest.raises(BadCertificate, match=r"missing\.pem"):
        server_tls([Certificate(tmp_path / "missing.pem", other.key)])
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    with pytest.raises(BadCertificate, match=r"broken\.pem"):
        names_of(broken)
    assert names_of(certificate.chain) == ["a.example"]


def test_a_key_with_a_password_is_refused_and_nobody_is_asked_for_it(authority: Authority) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    own = authority.issue("own", LOCALHOST, key=key)
    own.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    with pytest.raises(BadCertificate, match=r"own\.key: the key has a password"):
        server_tls([own])


# What a login is bound to


@pytest.mark.parametrize(
    ("key", "digest", "name"),
    [
        (rsa.generate_private_key(65537, 2048), hashes.SHA256(), "sha256"),
        (ec.generate_private_key(ec.SECP384R1()), hashes.SHA384(), "sha384"),
        (ec.generate_private_key(ec.SECP256R1()), hashes.SHA512(), "sha512"),
    ],
    ids=["RSA-SHA256", "ECDSA-SHA384", "ECDSA-SHA512"],
)
def test_the_hash_of_a_certificate_is_that_of_its_signature(
    tmp_path: Path, key: rsa.RSAPrivateKey, digest: hashes.HashAlgorithm, name: str
) -> None:
    """RFC 5929 s4.1."""
    chain = Authority(tmp_path, key=key, digest=digest).issue("own", LOCALHOST).chain
    assert end_point(chain) == hashlib.new(name, der(chain)).digest()


def test_a_broken_hash_is_replaced(tmp_path: Path) -> None:
    """RFC 5929 s4.1: SHA-256 in the place of MD5 and SHA-1."""
    chain, request = tmp_path / "own.pem", "req -x509 -sha1 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    command = [require("openssl"), *request.split(), "-keyout", str(tmp_path / "own.key"), "-out", str(chain)]
    subprocess.run(command, check=True, capture_output=True)
    assert end_point(chain) == hashlib.sha256(der(chain)).digest()


def test_a_signature_without_a_hash_binds_nothing(tmp_path: Path) -> None:
    """RFC 5929 s4.1: it is not defined for Ed25519."""
    own = Authority(tmp_path, key=ed25519.Ed25519PrivateKey.generate()).issue("own", LOCALHOST)
    assert end_point(own.chain) is None
    assert "tls-server-end-point" not in Handshake(server_tls([own]), client_context()).facts.bindings


def test_what_only_tls_12_has_and_only_a_whole_handshake(own: Certificate) -> None:
    """RFC 5929 s3; RFC 7627 s1 shows why not where a session is gone on with."""
    tls, context = server_tls([own]), client_context(version=V12)
    whole = Handshake(tls, context)
    assert whole.facts.bindings["tls-unique"] == whole.client.get_channel_binding("tls-unique")
    again = Handshake(tls, context, session=whole.client.session)
    assert again.client.session_reused
    assert set(again.facts.bindings) == {"tls-server-end-point"}
    assert set(Handshake(tls, client_context(version=V13)).facts.bindings) == {"tls-server-end-point"}


# Who the client is


def asking(own: Certificate, authority: Authority, *more: Certificate, is_required: bool = False) -> ServerTls:
    clients = ClientCertificates(authority.path, NameKind.EMAIL, is_required)
    return server_tls([own, *more], Spoken(clients=clients))


ANNA = Wish(emails=["Anna@example.org"], is_for_clients=True)


@BOTH
def test_a_certificate_tells_who_the_client_is(own: Certificate, authority: Authority, version: ssl.TLSVersion) -> None:
    tls, shown = asking(own, authority), authority.issue("anna", ANNA)
    assert Handshake(tls, client_context(shown=shown, version=version)).facts.client == "anna@example.org"
    assert Handshake(tls, client_context(version=version)).facts.client is None
    assert Handshake(server_tls([own]), client_context(shown=shown, version=version)).facts.client is None


@BOTH
@pytest.mark.parametrize(
    "wish",
    [Wish(emails=["anna@example.org"], ends=-0.5, is_for_clients=True), Wish(emails=["anna@example.org"])],
    ids=["expired", "a server's"],
)
def test_one_that_is_not_good_ends_the_handshake(
    own: Certificate, authority: Authority, wish: Wish, version: ssl.TLSVersion
) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i:certificate)"):
        Handshake(asking(own, authority), client_context(shown=authority.issue("anna", wish), version=version))


@BOTH
@pytest.mark.parametrize("name", ["localhost", "other.example", None])
def test_somebody_elses_signature_ends_the_handshake_under_any_name(
    tmp_path: Path, own: Certificate, authority: Authority, version: ssl.TLSVersion, name: str | None
) -> None:
    other = authority.issue("other", Wish(dns=["other.example"]))
    forged = Authority(tmp_path, "somebody else").issue("anna", ANNA)
    with pytest.raises(ssl.SSLError, match=r"(?i:certificate)"):
        Handshake(asking(own, authority, other), client_context(shown=forged, version=version), name)


@BOTH
@pytest.mark.parametrize("name", ["localhost", "other.example", None])
def test_where_one_is_required_no_name_leads_past_it(
    own: Certificate, authority: Authority, version: ssl.TLSVersion, name: str | None
) -> None:
    other = authority.issue("other", Wish(dns=["other.example"]))
    tls = asking(own, authority, other, is_required=True)
    shown = authority.issue("anna", ANNA)
    assert Handshake(tls, client_context(shown=shown, version=version), name).facts.client == "anna@example.org"
    with pytest.raises(ssl.SSLError, match=r"(?i:certificate)"):
        Handshake(tls, client_context(version=version), name)


@BOTH
def test_a_session_that_is_gone_on_with_is_the_same_clients(
    own: Certificate, authority: Authority, version: ssl.TLSVersion
) -> None:
    tls, shown = asking(own, authority), authority.issue("anna", ANNA)
    context = client_context(shown=shown, version=version)
    first = Handshake(tls, context)
    again = Handshake(tls, context, session=first.client.session)
    assert again.client.session_reused
    assert again.facts.client == "anna@example.org"
    nobody = client_context(version=version)
    unknown = Handshake(tls, nobody)
    assert Handshake(tls, nobody, session=unknown.client.session).facts.client is None


@BOTH
def test_a_session_of_before_a_reload_begins_anew(
    own: Certificate, authority: Authority, version: ssl.TLSVersion
) -> None:
    """What was true of the client by other authorities is not true for ever."""
    context = client_context(shown=authority.issue("anna", ANNA), version=version)
    first = Handshake(asking(own, authority), context)
    again = Handshake(asking(own, authority), context, session=first.client.session)
    assert not again.client.session_reused


def test_a_certificate_without_the_expected_name_is_nobodys(own: Certificate, authority: Authority) -> None:
    shown = authority.issue("anna", Wish(common="anna@example.org", is_for_clients=True))
    assert Handshake(asking(own, authority), client_context(shown=shown)).facts.client is None


@BOTH
def test_an_authority_below_another_is_believed_without_it(
    tmp_path: Path, own: Certificate, authority: Authority, version: ssl.TLSVersion
) -> None:
    between = Authority(tmp_path, "between", parent=authority)
    shown, stranger = between.issue("anna", ANNA), authority.issue("stranger", ANNA)
    assert Handshake(asking(own, between), client_context(shown=shown, version=version)).facts.client is not None
    with pytest.raises(ssl.SSLError, match=r"(?i:certificate)"):
        Handshake(asking(own, between), client_context(shown=stranger, version=version))


def test_authorities_are_believed_alike_on_every_python(own: Certificate, authority: Authority) -> None:
    """From Python 3.13 on the default refuses those that small tools make."""
    assert not asking(own, authority).context.verify_flags & ssl.VERIFY_X509_STRICT


def test_what_cannot_be_an_authority_is_named(tmp_path: Path, own: Certificate, authority: Authority) -> None:
    authority.path.write_text("no certificate")
    with pytest.raises(BadCertificate, match=r"authority\.pem holds no certificate in PEM"):
        asking(own, authority)


def test_a_certificate_without_an_account_is_told_of_and_whose_it_was(own: Certificate, authority: Authority) -> None:
    shown = authority.issue("nameless", Wish(common="somebody", is_for_clients=True))
    with structlog.testing.capture_logs() as logs:
        assert Handshake(asking(own, authority), client_context(shown=shown)).facts.client is None
    (line,) = logs
    assert (line["event"], line["peer"]) == ("client certificate without an account", "192.0.2.1")
