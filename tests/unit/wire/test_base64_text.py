"""Base64 as SASL writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.wire.base64_text import format_base64, format_initial, parse_base64
from postane.wire.errors import RemoteProtocolError


@given(st.binary())
def test_what_is_written_is_read(octets: bytes) -> None:
    assert parse_base64(format_base64(octets)) == octets
    assert parse_base64(format_initial(octets)) == octets


def test_an_empty_initial_response_is_an_equals_sign() -> None:
    """RFC 5034 s4, RFC 4954 s4."""
    assert format_initial(b"") == b"="
    assert format_base64(b"") == b""


@pytest.mark.parametrize(
    "text", [b"A", b"AA", b"AAA", b"====", b"A===", b"*", b"a b=", b"QUJD\n", b"\xff\xff\xff\xff", b"==="]
)
def test_anything_else_is_refused(text: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="not base64"):
        parse_base64(text)
