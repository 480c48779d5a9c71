"""The header by which a proxy says who its client is: HAProxy's PROXY protocol, version 1 (a line) and 2 (binary).

Its specification is HAProxy's document "The PROXY protocol, versions 1 & 2"; sections are named as there. A header is
told from the octets that came so far: it is not complete yet, it is there and so many octets long, or there is none.
What follows a header is never looked at.

Must not know: sockets, whom to believe.
"""

import ipaddress
import re
import struct
from dataclasses import dataclass

from .proxy_tlvs import CRC32C, SSL, BadHeader, TlsClaim, Tlvs, crc32c, parse_ssl, parse_tlvs

V1_LIMIT = 107
"""Octets of the longest line with its CRLF (section 2.1)."""

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
"""How version 2 begins (section 2.2)."""

FIXED = 16
"""Octets of version 2 before the addresses."""

LENGTH_LIMIT = 16 * 1024
"""Octets of addresses and TLVs: the field could say 64 KiB; a client's whole certificate may be among them."""

_LINE = re.compile(rb"PROXY (?:UNKNOWN(?: .*)?|(TCP[46]) ([^ ]+) ([^ ]+) ([0-9]+) ([0-9]+))", re.DOTALL)
_LOCAL, _PROXY = 0x20, 0x21
_ADDRESS_OCTETS = {0x00: 0, 0x11: 12, 0x21: 36, 0x31: 216}  # UNSPEC, TCP over IPv4 and IPv6, UNIX stream
_INET, _INET6 = 0x11, 0x21

LOCAL_HEADER = SIGNATURE + bytes((_LOCAL, 0, 0, 0))
"""Who sends this comes for itself (section 2.2)."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says. `host` is None where it names no address: then the connection's own holds.

    `is_probe`: the proxy connects for itself (LOCAL), most likely to see whether the server lives. `tls` is what was
    spoken between client and proxy, None where that was nothing or is not told.
    """

    octets: int
    host: str | None = None
    port: int = 0
    is_probe: bool = False
    tls: TlsClaim | None = None


def parse_header(octets: bytes) -> Header | None:
    """The header at the beginning of `octets`; None: more of them are needed, and all these belong to it.

    Raises BadHeader. Where the octets come in pieces the outcome is the same.
    """
    if octets.startswith(SIGNATURE):
        return _binary(octets)
    if octets.startswith(b"PROXY "):
        return _line(octets)
    if SIGNATURE.startswith(octets) or b"PROXY ".startswith(octets):
        return None
    raise BadHeader("no PROXY header")


def _line(octets: bytes) -> Header | None:
    """Section 2.1."""
    end = octets.find(b"\r\n", 0, V1_LIMIT)
    if end < 0:
        if len(octets) >= V1_LIMIT:
            raise BadHeader("the PROXY line does not end")
        return None
    found = _LINE.fullmatch(octets, 0, end)
    if found is None:
        raise BadHeader("not a PROXY line")
    kind, source, destination, *ports = found.groups()
    if kind is None:  # UNKNOWN: what follows in the line means nothing
        return Header(end + 2)
    version = 4 if kind == b"TCP4" else 6
    host, _ = _address(source, version), _address(destination, version)
    port, _ = map(_port, ports)
    return Header(end + 2, host, port)


def _address(text: bytes, version: int) -> str:
    try:
        if b"%" in text:
            raise ValueError("a zone")
        address = ipaddress.ip_address(text.decode("ascii"))
    except ValueError:
        raise BadHeader("a bad address in the PROXY line") from None
    if address.version != version:
        raise BadHeader("an address of another family in the PROXY line")
    return plain_address(address)


def _port(digits: bytes) -> int:
    if len(digits) > 5 or (len(digits) > 1 and digits.startswith(b"0")) or int(digits) > 0xFFFF:
        raise BadHeader("a bad port in the PROXY line")
    return int(digits)


def _binary(octets: bytes) -> Header | None:
    """Section 2.2."""
    if len(octets) > 12 and octets[12] not in (_LOCAL, _PROXY):
        raise BadHeader("a PROXY header of an unknown version or command")
    if len(octets) > 13 and octets[12] == _PROXY and octets[13] not in _ADDRESS_OCTETS:
        raise BadHeader("a PROXY header of an unknown family")  # datagrams among them: this is none
    if len(octets) < FIXED:
        return None
    (length,) = struct.unpack_from("!H", octets, 14)
    if length > LENGTH_LIMIT:
        raise BadHeader("a PROXY header that is too long")
    whole = FIXED + length
    if len(octets) < whole:
        return None
    if octets[12] == _LOCAL:  # the rest means nothing
        return Header(whole, is_probe=True)
    return _proxied(octets[:whole])


def _proxied(octets: bytes) -> Header:
    """Section 2.2, after the fixed part; a CRC that is there must be right (section 2.2.3)."""
    family = octets[13]
    start = FIXED + _ADDRESS_OCTETS[family]
    if start > len(octets):
        raise BadHeader("a PROXY header without its addresses")
    tlvs = parse_tlvs(octets, start)
    _check_crc(octets, tlvs)
    tls = parse_ssl(octets, *tlvs[SSL]) if SSL in tlvs else None
    if family == _INET:
        source, port = struct.unpack_from("!4s4xH", octets, FIXED)
    elif family == _INET6:
        source, port = struct.unpack_from("!16s16xH", octets, FIXED)
    else:
        return Header(len(octets), tls=tls)
    return Header(len(octets), plain_address(ipaddress.ip_address(source)), port, tls=tls)


def _check_crc(octets: bytes, tlvs: Tlvs) -> None:
    if CRC32C not in tlvs:
        return
    start, stop = tlvs[CRC32C]
    told = octets[start:stop]
    if len(told) != 4 or crc32c(octets[:start] + bytes(4) + octets[stop:]) != int.from_bytes(told, "big"):
        raise BadHeader("a PROXY header with a wrong checksum")


def plain_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """As text, an IPv4 address that is written as IPv6 in its own form: limits count the same client alike."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
