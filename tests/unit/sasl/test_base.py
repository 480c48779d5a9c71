"""What the mechanisms share."""

import pytest

from postane.sasl.base import (
    NAME_LIMIT,
    PASSWORD_LIMIT,
    Challenge,
    PasswordClaim,
    decode_name,
    decode_password,
    refuse,
)
from postane.wire.errors import Fault, RemoteProtocolError


def test_a_name_is_utf8_text():
    assert decode_name("gül@örnek.example".encode()) == "gül@örnek.example"


@pytest.mark.parametrize("octets", [b"", b"\xff", b"a\0b", b"a\r\nb", b"\x7f"])
def test_what_is_no_name(octets):
    with pytest.raises(RemoteProtocolError) as caught:
        decode_name(octets)
    assert caught.value.fault is Fault.BAD_ARGUMENT


def test_a_password_may_be_any_octets_but_none():
    assert decode_password(b"\xff").encode("utf-8", "surrogateescape") == b"\xff"
    with pytest.raises(RemoteProtocolError):
        decode_password(b"")


@pytest.mark.parametrize(("decode", "limit"), [(decode_name, NAME_LIMIT), (decode_password, PASSWORD_LIMIT)])
def test_what_would_take_long_to_normalize_is_too_long(decode, limit):
    assert decode(b"a" * limit) == "a" * limit
    with pytest.raises(RemoteProtocolError, match="too long"):
        decode(b"a" * (limit + 1))


def test_a_refusal_does_not_end_the_session():
    assert not refuse("no").fatal


def test_no_secret_is_shown():
    assert "s3cret" not in repr(PasswordClaim("mrose", "s3cret")) + repr(Challenge(b"s3cret"))
