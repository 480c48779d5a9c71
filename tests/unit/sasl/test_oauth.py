"""OAUTHBEARER and XOAUTH2 on both sides."""

import json
from base64 import b64decode

import pytest

from postane.sasl.base import Challenge, Identity, TokenClaim
from postane.sasl.oauth import (
    OAuthBearerClient,
    TokenServer,
    XOAuth2Client,
    make_oauthbearer_server,
    make_xoauth2_server,
)
from postane.wire.errors import LocalProtocolError, RemoteProtocolError

TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
EXAMPLE = (  # RFC 7628 s4.1
    b"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyI"
    b"HZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
)
ASKING = b"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9AQE="  # RFC 7628 s4.3
BEARER = b"n,a=user@example.com,\x01auth=Bearer " + TOKEN.encode() + b"\x01\x01"
XOAUTH2 = b"user=user@example.com\x01auth=Bearer " + TOKEN.encode() + b"\x01\x01"
MAKERS = [(make_oauthbearer_server, BEARER), (make_xoauth2_server, XOAUTH2)]


def told(server: TokenServer, message: bytes) -> tuple[str | None, str]:
    claim = server.start(message)
    assert isinstance(claim, TokenClaim)
    return claim.name, claim.token


def test_the_example_of_rfc_7628() -> None:
    assert told(make_oauthbearer_server(), b64decode(EXAMPLE)) == ("user@example.com", TOKEN)


@pytest.mark.parametrize(("make", "message"), MAKERS)
def test_in_one_line_and_in_two(make, message: bytes) -> None:
    assert told(make(), message) == ("user@example.com", TOKEN)
    server = make()
    assert server.start(None) == Challenge(b"")
    assert server.step(message) == make().start(message)


def test_a_refusal_is_json() -> None:
    bearer, xoauth2 = (json.loads(make().start(message).refusal) for make, message in MAKERS)
    assert bearer == {"status": "invalid_token", "schemes": "bearer"}
    assert xoauth2 == {"status": "401", "schemes": "bearer"}


@pytest.mark.parametrize(("make", "message"), MAKERS)
@pytest.mark.parametrize(
    "authorization", [b"", b"Bearer", b"Bearer ", b"Basic dGlt", b'OAuth realm="x",y=z', b"Bearer a b"]
)
def test_without_a_token_it_is_told_which_one_is_needed(make, message: bytes, authorization: bytes) -> None:
    server = make()
    asked = server.start(message.replace(b"Bearer " + TOKEN.encode(), authorization))
    assert asked == Challenge(make().start(message).refusal)
    for response in (b"\x01", b"", message):
        with pytest.raises(RemoteProtocolError, match="no access token"):
            server.step(response)


def test_the_example_of_discovery() -> None:
    assert isinstance(make_oauthbearer_server().start(b64decode(ASKING)), Challenge)


@pytest.mark.parametrize("scheme", [b"bearer", b"BEARER", b"BeArEr", b"Bearer  "])
@pytest.mark.parametrize(("make", "message"), MAKERS)
def test_the_scheme_is_in_letters_of_either_case(make, message: bytes, scheme: bytes) -> None:
    assert told(make(), message.replace(b"Bearer", scheme)) == ("user@example.com", TOKEN)


@pytest.mark.parametrize(("make", "message"), MAKERS)
def test_a_token_of_sixteen_kilobytes_passes(make, message: bytes) -> None:
    token = "x" * 16_384
    assert told(make(), message.replace(TOKEN.encode(), token.encode()))[1] == token


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (b"n,,", None),
        (b"y,,", None),
        (b"n,a=a=2Cb=3D,", "a,b="),
        (b"n,a=\xc3\xbc@x,", "\u00fc@x"),
    ],
)
def test_the_name_in_the_header(header: bytes, name: str | None) -> None:
    assert told(make_oauthbearer_server(), BEARER.replace(b"n,a=user@example.com,", header)) == (name, TOKEN)


