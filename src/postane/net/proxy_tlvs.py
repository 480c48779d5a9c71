"""What version 2 of the PROXY protocol says besides addresses: TLVs, those about TLS among them, and its checksum.

Section 2.2 of HAProxy's specification; the checksum is CRC32C, of Castagnoli's polynomial.

Must not know: sockets, addresses.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

CRC32C = 0x03
SSL = 0x20
_VERSION, _COMMON_NAME, _CIPHER = 0x21, 0x22, 0x23

_IS_TLS = 0x01
_SHOWED_CERTIFICATE = 0x02 | 0x04  # on this connection, or on one that it resumes

NAME_LIMIT = 255
"""Octets of a version, a cipher or a common name that are believed to be one."""

Tlvs = Mapping[int, tuple[int, int]]
"""By type: where the value begins, and where it ends."""

# The remainders of the sixteen values of four bits, for the reversed polynomial 0x82F63B78.
_REMAINDERS = (
    *(0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D),
    *(0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9, 0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75),
)


class BadHeader(Exception):
    """There is no PROXY header where one must be, or it is wrong; the text says how."""


@dataclass(frozen=True, slots=True)
class TlsClaim:
    """What a proxy says of TLS between its client and itself; "" where it does not say.

    `common_name` is that of the client's certificate, None where none was shown or it was not verified.
    """

    version: str
    cipher: str
    common_name: str | None = None


def parse_tlvs(octets: bytes, start: int, stop: int | None = None) -> Tlvs:
    """The TLVs that fill the octets from `start` on, exactly; the first of those that come twice. Raises BadHeader."""
    found: dict[int, tuple[int, int]] = {}
    end = len(octets) if stop is None else stop
    while start < end:
        if start + 3 > end:
            raise BadHeader("a TLV that is cut off")
        kind, length = struct.unpack_from("!BH", octets, start)
        start += 3 + length
        if start > end:
            raise BadHeader("a TLV that is cut off")
        if kind in found and kind in (CRC32C, SSL, _COMMON_NAME):
            raise BadHeader("a TLV that comes twice")
        found.setdefault(kind, (start - length, start))
    return found


def parse_ssl(octets: bytes, start: int, stop: int) -> TlsClaim | None:
    """PP2_TYPE_SSL: None where the client spoke no TLS. Raises BadHeader."""
    if stop - start < 5:
        raise BadHeader("a TLV that is cut off")
    client, verify = struct.unpack_from("!BI", octets, start)
    inner = parse_tlvs(octets, start + 5, stop)
    values = {kind: octets[slice(*inner[kind])] for kind in (_VERSION, _COMMON_NAME, _CIPHER) if kind in inner}
    if not client & _IS_TLS:
        return None
    is_verified = verify == 0 and client & _SHOWED_CERTIFICATE  # 0 alone is told of clients without a certificate too
    return TlsClaim(
        version=_text(values.get(_VERSION)) or "",
        cipher=_text(values.get(_CIPHER)) or "",
        common_name=_text(values.get(_COMMON_NAME)) if is_verified else None,
    )


def _text(value: bytes | None) -> str | None:
    """A name, or None: what is no text, or has a character that could pass for the end of it, names nobody."""
    if not value or len(value) > NAME_LIMIT:
        return None
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def crc32c(octets: bytes) -> int:
    """The checksum, CRC32C."""
    remainder = 0xFFFFFFFF
    for octet in octets:
        remainder ^= octet
        remainder = remainder >> 4 ^ _REMAINDERS[remainder & 15]
        remainder = remainder >> 4 ^ _REMAINDERS[remainder & 15]
    return remainder ^ 0xFFFFFFFF
