"""What is asked of TLS in words."""

from pathlib import Path

import pytest

from postane.net.asked import read_policy
from postane.net.base import TlsMode, TlsPolicy


def test_nothing_said_is_the_usual():
    assert read_policy({}, TlsMode.IMPLICIT) == TlsPolicy(TlsMode.IMPLICIT)


def test_all_that_can_be_said():
    policy = read_policy(
        {
            "tls": "required",
            "tls_ca": "ca.pem",
            "tls_pin": "sha256:" + "AB" * 32,
            "tls_minimum": "1.3",
            "tls_check": False,
            "tls_certificate": "me.pem",
            "tls_key": "key.pem",
        },
        TlsMode.OFFERED,
    )
    assert policy == TlsPolicy(
        TlsMode.REQUIRED, Path("ca.pem"), "ab" * 32, "1.3", False, Path("me.pem"), Path("key.pem")
    )


def test_who_pins_a_certificate_gets_tls_or_nothing():
    words = {"tls_pin": "sha256:" + "ab" * 32}
    assert read_policy(words, TlsMode.OFFERED).mode is TlsMode.REQUIRED
    assert read_policy({**words, "tls": "if-offered"}, TlsMode.NONE).mode is TlsMode.REQUIRED
    assert read_policy(words, TlsMode.IMPLICIT).mode is TlsMode.IMPLICIT


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"tls": "yes"}, 'tls is "implicit" or "required" or "if-offered" or "none", not \'yes\''),
        ({"tls_minimum": "1.1"}, 'tls_minimum is "1.2" or "1.3", not \'1.1\''),
        ({"tls_pin": "md5:00"}, "a pin begins with sha256:"),
    ],
)
def test_what_is_wrong_is_told(words, told):
    with pytest.raises(ValueError, match=told):
        read_policy(words, TlsMode.OFFERED)
