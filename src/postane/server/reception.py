"""Where connections come in: counted, run by the loop, and told of in the log when they are over.

Must not know: sockets, protocols' verbs.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from postane.net.stream import Stream
from postane.wire.machine import Machine

from .limits import Tally
from .loop import Desk, converse
from .office import PostOffice
from .record import Ending, SessionRecord

MakeDesk = Callable[[PostOffice, Stream, SessionRecord], tuple[Machine[Any, Any], Desk]]
"""How a service makes the machine and the desk for a new connection."""

EVERYBODY = "*"
"""The key under which all connections are counted."""


KICK_WAIT = 1.0
"""Seconds that whoever kicks a session waits at most until it is over."""


@dataclass(frozen=True, slots=True)
class Guest:
    """One open session."""

    desk: Desk
    machine: Machine[Any, Any]
    record: SessionRecord


class Reception:
    """Takes in the connections of one worker."""

    def __init__(self, office: PostOffice, connections: Tally) -> None:
        self._office = office
        self._connections = connections
        self._open: dict[asyncio.Task[None], Guest] = {}
        self._log = structlog.get_logger("postane")

    def accept(self, service: str, make_desk: MakeDesk, stream: Stream) -> None:
        """A connection has come in: run its session as a task."""
        record = SessionRecord(self._office.token(), service, stream.peer, self._office.clock())
        machine, desk = make_desk(self._office, stream, record)
        task = asyncio.create_task(self._receive(stream, machine, desk, record), name=record.session)
        self._open[task] = Guest(desk, machine, record)
        task.add_done_callback(self._open.pop)

    @property
    def count(self) -> int:
        """Sessions that are open."""
        return len(self._open)

    def sessions(self) -> list[tuple[SessionRecord, str]]:
        """What is known of each open session, and the state that its machine is in."""
        return [(guest.record, str(guest.machine.state)) for guest in self._open.values()]

    async def kick(self, session: str) -> bool:
        """End a session as if its connection had been lost; whether there was one."""
        for task, guest in tuple(self._open.items()):
            if guest.record.session == session:
                guest.record.ending = Ending.KICKED
                task.cancel()
                await asyncio.wait({task}, timeout=KICK_WAIT)  # its client may be slow to go; its maildrop is free
                return True
        return False

    async def drain(self, seconds: float | None) -> None:
        """Let open sessions come to their end, for so long; those that lose nothing end now. None: however long."""
        for task, guest in tuple(self._open.items()):
            if guest.desk.may_be_ended:
                task.cancel()
        if self._open:
            await asyncio.wait(tuple(self._open), timeout=seconds)
        for task in tuple(self._open):
            task.cancel()
        if self._open:
            await asyncio.wait(tuple(self._open))

    async def _receive(self, stream: Stream, machine: Machine[Any, Any], desk: Desk, record: SessionRecord) -> None:
        stream.set_deadline(self._office.limits.login)
        counted = self._count(stream)
        try:
            if counted is None:
                record.ending = Ending.REFUSED
                stream.write(desk.farewell(Ending.REFUSED))
                await stream.close(is_peer_sending=True)
            else:
                ending = await converse(stream, machine, desk)
                if record.ending is not Ending.KICKED:
                    record.ending = ending
        finally:
            await desk.close()
            for key in counted or ():
                self._connections.leave(key)
            self._tell(record)

    def _count(self, stream: Stream) -> list[str] | None:
        """Count a connection under its keys; None: one of them is at its limit, and nothing is counted."""
        limits = self._office.limits
        wanted = [(EVERYBODY, limits.connections)]
        if stream.peer.host != "unix":
            wanted.append((str(stream.peer), limits.per_address))
        entered: list[str] = []
        for key, limit in wanted:
            if not self._connections.enter(key, limit):
                for counted in entered:
                    self._connections.leave(counted)
                return None
            entered.append(key)
        return entered

    def _tell(self, record: SessionRecord) -> None:
        facts = {
            "session": record.session,
            "service": record.service,
            "peer": str(record.peer),
            "account": record.account,
            "credential": record.credential,
            "messages": record.messages,
            "octets": record.octets,
            "deleted": record.deleted,
            "commands": record.commands,
            "seconds": round(self._office.clock() - record.since, 3),
            "ending": record.ending.value,
        }
        self._log.info("session", **{name: fact for name, fact in facts.items() if fact is not None})
