"""Where connections come in: counted, run by the loop, and told of in the log when they are over.

Must not know: sockets, protocols' verbs.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from postane.accounts.throttle import source_of
from postane.net.stream import BadIntroduction, NotSecured, Stream, StreamClosed
from postane.wire.machine import Machine

from .limits import Tally
from .loop import Conversation, Desk, converse
from .office import PostOffice
from .record import Ending, SessionRecord

MakeDesk = Callable[[PostOffice, Stream, SessionRecord], tuple[Machine[Any, Any], Desk]]
"""How a service makes the machine and the desk for a new connection."""

EVERYBODY = "*"
"""The key under which all connections are counted."""


SENT_AWAY = frozenset({Ending.KICKED, Ending.CROWDED_OUT})
"""Endings that Reception gave, whatever the session itself saw of it."""

KICK_WAIT = 1.0
"""Seconds that whoever kicks a session waits at most until it is over."""


@dataclass(slots=True)
class Guest:
    """One open connection; there is no `talk` before it is introduced and secured."""

    record: SessionRecord
    counted: list[str] = field(default_factory=list)
    talk: Conversation | None = None

    @property
    def state(self) -> str:
        """Where its session stands."""
        return "arriving" if self.talk is None else str(self.talk.machine.state)

    @property
    def may_be_ended(self) -> bool:
        """Whether nobody loses anything if it is ended now."""
        return self.talk is None or self.talk.desk.may_be_ended

    @property
    def is_stranger(self) -> bool:
        """Whether it holds one of the places and has not said whose it is; a local MTA need not."""
        return EVERYBODY in self.counted and self.record.account is None and self.record.peer.host != "unix"


@dataclass(frozen=True, slots=True)
class Room:
    """What one worker has: `places` for connections, and beside them room for so many `lingering` ones which are told
    that there is none, and are waited for until they have read it."""

    places: float = math.inf
    lingering: float = math.inf


class Reception:
    """Takes in the connections of one worker: not more than it has `room` for, whatever all of them together may."""

    def __init__(self, office: PostOffice, connections: Tally, room: Room = Room()) -> None:
        self._office = office
        self._connections = connections
        self._room = room
        self._taken = 0  # places
        self._lingering = 0  # connections that are told that there is none
        self._open: dict[asyncio.Task[None], Guest] = {}
        self._perhaps_strangers: dict[asyncio.Task[None], Guest] = {}  # in the order in which they came
        self._log = structlog.get_logger("postane")

    def accept(self, service: str, make_desk: MakeDesk, stream: Stream) -> None:
        """A connection has come in: run its session as a task."""
        guest = Guest(SessionRecord(self._office.token(), service, stream.peer, self._office.clock()))
        task = asyncio.create_task(self._receive(stream, make_desk, guest), name=guest.record.session)
        self._open[task] = self._perhaps_strangers[task] = guest
        task.add_done_callback(self._forget)

    def _forget(self, task: "asyncio.Task[None]") -> None:
        del self._open[task]
        self._perhaps_strangers.pop(task, None)

    @property
    def count(self) -> int:
        """Sessions that are open."""
        return len(self._open)

    def sessions(self) -> list[tuple[SessionRecord, str]]:
        """What is known of each open session, and the state that its machine is in."""
        return [(guest.record, guest.state) for guest in self._open.values()]

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
        """Let open sessions come to their end, for so long; those that lose nothing end now. None: all go on, however
        long they take."""
        for task, guest in tuple(self._open.items()):
            if seconds is not None and guest.may_be_ended:
                task.cancel()
        if self._open:
            await asyncio.wait(tuple(self._open), timeout=seconds)
        for task in tuple(self._open):
            task.cancel()
        if self._open:
            await asyncio.wait(tuple(self._open))

    async def _receive(self, stream: Stream, make_desk: MakeDesk, guest: Guest) -> None:
        stream.set_deadline(self._office.limits.login)
        try:
            await self._welcome(stream, make_desk, guest)
        finally:
            stream.abort()
            if guest.talk is not None:
                await guest.talk.desk.close()
            for key in tuple(guest.counted):
                self._uncount(guest, key)
            self._tell(guest.record, stream)

    async def _welcome(self, stream: Stream, make_desk: MakeDesk, guest: Guest) -> None:
        """Count, introduce, secure, converse; what is over a limit gets no further than that."""
        record, limits = guest.record, self._office.limits
        has_place = self._count(guest, EVERYBODY, limits.connections)
        try:
            await stream.introduce()
            record.peer = stream.peer
            is_local = stream.peer.host == "unix"
            is_welcome = is_local or self._count(guest, source_of(str(stream.peer)), limits.per_address)
            is_welcome = is_welcome and (has_place or self._take_place(guest))
            if stream.begins_with_tls and not is_welcome:
                record.ending = Ending.REFUSED
                return
            await stream.secure()
        except BadIntroduction as error:
            record.ending, record.trouble = Ending.NOT_INTRODUCED, str(error)
        except NotSecured as error:
            record.ending, record.trouble = Ending.NOT_SECURED, str(error)
        except TimeoutError:
            record.ending = Ending.TIMED_OUT
        except StreamClosed:
            record.ending = Ending.DROPPED
        except asyncio.CancelledError:
            record.ending = record.ending if record.ending in SENT_AWAY else Ending.SHUT_DOWN
        else:
            await self._converse(stream, make_desk, guest, is_welcome=is_welcome)

    async def _converse(self, stream: Stream, make_desk: MakeDesk, guest: Guest, *, is_welcome: bool) -> None:
        machine, desk = make_desk(self._office, stream, guest.record)
        guest.talk = Conversation(stream, machine, desk)
        if not is_welcome:
            guest.record.ending = Ending.REFUSED
            await self._refuse(stream, desk.farewell(Ending.REFUSED))
            return
        ending = await converse(guest.talk)
        guest.record.trouble = guest.talk.trouble
        if guest.record.ending not in SENT_AWAY:
            guest.record.ending = ending

    async def _refuse(self, stream: Stream, words: bytes) -> None:
        if self._lingering >= self._room.lingering:
            return
        self._lingering += 1
        try:
            stream.write(words)
            await stream.close(is_peer_sending=True)
        finally:
            self._lingering -= 1

    def _count(self, guest: Guest, key: str, limit: int) -> bool:
        """Count a connection under a key; False: it is at its limit, and nothing is counted."""
        is_place = key == EVERYBODY
        if (is_place and self._taken >= self._room.places) or not self._connections.enter(key, limit):
            return False
        guest.counted.append(key)
        self._taken += is_place
        return True

    def _uncount(self, guest: Guest, key: str) -> None:
        guest.counted.remove(key)
        self._connections.leave(key)
        self._taken -= key == EVERYBODY

    def _take_place(self, guest: Guest) -> bool:
        """Every place is taken: whoever has been here longest without logging in gives theirs up, so that connections
        which say nothing keep nobody out. False: all have logged in."""
        while self._perhaps_strangers:
            task, other = next(iter(self._perhaps_strangers.items()))
            if other is guest:
                break
            del self._perhaps_strangers[task]  # who has logged in stays so, and is not looked at again
            if other.is_stranger:
                other.record.ending = Ending.CROWDED_OUT
                self._uncount(other, EVERYBODY)
                task.cancel()
                return self._count(guest, EVERYBODY, self._office.limits.connections)
        return False

    def _tell(self, record: SessionRecord, stream: Stream) -> None:
        facts = {
            "session": record.session,
            "service": record.service,
            "peer": str(record.peer),
            "speaker": None if record.peer.speaker is None else str(record.peer.speaker),
            "tls": None if stream.tls is None else stream.tls.version,
            "account": record.account,
            "credential": record.credential,
            "mechanism": record.mechanism,
            "messages": record.messages,
            "octets": record.octets,
            "deleted": record.deleted,
            "commands": record.commands,
            "seconds": round(self._office.clock() - record.since, 3),
            "ending": record.ending.value,
            "why": record.trouble,
        }
        tell = self._log.debug if _is_noise(record, stream) else self._log.info
        tell("session", **{name: fact for name, fact in facts.items() if fact is not None})


def _is_noise(record: SessionRecord, stream: Stream) -> bool:
    """A proxy looks in every second; others on this machine (`postane doctor`) look whether there is a greeting."""
    if stream.is_probe:
        return record.account is None and not record.messages
    return record.peer.is_loopback and not record.commands and record.ending is Ending.DROPPED
