"""Where connections come in: counted, run by the loop, and told of in the log when they are over.

Must not know: sockets, protocols' verbs.
"""

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from postane.accounts.throttle import source_of
from postane.net.stream import Stream, StreamClosed

from .guest import BOUNDLESS, EVERYBODY, Guest, MakeDesk, Room
from .limits import Tally
from .loop import Conversation
from .need import CLIENT, NOTHING, Need
from .office import PostOffice
from .record import Ending, SessionRecord
from .telling import tell_session

SENT_AWAY = frozenset({Ending.KICKED, Ending.CROWDED_OUT})
"""Endings that Reception gave, whatever the session itself saw of it."""

KICK_WAIT = 1.0
"""Seconds that whoever kicks a session waits at most until it is over."""


class Reception:
    """Takes in the connections of one worker: not more than it has `room` for, whatever all of them together may."""

    def __init__(self, office: PostOffice, connections: Tally, room: Room = BOUNDLESS) -> None:
        self._office = office
        self._connections = connections
        self._room = room
        self._taken = 0  # places
        self._lingering = 0  # connections that are told that there is none
        self._open: dict[Guest, None] = {}
        self._perhaps_strangers: dict[Guest, None] = {}  # in the order in which they came
        self._closing: set[asyncio.Task[None]] = set()
        self._on_news = self._go_on  # bound once for all guests
        self._departure = asyncio.Event()  # somebody has left
        self._log = structlog.get_logger("postane").bind()  # once, not for each session

    def accept(self, service: str, make_desk: MakeDesk, stream: Stream) -> None:
        """A connection has come in: run its session."""
        record = SessionRecord(self._office.token(), service, stream.peer, self._office.clock())
        guest = Guest(record, stream, make_desk, self._on_news)
        self._open[guest] = self._perhaps_strangers[guest] = None
        stream.set_deadline(self._office.limits.login)
        guest.has_place = self._count(guest, EVERYBODY, self._office.limits.connections)
        if stream.stands:
            self._welcome(guest)
        elif stream.is_introduced:
            self._begin_handshake(guest)
        else:
            self._attend(guest, self._meet(guest))

    @property
    def count(self) -> int:
        """Sessions that are open."""
        return len(self._open)

    def sessions(self) -> list[tuple[SessionRecord, str]]:
        """What is known of each open session, and the state that its machine is in."""
        return [(guest.record, guest.state) for guest in self._open]

    async def kick(self, session: str) -> bool:
        """End a session as if its connection had been lost; whether there was one."""
        guest = next((guest for guest in self._open if guest.record.session == session), None)
        if guest is None:
            return False
        self._send_away(guest, Ending.KICKED)
        with contextlib.suppress(TimeoutError):  # its client may be slow to go; its maildrop is free
            await asyncio.wait_for(self._wait_until(lambda: guest not in self._open), KICK_WAIT)
        return True

    async def drain(self, seconds: float | None) -> None:
        """Let open sessions come to their end, for so long; those that lose nothing end now. None: all go on, however
        long they take."""
        for guest in tuple(self._open):
            if seconds is not None and guest.may_be_ended:
                self._send_away(guest, Ending.SHUT_DOWN)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wait_until(lambda: not self._open), seconds)
        for guest in tuple(self._open):
            self._send_away(guest, Ending.SHUT_DOWN)
        await self._wait_until(lambda: not self._open)

    async def _wait_until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._departure.clear()
            await self._departure.wait()

    def _attend(self, guest: Guest, work: Coroutine[Any, Any, None]) -> None:
        """Something has to be waited for that is not the client: from here on that is a task's."""
        self._listen(guest, is_heard=False)
        guest.task = asyncio.create_task(work, name=guest.record.session)
        guest.task.add_done_callback(functools.partial(self._part, guest))

    def _part(self, guest: Guest, task: "asyncio.Task[None]") -> None:
        """Its task is done; cancelled before its first step, it has not seen the session to its end."""
        if task.cancelled() and guest in self._open:
            if guest.talk is not None:
                guest.talk.shut_down()
            self._attend(guest, self._accompany(guest, Need.PARTING))

    async def _meet(self, guest: Guest) -> None:
        """Introduce and secure a connection that does not stand yet; what is over a limit gets no further than that."""
        record, stream = guest.record, guest.stream
        is_over = True
        try:
            await stream.introduce()
            record.peer = stream.peer
            if stream.begins_with_tls and not self._may_stay(guest):
                record.ending = Ending.REFUSED
                return
            await stream.secure()
            is_over = False
        except (StreamClosed, TimeoutError) as error:
            record.note_failure(error)
        except asyncio.CancelledError:
            record.ending = record.ending if record.ending in SENT_AWAY else Ending.SHUT_DOWN
        finally:
            if is_over:
                self._forget(guest)
        if not is_over:
            self._welcome(guest)

    def _begin_handshake(self, guest: Guest) -> None:
        """Nobody has to be asked who it is; what is over a limit gets no further."""
        if not self._may_stay(guest):
            guest.record.ending = Ending.REFUSED
            self._forget(guest)
            return
        self._listen(guest, is_heard=True)
        self._shake_hands(guest)

    def _shake_hands(self, guest: Guest) -> None:
        """The handshake has begun, goes on, or has ended."""
        is_done: bool | None = None
        try:
            is_done = guest.stream.secure_now()
        except (StreamClosed, TimeoutError) as error:
            guest.record.note_failure(error)
        finally:
            if is_done is None:
                self._forget(guest)
        if is_done:
            self._welcome(guest)

    def _welcome(self, guest: Guest) -> None:
        """It stands: count it, and begin the conversation."""
        stream = guest.stream
        if not stream.begins_with_tls and not self._may_stay(guest):
            self._turn_away(guest)
            return
        machine, desk = guest.make_desk(self._office, stream, guest.record)
        guest.talk = Conversation(stream, machine, desk)
        guest.task = None
        self._go_on(guest)

    def _turn_away(self, guest: Guest) -> None:
        """Tell that there is no room; in a flood nobody is told, as that costs more than the connection."""
        guest.record.ending = Ending.REFUSED
        if self._lingering >= self._room.lingering:
            self._forget(guest)
            return
        _, desk = guest.make_desk(self._office, guest.stream, guest.record)
        self._attend(guest, self._refuse(guest, desk.farewell(Ending.REFUSED)))

    def _may_stay(self, guest: Guest) -> bool:
        """Whether its address has not too many already, and there is a place for it, or somebody's else."""
        host = guest.stream.peer.host
        if host != "unix" and not self._count(guest, source_of(host), self._office.limits.per_address):
            return False
        return guest.has_place or self._take_place(guest)

    def _go_on(self, guest: Guest, _event: object = None) -> None:
        """There is news of a guest that nobody accompanies."""
        talk = guest.talk
        if guest.task is not None or guest not in self._open:
            return
        if talk is None:
            self._shake_hands(guest)
            return
        need: Need | None = None
        try:
            need = talk.advance()
        finally:
            if need is None or need is NOTHING:
                self._forget(guest)
        if need is not CLIENT or not guest.is_heard:
            self._wait_for(guest, need)

    def _wait_for(self, guest: Guest, need: Need) -> None:
        if need is Need.CLIENT:
            self._listen(guest, is_heard=True)
        elif need is Need.TURN:
            self._listen(guest, is_heard=False)
            asyncio.get_running_loop().call_soon(self._go_on, guest)
        elif need is Need.ANSWER and guest.talk is not None and guest.talk.event is not None:
            self._listen(guest, is_heard=False)
            guest.talk.event.add_done_callback(functools.partial(self._go_on, guest))
        elif need is not Need.NOTHING:
            self._attend(guest, self._accompany(guest, need))

    def _listen(self, guest: Guest, *, is_heard: bool) -> None:
        guest.is_heard = is_heard
        guest.stream.attend(guest.tell if is_heard else None)

    async def _accompany(self, guest: Guest, need: Need) -> None:
        """Wait for whatever has to be waited for, until it is the client or nothing."""
        reached: Need | None = None
        try:
            if guest.talk is not None:
                reached = await guest.talk.accompany(need)
        finally:
            if reached is not Need.CLIENT:
                self._forget(guest)
        guest.task = None
        if reached is Need.CLIENT:
            self._wait_for(guest, reached)

    def _send_away(self, guest: Guest, ending: Ending) -> None:
        """End a session, unasked, in the midst of whatever it does."""
        if ending in SENT_AWAY:
            guest.record.ending = ending
        if guest.task is not None:
            guest.task.cancel()
        elif guest.talk is not None:
            guest.talk.shut_down()
            self._attend(guest, self._accompany(guest, Need.PARTING))
        else:  # in the midst of its handshake
            guest.record.ending = ending
            self._forget(guest)

    def _forget(self, guest: Guest) -> None:
        """It is over."""
        record, talk = guest.record, guest.talk
        if guest not in self._open:
            return
        del self._open[guest]
        self._perhaps_strangers.pop(guest, None)
        self._listen(guest, is_heard=False)
        guest.stream.abort()
        if talk is not None and talk.ending is not None and record.ending not in SENT_AWAY:
            record.ending, record.trouble = talk.ending, talk.trouble
        if talk is not None and not talk.desk.is_closed:  # after a bug
            closing = asyncio.create_task(talk.desk.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        for key in guest.counted:
            self._connections.leave(key)
            self._taken -= key == EVERYBODY
        tell_session(self._log, record, guest.stream, self._office.clock())
        self._departure.set()

    async def _refuse(self, guest: Guest, words: bytes) -> None:
        try:
            if self._lingering < self._room.lingering:
                self._lingering += 1
                try:
                    guest.stream.write(words)
                    await guest.stream.close(is_peer_sending=True)
                finally:
                    self._lingering -= 1
        finally:
            self._forget(guest)

    def _count(self, guest: Guest, key: str, limit: int) -> bool:
        """Count a connection under a key; False: it is at its limit, and nothing is counted."""
        is_place = key == EVERYBODY
        if (is_place and self._taken >= self._room.places) or not self._connections.enter(key, limit):
            return False
        guest.counted += (key,)
        self._taken += is_place
        return True

    def _uncount(self, guest: Guest, key: str) -> None:
        guest.counted = tuple(counted for counted in guest.counted if counted != key)
        self._connections.leave(key)
        self._taken -= key == EVERYBODY

    def _take_place(self, guest: Guest) -> bool:
        """Every place is taken: whoever has been here longest without logging in gives theirs up, so that connections
        which say nothing keep nobody out. False: all have logged in."""
        while self._perhaps_strangers:
            other = next(iter(self._perhaps_strangers))
            if other is guest:
                break
            del self._perhaps_strangers[other]  # who has logged in stays so, and is not looked at again
            if other.is_stranger:
                self._uncount(other, EVERYBODY)
                self._send_away(other, Ending.CROWDED_OUT)
                return self._count(guest, EVERYBODY, self._office.limits.connections)
        return False
