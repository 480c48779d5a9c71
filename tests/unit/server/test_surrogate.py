"""A message opened for a client without UTF-8."""

import pytest

from postane.mail.downgrade import downgrade_header
from postane.mail.measure import measure
from postane.maildrop.base import OpenMessage
from postane.maildrop.spool import joined_facts
from postane.server.surrogate import surrogate

LEAD = "Delivered-To: x\r\nFrom: ü@b\r\n".encode()
BODY = "Subject: öğle\r\nTo: x\r\n\r\nGövde: ü\r\n".encode() + b"x\r\n" * 100


class Reader:
    """A body."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    async def read(self, limit: int) -> bytes:
        piece, self._octets = self._octets[:limit], self._octets[limit:]
        return piece

    async def close(self) -> None:
        self._octets = b""


async def read(message: OpenMessage, limit: int) -> bytes:
    octets = b""
    while piece := await message.read(limit):
        octets += piece
    await message.close()
    return octets


@pytest.mark.parametrize("limit", [1, 7, 1000])
async def test_a_large_one_is_read_as_a_small_one(limit):
    shown, facts = surrogate(OpenMessage(joined_facts(LEAD, measure(BODY)), LEAD, Reader(BODY)))
    octets = await read(shown, limit)
    small, small_facts = surrogate(OpenMessage(measure(LEAD + BODY), LEAD + BODY))
    assert octets == small.head
    assert len(octets) == facts.octets == small_facts.octets == measure(octets).octets
    assert facts.header_octets == small_facts.header_octets == measure(octets).header_octets
    head, body = octets[: facts.header_octets], octets[facts.header_octets :]
    assert head == downgrade_header(LEAD) + downgrade_header(BODY.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    assert body == BODY.partition(b"\r\n\r\n")[2]


async def test_the_lead_alone_may_be_what_is_not_ascii():
    body = b"Subject: x\r\n\r\nbody\r\n"
    shown, facts = surrogate(OpenMessage(joined_facts(LEAD, measure(body)), LEAD, Reader(body)))
    octets = await read(shown, 10)
    assert octets == downgrade_header(LEAD) + body
    assert len(octets) == facts.octets
