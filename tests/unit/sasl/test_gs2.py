"""The header of SCRAM and OAUTHBEARER, and names in messages."""

import pytest

from postane.sasl.gs2 import BindingFlag, Gs2Header, decode_saslname, encode_saslname, split_gs2
from postane.wire.errors import RemoteProtocolError

HEADERS = {
    b"n,,": Gs2Header(BindingFlag.ABSENT),
    b"y,,": Gs2Header(BindingFlag.UNOFFERED),
    b"n,a=user@example.org,": Gs2Header(BindingFlag.ABSENT, acts_as="user@example.org"),
    b"p=tls-exporter,,": Gs2Header(BindingFlag.USED, "tls-exporter"),
    b"p=a.B-9,a=x=2Cy=3D,": Gs2Header(BindingFlag.USED, "a.B-9", "x,y="),
}


@pytest.mark.parametrize(("octets", "header"), HEADERS.items())
@pytest.mark.parametrize("rest", [b"", b"n=user,r=x", b"\x01auth=\x01\x01", b",,"])
def test_a_header_is_taken_off_and_written_again(octets: bytes, header: Gs2Header, rest: bytes) -> None:
    assert split_gs2(octets + rest) == (header, rest)
    assert header.encode() == octets


@pytest.mark.parametrize(
    "octets",
    [
        *(b"", b",", b"n", b"n,", b",,", b"N,,", b"x,,", b"nn,,", b"p,,", b"p=,,", b"p=a b,,", b"p=tls_unique,,"),
        *(b"n,user,", b"n,user=x,", b"n,a=,", b"n,a=x=y,", b"n,a=\xff,", b"n, a=x,", b"p=\xc3\xbc,,", b"F,n,,"),
    ],
)
def test_what_is_no_header_is_refused(octets: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        split_gs2(octets)


@pytest.mark.parametrize(
    ("name", "octets"),
    [("user", b"user"), (",", b"=2C"), ("=", b"=3D"), ("=2C", b"=3D2C"), ("ü =,", b"\xc3\xbc =3D=2C")],
)
def test_names_there_and_back(name: str, octets: bytes) -> None:
    assert decode_saslname(octets) == name
    assert encode_saslname(name) == octets


@pytest.mark.parametrize("octets", [b"", b"=", b"a=b", b"=2", b"=2c", b"=3d", b"=2D", b"a,b", b"\xff", b"a\0b"])
def test_what_is_no_name_is_refused(octets: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_saslname(octets)
