"""POP2 and POP1 sessions in memory: by the transcript player, or by the real loop over a stream in the test's hands."""

import asyncio
from typing import Any

from postane.net.memory import MemoryStream
from postane.pop1.server import Pop1Server
from postane.pop2.server import Pop2Server
from postane.server.desk import Desk
from postane.server.loop import Conversation, converse
from postane.server.office import PostOffice
from postane.server.pop1 import Pop1Desk
from postane.server.pop2 import Pop2Desk
from postane.server.record import Ending, SessionRecord
from postane.wire.machine import Machine

from .pop3 import NOW, Pop3Session
from .transcript import Session

ROOMS: dict[str, tuple[type[Any], type[Any]]] = {"pop2": (Pop2Server, Pop2Desk), "pop1": (Pop1Server, Pop1Desk)}


def make_desk(office: PostOffice, service: str, stream: MemoryStream) -> tuple[Machine[Any, Any], Any, SessionRecord]:
    """What the reception makes for a connection."""
    machine, desk = ROOMS[service]
    record = SessionRecord("test", service, stream.peer, NOW)
    return machine(), desk(office, stream, record), record


def transcript_session(office: PostOffice, service: str) -> tuple[Session, Desk]:
    """A session for the player of transcripts, and its desk to be closed."""
    stream = MemoryStream()
    machine, desk, _ = make_desk(office, service, stream)
    return Session(machine, desk, stream), desk


class LoopSession(Pop3Session):
    """One connection to an office, run by the real loop."""

    def __init__(self, office: PostOffice, service: str, stream: MemoryStream | None = None) -> None:
        self.stream = stream or MemoryStream()
        self._machine, self.desk, self.record = make_desk(office, service, self.stream)
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> Ending:
        try:
            return await converse(Conversation(self.stream, self._machine, self.desk))
        finally:
            await self.desk.close()
