"""Questions to an authorization server that behaves badly; one that behaves well is in the tests of what asks."""

import asyncio
import datetime
import gzip
import ipaddress
import ssl

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from postane.accounts.base import AccountsUnavailable
from postane.accounts.https import Https
from postane.net.http import HttpsClient
from support.authorization import CLIENT, open_authorization


@pytest.fixture
async def server():
    async with open_authorization() as server:
        yield server


@pytest.fixture
async def http():
    http = HttpsClient(timeout=20, limit=1000)
    yield http
    await http.close()


@pytest.fixture
def https(http):
    return Https(http)


async def unavailable(https: Https, url: str) -> str:
    with pytest.raises(AccountsUnavailable) as caught:
        await https.post(url, {"token": "hunter2"}, {"Authorization": "Basic hunter3"})
    error = caught.value
    told = f"{error.text} {error.log} {error!r} {error.__cause__!r}"
    assert "hunter" not in told
    assert error.__cause__ is None
    assert str(error.text) == "accounts are not available now"
    return error.log


async def test_what_is_there(server, https):
    server.body = b"{}" * 500
    assert await https.get(f"{server.url}/jwks") == server.body
    assert await https.post(f"{server.url}/introspect", {"token": "x"}, {}) == server.body


async def test_an_answer_has_a_limit(server, https):
    server.body = b"x" * 1001
    assert "more than 1000 octets" in await unavailable(https, f"{server.url}/introspect")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(server, https, status):
    server.status, server.location = status, f"{server.url}/elsewhere"
    assert f"answered {status}, not 200" in await unavailable(https, f"{server.url}/introspect")
    assert server.asked == ["/introspect"]


@pytest.mark.parametrize("status", [204, 206, 400, 404, 500, 503])
async def test_any_other_answer_may_pass(server, https, status):
    server.status = status
    assert f"answered {status}" in await unavailable(https, f"{server.url}/introspect")


async def test_who_is_not_let_in_is_told_what_to_look_at(server, https):
    assert "client_secret_file" in await unavailable(https, f"{server.url}/introspect")
    assert CLIENT[1] not in await unavailable(https, f"{server.url}/introspect")


async def test_a_compressed_answer_is_not_unpacked(server, https):
    server.body, server.headers = gzip.compress(b"x" * 10_000_000)[:900], {"Content-Encoding": "gzip"}
    assert "compression" in await unavailable(https, f"{server.url}/introspect")


async def test_no_cookie_is_kept(server, https, http):
    server.body, server.headers = b"{}", {"Set-Cookie": "session=1; Path=/"}
    for _ in range(2):
        await https.get(f"{server.url}/jwks")
    assert not (await http._client()).cookies


async def test_no_proxy_of_the_environment_is_used(server, https, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert await https.get(f"{server.url}/jwks")


async def test_a_server_that_hangs_up(server, https):
    server.is_away = True
    await unavailable(https, f"{server.url}/introspect")


async def test_one_that_is_not_there(https):
    assert "127.0.0.1:1/x" in await unavailable(https, "http://127.0.0.1:1/x")


async def test_one_that_is_slow(server):
    server.go_on.clear()
    https = Https(HttpsClient(timeout=0.05))
    assert "within 0.05 s" in await unavailable(https, f"{server.url}/introspect")
    await https.close()


async def test_garbage_in_place_of_http(server, https):
    server.headers = {"Transfer-Encoding": "chunked"}
    server.body = b"zzz\r\n\0\xff"
    await unavailable(https, f"{server.url}/introspect")


async def test_an_address_that_is_none(https):
    await unavailable(https, "https://[::1/")


async def test_many_at_once_use_one_client(server, https, monkeypatch):
    made = []
    real = httpx2.AsyncClient
    monkeypatch.setattr(httpx2, "AsyncClient", lambda **how: made.append(how) or real(**how))
    await asyncio.gather(*(https.get(f"{server.url}/jwks") for _ in range(30)))
    assert len(made) == 1
    assert len(server.asked) == 30


async def test_closing_twice(https):
    await https.close()
    await https.close()


# TLS


def certificate(name: str, signer: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None = None):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signing = signer or (subject, key)
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        .sign(signing, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM), key, subject


@pytest.fixture
def ca(tmp_path):
    """The CA's file, and a server's context with a certificate that it signed."""
    return signed_for(tmp_path, "localhost")


def signed_for(tmp_path, server_name: str):
    pem, key, name = certificate("ca.example")
    (tmp_path / "ca.pem").write_bytes(pem)
    chain, server_key, _ = certificate(server_name, (name, key))
    private = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "server.pem").write_bytes(chain + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    return tmp_path / "ca.pem", context


async def test_https_with_a_ca_of_ones_own(ca):
    path, context = ca
    async with open_authorization(context) as server:
        https = Https(HttpsClient(timeout=20, authority=path))
        assert b"keys" in await https.get(f"{server.url}/jwks")
        await https.close()


async def test_a_certificate_that_nobody_signed_whom_we_trust(ca):
    _, context = ca
    async with open_authorization(context) as server:
        https = Https(HttpsClient(timeout=20))
        assert "certificate" in (await unavailable(https, f"{server.url}/introspect")).lower()
        await https.close()
        assert server.asked == []


async def test_a_certificate_for_another_name(tmp_path):
    path, context = signed_for(tmp_path, "another.example")
    async with open_authorization(context) as server:
        https = Https(HttpsClient(timeout=20, authority=path))
        assert "certificate" in (await unavailable(https, f"{server.url}/introspect")).lower()
        await https.close()
        assert server.asked == []


@pytest.mark.parametrize("octets", [None, b"", b"no certificate"])
async def test_a_ca_that_cannot_be_read(tmp_path, octets):
    if octets is not None:
        (tmp_path / "ca.pem").write_bytes(octets)
    https = Https(HttpsClient(timeout=20, authority=tmp_path / "ca.pem"))
    log = await unavailable(https, "https://127.0.0.1:1/")
    assert log.count("ca.pem") == 1
    assert ("cannot read the certificate" if octets is None else "holds no certificate in PEM") in log
