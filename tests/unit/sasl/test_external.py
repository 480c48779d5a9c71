"""EXTERNAL on both sides."""

import pytest

from postane.sasl.base import Challenge, Identity, OutsideClaim
from postane.sasl.external import ExternalClient, ExternalServer
from postane.wire.errors import LocalProtocolError, RemoteProtocolError


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


@pytest.mark.parametrize(("name", "response"), [("", b""), ("fr\u00e9d", b"fr\xc3\xa9d")])
def test_the_client_says_a_name_or_none(name: str, response: bytes) -> None:
    client = ExternalClient(Identity(name, ""))
    assert client.start() == response
    with pytest.raises(RemoteProtocolError):
        client.step(b"")
    client.finish()


def test_a_name_that_cannot_be_said_is_not_said() -> None:
    with pytest.raises(LocalProtocolError):
        ExternalClient(Identity("fr\0d", "")).start()
