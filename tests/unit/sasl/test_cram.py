"""CRAM-MD5 on both sides."""

import hashlib
import hmac

import pytest

from postane.sasl.base import Challenge, CramClaim, Identity
from postane.sasl.cram import CramClient, CramServer
from postane.wire.errors import RemoteProtocolError

STAMP = b"<1896.697170952@postoffice.reston.mci.net>"
DIGEST = "b913a602c7eda7a495b4e6e7334d3890"


def test_the_example_of_rfc_2195() -> None:
    server = CramServer(STAMP)
    assert server.start(None) == Challenge(STAMP)
    claim = server.step(b"tim " + DIGEST.encode())
    assert claim == CramClaim("tim", STAMP, DIGEST)
    assert hmac.digest(b"tanstaaftanstaaf", claim.challenge, hashlib.md5).hex() == claim.digest


@pytest.mark.parametrize(
    ("name", "octets"), [("tim the enchanter", b"tim the enchanter"), ("t\u00fcm", b"t\xc3\xbcm"), (" ", b" ")]
)
def test_names_may_have_spaces(name: str, octets: bytes) -> None:
    assert CramServer(STAMP).step(octets + b" " + DIGEST.upper().encode()) == CramClaim(name, STAMP, DIGEST)


@pytest.mark.parametrize("initial", [b"", b"tim", b"tim " + DIGEST.encode()])
def test_an_initial_response_is_refused(initial: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="no initial response"):
        CramServer(STAMP).start(initial)


@pytest.mark.parametrize(
    "response",
    [
        *(b"", b" ", b"tim", DIGEST.encode(), b"tim  " + b"a" * 31, b"tim " + b"a" * 31, b"tim " + b"a" * 33),
        *(b"tim " + b"g" * 32, b" " + DIGEST.encode(), b"t\xffm " + DIGEST.encode(), b"t\0m " + DIGEST.encode()),
        *(b"tim " + DIGEST.encode() + b"\n", b"tim " + DIGEST.encode() + b" ", b"tim\t" + DIGEST.encode()),
    ],
)
def test_what_is_no_name_and_digest_is_refused(response: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        CramServer(STAMP).step(response)


def test_the_digest_does_not_show() -> None:
    assert DIGEST not in repr(CramClaim("tim", STAMP, DIGEST))


def test_the_client_of_the_example() -> None:
    client = CramClient(Identity("tim", "tanstaaftanstaaf"))
    assert client.start() is None
    assert client.step(STAMP) == b"tim " + DIGEST.encode()
    with pytest.raises(RemoteProtocolError):
        client.step(STAMP)
    client.finish()


def test_no_digest_is_made_of_nothing() -> None:
    with pytest.raises(RemoteProtocolError):
        CramClient(Identity("tim", "secret")).step(b"")
