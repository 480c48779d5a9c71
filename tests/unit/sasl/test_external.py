"""EXTERNAL on the server's side."""

import pytest

from postane.sasl.base import Challenge, OutsideClaim
from postane.sasl.external import ExternalServer
from postane.wire.errors import RemoteProtocolError


@pytest.mark.parametrize(
    ("response", "name"), [(b"", None), (b"fred@example.com", "fred@example.com"), (b"fr\xc3\xa9d", "fr\u00e9d")]
)
def test_with_and_without_a_name(response: bytes, name: str | None) -> None:
    assert ExternalServer().start(response) == OutsideClaim(name)
    slow = ExternalServer()
    assert slow.start(None) == Challenge(b"")  # RFC 4422 sA.1
    assert slow.step(response) == OutsideClaim(name)


@pytest.mark.parametrize("response", [b"\0", b"fr\0ed", b"fr\xffed", b"fred\r\n", b"\x7f"])
def test_what_is_no_name_is_refused(response: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        ExternalServer().start(response)
