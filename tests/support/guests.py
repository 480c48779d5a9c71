"""A reception with somebody in it."""

import asyncio

from postane.accounts.memory import MemoryAccounts
from postane.net.memory import MemoryStream
from postane.net.stream import Peer, Stream
from postane.pop3.server import Pop3Server
from postane.server.limits import private_tally
from postane.server.office import PostOffice
from postane.server.pop3 import Pop3Desk
from postane.server.reception import Reception
from postane.server.record import SessionRecord

from .pop3 import make_office, put, sized

ADDRESS = "127.0.0.1"


def make_desk(office: PostOffice, stream: Stream, record: SessionRecord) -> tuple[Pop3Server, Pop3Desk]:
    """How POP3 sessions are made."""
    return Pop3Server(), Pop3Desk(office, stream, record)


async def busy_reception(guests: int = 1) -> tuple[Reception, PostOffice]:
    """mrose has logged in and marked a message; she may be there once."""
    accounts = MemoryAccounts()
    accounts.add("mrose", password="tanstaaf")
    office = make_office(accounts=accounts)
    await put(office.maildrops, "mrose", sized(120))
    reception = Reception(office, private_tally())
    for _ in range(guests):
        stream = MemoryStream(Peer(ADDRESS))
        reception.accept("pop3", make_desk, stream)
        stream.give(b"USER mrose\r\nPASS tanstaaf\r\nDELE 1\r\n")
        for _ in range(100):
            await asyncio.sleep(0)
    return reception, office
