"""Certificates, and which one a client gets."""

import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from postane.net.tls import BadCertificate, Certificate, Spoken, names_of, server_tls
from support.programs import require


def make(folder: Path, *names: str) -> Certificate:
    """A self-signed certificate for some names."""
    openssl = require("openssl")
    chain, key = folder / f"{names[0].replace('*', 'any')}.pem", folder / f"{names[0].replace('*', 'any')}.key"
    request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subject = ["-subj", "/CN=test", "-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)]
    subprocess.run(
        [openssl, *request, *subject, "-keyout", str(key), "-out", str(chain)], check=True, capture_output=True
    )
    return Certificate(chain, key)


def served(context: ssl.SSLContext, name: str | None, version: ssl.TLSVersion | None = None) -> bytes:
    """The certificate that a client sees that asks for `name`."""
    client = ssl.create_default_context()
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    if version is not None:
        client.maximum_version = version
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            context.wrap_socket(ours, server_side=True).close()
        except (ssl.SSLError, OSError):
            ours.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(theirs, server_hostname=name) as connection:
            return connection.getpeercert(binary_form=True) or b""
    finally:
        thread.join(10)


def test_each_name_gets_its_own(tmp_path: Path) -> None:
    first, second, wild = make(tmp_path, "a.example"), make(tmp_path, "b.example"), make(tmp_path, "*.c.example")
    context = server_tls([first, second, wild]).context
    seen = {name: served(context, name) for name in ("a.example", "B.example", "x.c.example", "other.example", None)}
    assert seen["a.example"] == seen["other.example"] == seen[None]
    assert len({seen["a.example"], seen["B.example"], seen["x.c.example"]}) == 3


def test_the_oldest_version(tmp_path: Path) -> None:
    certificate = make(tmp_path, "a.example")
    assert served(server_tls([certificate]).context, "a.example", ssl.TLSVersion.TLSv1_2)
    with pytest.raises((ssl.SSLError, OSError)):
        served(server_tls([certificate], Spoken(is_13_only=True)).context, "a.example", ssl.TLSVersion.TLSv1_2)


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    certificate = make(tmp_path, "a.example")
    other = make(tmp_path, "b.example")
    with pytest.raises(BadCertificate, match=r"cannot load .*a.example.pem with .*b.example.key"):
        server_tls([Certificate(certificate.chain, other.key)])
    with pytest.raises(BadCertificate, match=r"missing\.pem"):
        server_tls([Certificate(tmp_path / "missing.pem", other.key)])
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    with pytest.raises(BadCertificate, match=r"broken\.pem"):
        names_of(broken)
    assert names_of(certificate.chain) == ["a.example"]
