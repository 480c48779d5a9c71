"""The PROXY protocol's header as a target of fuzzing: any octets are no header yet, one, or refused."""

import struct

from drive import FLOOD, read_case
from postane.net.proxy_protocol import FIXED, LENGTH_LIMIT, SIGNATURE, Header, parse_header
from postane.net.proxy_tlvs import BadHeader, crc32c
from support.proxy_headers import LOCAL, line, proxied, ssl_tlv, tlv

_TLS = ssl_tlv(7, 0, version=b"TLSv1.3", name=b"fred", cipher=b"TLS_AES_256_GCM_SHA384", key=b"EC256")
SEEDS = [
    *(line("203.0.113.5"), line("2001:db8::5"), b"PROXY UNKNOWN ffff::\r\n", LOCAL),
    *(proxied("203.0.113.5"), proxied("2001:db8::5", tlvs=_TLS), proxied("::ffff:1.2.3.4", tlvs=tlv(0xEE, b"vpc"))),
    proxied("203.0.113.5", tlvs=_TLS + tlv(2, b"mail.example"), has_crc=True),
]


def fuzz_proxy_protocol(data: bytes) -> None:
    """The same however it comes; a header is as long as it says, and what follows changes nothing. With an odd variant
    the checksum of version 2 is put right, so that what lies behind it is reached."""
    case = read_case(data)
    octets = _with_sum(case.octets) if case.variant % 2 else case.octets
    assert len(octets) <= len(case.octets) + FLOOD
    whole = _outcome(octets)
    for pieces in case.splits():
        came, found = b"", None
        for piece in pieces:
            came += octets[len(came) : len(came) + len(piece)]
            found = _outcome(came)
            if found is not None:
                break
        assert found == whole, f"another split gives something else\n{found!r}\n{whole!r}"
    match whole:
        case None:
            assert len(octets) < FIXED + LENGTH_LIMIT
        case Header(length):
            assert 0 < length <= len(octets)
            assert _outcome(octets[:length]) == _outcome(octets[:length] + b"\xff") == whole
            assert _outcome(octets[: length - 1]) is None


def _outcome(octets: bytes) -> Header | str | None:
    try:
        return parse_header(octets)
    except BadHeader as error:
        return str(error)


def _with_sum(octets: bytes) -> bytes:
    """Where the first TLV is a checksum: the right one."""
    at = FIXED + (12 if octets[13:14] == b"\x11" else 36)
    if not octets.startswith(SIGNATURE) or octets[at : at + 3] != b"\x03\0\x04" or len(octets) < at + 7:
        return octets
    end = FIXED + struct.unpack_from("!H", octets, 14)[0]
    checksum = crc32c(octets[: at + 3] + bytes(4) + octets[at + 7 : end])
    return octets[: at + 3] + struct.pack("!I", checksum) + octets[at + 7 :]
