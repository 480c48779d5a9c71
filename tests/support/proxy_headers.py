"""PROXY headers as a proxy writes them."""

import ipaddress
import struct

from postane.net.proxy_protocol import SIGNATURE
from postane.net.proxy_tlvs import crc32c

LOCAL = SIGNATURE + b"\x20\x00\x00\x00"


def tlv(kind: int, value: bytes) -> bytes:
    """One TLV."""
    return struct.pack("!BH", kind, len(value)) + value


def ssl_tlv(client: int, verify: int, **inner: bytes) -> bytes:
    """PP2_TYPE_SSL; inner values by name."""
    kinds = {"version": 0x21, "name": 0x22, "cipher": 0x23, "signature": 0x24, "key": 0x25}
    parts = b"".join(tlv(kinds[name], value) for name, value in inner.items())
    return tlv(0x20, struct.pack("!BI", client, verify) + parts)


def binary(family: int, block: bytes, command: int = 0x21) -> bytes:
    """Version 2 with anything in it."""
    return SIGNATURE + struct.pack("!BBH", command, family, len(block)) + block


def proxied(host: str, port: int = 40000, tlvs: bytes = b"", *, has_crc: bool = False) -> bytes:
    """Version 2 for a TCP connection of `host`."""
    source = ipaddress.ip_address(host)
    target = ipaddress.ip_address("198.51.100.1" if source.version == 4 else "2001:db8::1")
    block = source.packed + target.packed + struct.pack("!HH", port, 110)
    family = 0x11 if source.version == 4 else 0x21
    if not has_crc:
        return binary(family, block + tlvs)
    blank = binary(family, block + tlv(3, bytes(4)) + tlvs)
    return binary(family, block + tlv(3, struct.pack("!I", crc32c(blank))) + tlvs)


def line(host: str, port: int = 40000) -> bytes:
    """Version 1 for a TCP connection of `host`."""
    version = ipaddress.ip_address(host).version
    target = "198.51.100.1" if version == 4 else "2001:db8::1"
    return f"PROXY TCP{version} {host} {target} {port} 110\r\n".encode()
