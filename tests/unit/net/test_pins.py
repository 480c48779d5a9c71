"""Pins as people write them, and certificates as they are told of."""

import base64
import hashlib

import pytest

from postane.net.pins import certificate_of, format_pin, parse_pin
from support.certificates import LOCALHOST, Authority, der

DIGEST = hashlib.sha256(b"certificate").digest()
HEX = DIGEST.hex()
COLONS = DIGEST.hex(":").upper()


@pytest.mark.parametrize(
    "text",
    [
        HEX,
        HEX.upper(),
        COLONS,
        f"sha256:{HEX}",
        f"SHA256:{COLONS}",
        f"sha-256:{COLONS}",
        f"  sha256:{HEX}\n",
        f"sha256:{base64.b64encode(DIGEST).decode()}",
        format_pin(HEX),
    ],
)
def test_a_pin_in_any_of_its_shapes(text):
    assert parse_pin(text) == HEX


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "64 hexadecimal digits"),
        ("sha256:", "64 hexadecimal digits"),
        (HEX[:-1], "64 hexadecimal digits"),
        (HEX[:-1] + "g", "64 hexadecimal digits"),
        (f"sha256:{base64.b64encode(DIGEST[:-1]).decode()}", "44 characters of base64"),
        ("sha256:ä", "64 hexadecimal digits"),
        (f"sha1:{HEX}", "begins with sha256:, not with sha1:"),
        (f"md5:{HEX}", "begins with sha256:, not with md5:"),
    ],
)
def test_what_is_no_pin(text, words):
    with pytest.raises(ValueError, match=words):
        parse_pin(text)


def test_what_is_told_of_a_certificate(tmp_path):
    authority = Authority(tmp_path)
    octets = der(authority.issue("own", LOCALHOST).chain)
    told = certificate_of(octets)
    assert (told.subject, told.issuer) == ("CN=localhost", "CN=authority")
    assert told.names == ("localhost", "postane.test", "127.0.0.1", "::1")
    assert told.digest == hashlib.sha256(octets).hexdigest()
    assert told.expires > 0


def test_of_what_cannot_be_read_the_digest_alone_is_told():
    told = certificate_of(b"certificate")
    assert (told.subject, told.names, told.digest) == ("", (), HEX)
