"""PROXY headers, both versions."""

import pytest

from postane.net.proxy_protocol import LENGTH_LIMIT, SIGNATURE, V1_LIMIT, Header, parse_header
from postane.net.proxy_tlvs import BadHeader, TlsClaim
from support.proxy_headers import LOCAL, binary, line, proxied, ssl_tlv, tlv

LONGEST = b"PROXY UNKNOWN " + b"f" * (V1_LIMIT - 16) + b"\r\n"
TLS = ssl_tlv(7, 0, version=b"TLSv1.3", name=b"fred", cipher=b"TLS_AES_256_GCM_SHA384")


@pytest.mark.parametrize(
    ("octets", "header"),
    [
        (b"PROXY TCP4 203.0.113.5 198.51.100.1 56324 110\r\n", Header(47, "203.0.113.5", 56324)),
        (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 0\r\n", Header(52, "255.255.255.255", 65535)),
        (b"PROXY TCP6 2001:db8::5 2001:DB8::1 1 2\r\n", Header(40, "2001:db8::5", 1)),
        (b"PROXY TCP6 ::ffff:203.0.113.5 ::1 1 2\r\n", Header(39, "203.0.113.5", 1)),
        (b"PROXY UNKNOWN\r\n", Header(15)),
        (b"PROXY UNKNOWN ff:f...f:ff ff:f 1 2\r\n", Header(36)),
        (LONGEST, Header(V1_LIMIT)),
    ],
)
def test_a_line_is_read(octets: bytes, header: Header) -> None:
    assert parse_header(octets) == header
    assert parse_header(octets + b"QUIT\r\n") == header, "what follows is not looked at"


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"QUIT\r\n", "no PROXY header"),
        (b"proxy TCP4", "no PROXY header"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "no PROXY header"),
        (b"\r\n\r\n\0\r\nQUIX", "no PROXY header"),
        (b"PROXY \r\n", "not a PROXY line"),
        (b"PROXY TCP 1.2.3.4 1.2.3.4 1 2\r\n", "not a PROXY line"),
        (b"PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n", "not a PROXY line"),
        (b"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n", "not a PROXY line"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n", "not a PROXY line"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "not a PROXY line"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", "not a PROXY line"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n", "not a PROXY line"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n\r\n", "not a PROXY line"),
        (b"PROXY UNKNOWNS\r\n", "not a PROXY line"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", "a bad port"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 000002\r\n", "a bad port"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", "a bad port"),
        (b"PROXY TCP4 1.2.3.4 1.2.3 1 2\r\n", "a bad address"),
        (b"PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n", "a bad address"),
        (b"PROXY TCP4 1.2.3.4\t 1.2.3.4 1 2\r\n", "a bad address"),
        (b"PROXY TCP4 localhost 1.2.3.4 1 2\r\n", "a bad address"),
        (b"PROXY TCP4 \xd9\xa1.2.3.4 1.2.3.4 1 2\r\n", "a bad address"),
        (b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "a bad address"),
        (b"PROXY TCP6 [::1] ::1 1 2\r\n", "a bad address"),
        (b"PROXY TCP4 ::1 1.2.3.4 1 2\r\n", "another family"),
        (b"PROXY TCP6 ::1 1.2.3.4 1 2\r\n", "another family"),
        (b"PROXY TCP4 " + b"1" * 96, "does not end"),
        (LONGEST.replace(b"\r\n", b"f\r\n"), "does not end"),
    ],
)
def test_a_bad_line_is_refused(octets: bytes, why: str) -> None:
    with pytest.raises(BadHeader, match=why):
        parse_header(octets)


