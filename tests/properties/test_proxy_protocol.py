"""PROXY headers: any octets are no header yet, one of a certain length, or refused; in pieces it is the same."""

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from postane.net.proxy_protocol import SIGNATURE, Header, parse_header
from postane.net.proxy_tlvs import BadHeader
from support.proxy_headers import binary, line, proxied, tlv

_WORDS = [b"PROXY ", b"TCP4 ", b"TCP6 ", b"UNKNOWN", b"1.2.3.4 ", b"::1 ", b"110", b" ", b"\r\n", b"0"]
_LINES = st.lists(st.one_of(st.sampled_from(_WORDS), st.binary(max_size=3)), max_size=9).map(b"".join)
_TLVS = st.lists(st.builds(tlv, st.integers(0, 255), st.binary(max_size=20)), max_size=4).map(b"".join)
_BLOCKS = st.one_of(st.binary(max_size=60), st.builds(lambda tlvs: bytes(12) + tlvs, _TLVS))
_BINARY = st.builds(binary, st.sampled_from([0, 0x11, 0x21, 0x31, 0x12]), _BLOCKS, st.sampled_from([0x20, 0x21, 0x22]))
_ANY = st.one_of(
    st.binary(max_size=120),
    _LINES,
    _LINES.map(b"PROXY ".__add__),
    _BINARY,
    st.binary(max_size=30).map(SIGNATURE.__add__),
    st.builds(lambda header, rest: header + rest, _BINARY, st.binary(max_size=20)),
)
_HOSTS = st.ip_addresses().map(str)


def outcome(octets: bytes) -> Header | str | None:
    try:
        return parse_header(octets)
    except BadHeader as error:
        return str(error)


@given(_ANY)
def test_octet_by_octet_the_outcome_is_the_same(octets: bytes) -> None:
    whole = outcome(octets)
    single = next((found for end in range(len(octets) + 1) if (found := outcome(octets[:end])) is not None), None)
    assert single == whole
    if isinstance(whole, Header):
        assert 0 < whole.octets <= len(octets)
        assert outcome(octets[: whole.octets]) == whole
        assert outcome(octets[: whole.octets - 1]) is None


@given(_HOSTS, st.integers(0, 65535), _TLVS.filter(lambda tlvs: b"\x03" not in tlvs and b"\x20" not in tlvs))
def test_what_a_proxy_writes_is_read(host: str, port: int, tlvs: bytes) -> None:
    mapped = getattr(ipaddress.ip_address(host), "ipv4_mapped", None)
    for octets in (line(host, port), proxied(host, port, tlvs), proxied(host, port, tlvs, has_crc=True)):
        assert parse_header(octets + b"x") == Header(len(octets), str(mapped or host), port)
