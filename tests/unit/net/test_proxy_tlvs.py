"""TLVs and the checksum."""

import pytest

from postane.net.proxy_tlvs import crc32c, parse_tlvs
from support.proxy_headers import tlv


@pytest.mark.parametrize(
    ("octets", "checksum"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),  # the check value of the catalogues
        (bytes(32), 0x8A9136AA),  # this one and the next: RFC 3720, appendix B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_the_checksum(octets: bytes, checksum: int) -> None:
    assert crc32c(octets) == checksum


def test_of_those_that_come_twice_the_first_counts() -> None:
    octets = b"xx" + tlv(9, b"a") + tlv(8, b"") + tlv(9, b"bc")
    assert parse_tlvs(octets, 2) == {9: (5, 6), 8: (9, 9)}
