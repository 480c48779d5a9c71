"""Challenges, decoded for a person."""

import base64

import pytest

from postane.talk.challenges import explain


@pytest.mark.parametrize(
    ("mechanism", "octets", "lines"),
    [
        ("SCRAM-SHA-1", b"r=abc,s=QSXCR+Q6sek8bf92,i=4096",
         ["nonce (r): abc", "salt (s): QSXCR+Q6sek8bf92", "iterations (i): 4096"]),
        ("SCRAM-SHA-256-PLUS", b"e=invalid-proof", ["error (e): invalid-proof"]),
        ("CRAM-MD5", b"<1896.697170952@postoffice.example>", ["decoded: <1896.697170952@postoffice.example>"]),
        ("LOGIN", b"Username:", ["decoded: Username:"]),
        ("OAUTHBEARER", b'{"status":"invalid_token","scope":"mail"}', ["status: invalid_token", "scope: mail"]),
        ("OAUTHBEARER", b"[1]", ["decoded: [1]"]),
        ("GSSAPI", b"\xff\x00", ["octets: ff 00"]),
    ],
)  # fmt: skip
def test_a_challenge_is_explained(mechanism, octets, lines):
    assert explain(mechanism, base64.b64encode(octets)) == lines


def test_what_is_no_base64_or_nothing():
    assert explain("PLAIN", b"") == ["an empty challenge: the server waits for the first response"]
    assert explain("PLAIN", b"?!") == ["this is not base64"]