@pytest.mark.parametrize(
    ("octets", "header"),
    [
        (proxied("203.0.113.5", 25), Header(28, "203.0.113.5", 25)),
        (proxied("2001:db8::5", 0), Header(52, "2001:db8::5", 0)),
        (proxied("::ffff:203.0.113.5", 7), Header(52, "203.0.113.5", 7)),
        (proxied("203.0.113.5", 25, has_crc=True), Header(35, "203.0.113.5", 25)),
        (proxied("203.0.113.5", 25, tlv(0xEE, b"x" * 300) + tlv(4, b"")), Header(334, "203.0.113.5", 25)),
        (binary(0x00, b""), Header(16)),
        (binary(0x00, tlv(1, b"h2")), Header(21)),
        (binary(0x31, bytes(216)), Header(232)),
        (LOCAL, Header(16, is_probe=True)),
        (binary(0x11, b"\x01", command=0x20), Header(17, is_probe=True)),
        (binary(0xFF, b"whatever it is", command=0x20), Header(30, is_probe=True)),
        (binary(0x00, tlv(4, bytes(LENGTH_LIMIT - 3))), Header(16 + LENGTH_LIMIT)),
    ],
)
def test_a_binary_header_is_read(octets: bytes, header: Header) -> None:
    assert parse_header(octets) == header
    assert parse_header(octets + b"\x16\x03\x01") == header, "what follows is not looked at"


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (SIGNATURE + b"\x11", "unknown version"),
        (SIGNATURE + b"\x31", "unknown version"),
        (SIGNATURE + b"\x22", "unknown version or command"),
        (SIGNATURE + b"\x21\x41", "unknown family"),
        (SIGNATURE + b"\x21\x13", "unknown family"),
        (SIGNATURE + b"\x21\x12", "unknown family"),
        (SIGNATURE + b"\x21\x11\x40\x01", "too long"),
        (SIGNATURE + b"\x20\x00\xff\xff", "too long"),
        (binary(0x11, bytes(11)), "without its addresses"),
        (binary(0x21, bytes(35)), "without its addresses"),
        (binary(0x31, bytes(215)), "without its addresses"),
        (binary(0x11, bytes(13)), "cut off"),
        (binary(0x11, bytes(12) + b"\x04\x00\x02x"), "cut off"),
        (proxied("203.0.113.5", tlvs=tlv(3, b"abcd")), "wrong checksum"),
        (proxied("203.0.113.5", tlvs=tlv(3, b"")), "wrong checksum"),
        (proxied("203.0.113.5", 1, has_crc=True).replace(b"\xcb\0q\x05", b"\xcb\0q\x06"), "wrong checksum"),
        (proxied("203.0.113.5", tlvs=TLS + TLS), "comes twice"),
        (proxied("203.0.113.5", tlvs=tlv(0x20, b"\1\0\0\0")), "cut off"),
        (proxied("203.0.113.5", tlvs=tlv(0x20, b"\1\0\0\0\0\x21\0\x05TLS")), "cut off"),
    ],
)
def test_a_bad_binary_header_is_refused(octets: bytes, why: str) -> None:
    with pytest.raises(BadHeader, match=why):
        parse_header(octets)


@pytest.mark.parametrize(
    ("tlvs", "claim"),
    [
        (TLS, TlsClaim("TLSv1.3", "TLS_AES_256_GCM_SHA384", "fred")),
        (ssl_tlv(1, 0, version=b"TLSv1.2"), TlsClaim("TLSv1.2", "")),
        (ssl_tlv(1, 0), TlsClaim("", "")),
        (ssl_tlv(0, 0, version=b"TLSv1.2"), None),
        (ssl_tlv(6, 0, name=b"fred"), None),
        (ssl_tlv(1, 0, name=b"fred"), TlsClaim("", "", None)),
        (ssl_tlv(3, 1, name=b"fred"), TlsClaim("", "", None)),
        (ssl_tlv(3, 0x01000000, name=b"fred"), TlsClaim("", "", None)),
        (ssl_tlv(3, 0, name=b"fred"), TlsClaim("", "", "fred")),
        (ssl_tlv(5, 0, name=b"fred"), TlsClaim("", "", "fred")),
        (ssl_tlv(3, 0, name="jos\u00e9".encode()), TlsClaim("", "", "jos\u00e9")),
        (ssl_tlv(3, 0, name=b""), TlsClaim("", "", None)),
        (ssl_tlv(3, 0, name=b"fred\0.example"), TlsClaim("", "", None)),
        (ssl_tlv(3, 0, name=b"fr\xff"), TlsClaim("", "", None)),
        (ssl_tlv(3, 0, name=b"f" * 256), TlsClaim("", "", None)),
        (ssl_tlv(1, 0, version=b"TLS\r\nv1"), TlsClaim("", "")),
        (b"", None),
    ],
)
def test_what_is_told_of_tls(tlvs: bytes, claim: TlsClaim | None) -> None:
    header = parse_header(proxied("203.0.113.5", 25, tlvs))
    assert header is not None
    assert header.tls == claim


@pytest.mark.parametrize(
    "whole", [line("203.0.113.5"), LONGEST, proxied("2001:db8::5", 1, TLS, has_crc=True), LOCAL, b"PROXY UNKNOWN\r\n"]
)
def test_no_beginning_of_a_header_is_one(whole: bytes) -> None:
    assert [parse_header(whole[:length]) for length in range(len(whole))] == [None] * len(whole)