def test_the_name_of_xoauth2() -> None:
    assert told(make_xoauth2_server(), XOAUTH2.replace(b"user@example.com", b"a,b=\xc3\xbc"))[0] == "a,b=\u00fc"
    assert told(make_xoauth2_server(), XOAUTH2.replace(b"user@example.com", b""))[0] is None


def test_other_pairs_are_ignored() -> None:
    more = b"\x01port=99999999999999\x01host=other\tone\r\n\x01mthd=\x01auth="
    assert told(make_oauthbearer_server(), BEARER.replace(b"\x01auth=", more))[1] == TOKEN


@pytest.mark.parametrize(
    "message",
    [
        *(b"", b"\x01", b"\x01\x01", b"n,,", b"n,,\x01", b"n,,\x01\x01", b"n,,auth=Bearer x\x01\x01", b"auth=Bearer x"),
        *(b"n,,\x01auth=Bearer x\x01a=b\x01", b"n,,\x01auth=Bearer x\x01a=b\x01c=d", b"n,,\x01auth=Bearer x\x01\x01x"),
        *(b"n,,\x01auth=Bearer x", b"n,,\x01auth=Bearer x\x01", b"n,,\x01auth=Bearer x\x01\x01\x01"),
        *(b"n,,\x01auth=Bearer x\x01\x01a=b\x01\x01", b"n,,\x01auth=Bearer x\x01auth=Bearer x\x01\x01"),
        *(b"n,,\x01auth=Bearer x\x01a=b\x01a=c\x01\x01", b"n,,\x01host=x\x01\x01", b"n,,\x01AUTH=Bearer x\x01\x01"),
        *(
            b"n,,\x01auth=Bearer \xff\x01\x01",
            b"n,,\x01auth=Bearer x\0\x01\x01",
            b"n,,\x01a1=x\x01auth=Bearer x\x01\x01",
        ),
        *(b"n,,\x01\x01auth=Bearer x\x01\x01", b"n,,\x01auth\x01\x01", b"n,user=u,\x01auth=Bearer x\x01\x01"),
        *(b"p=tls-exporter,,\x01auth=Bearer x\x01\x01", b"n,a=\xff,\x01auth=Bearer x\x01\x01", XOAUTH2),
    ],
)
def test_what_is_not_oauthbearer_is_refused(message: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        make_oauthbearer_server().start(message)


@pytest.mark.parametrize(
    "message",
    [
        *(b"", b"\x01", b"\x01\x01", b"user=u", b"user=u\x01", b"user=u\x01\x01", b"user=u\x01auth=Bearer x\x01"),
        *(
            b"auth=Bearer x\x01user=u\x01\x01",
            b"user=\xff\x01auth=Bearer x\x01\x01",
            b"user=a\nb\x01auth=Bearer x\x01\x01",
        ),
        *(b"User=u\x01auth=Bearer x\x01\x01", BEARER),
    ],
)
def test_what_is_not_xoauth2_is_refused(message: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        make_xoauth2_server().start(message)


@pytest.mark.parametrize(("make", "message"), MAKERS)
def test_the_token_does_not_show(make, message: bytes) -> None:
    server = make()
    assert TOKEN not in repr((server.start(message), server))


@pytest.mark.parametrize(
    ("make", "message", "acknowledgement"),
    [(OAuthBearerClient, BEARER, b"\x01"), (XOAuth2Client, XOAUTH2, b"")],
)
def test_the_client_says_it_at_once_and_acknowledges_a_refusal(make, message: bytes, acknowledgement: bytes) -> None:
    client = make(Identity("user@example.com", TOKEN))
    assert client.start() == message
    assert client.step(b'{"status":"invalid_token"}') == acknowledgement
    client.finish()


@pytest.mark.parametrize("make", [OAuthBearerClient, XOAuth2Client])
@pytest.mark.parametrize(
    ("name", "token"),
    [("u", ""), ("u", "a b"), ("u", "a\x01b"), ("u", "\u00fc"), ("u", "\ud800"), ("", "x"), ("a\x01b", "x")],
)
def test_what_cannot_be_said_is_not_said(make, name: str, token: str) -> None:
    with pytest.raises(LocalProtocolError):
        make(Identity(name, token)).start()
