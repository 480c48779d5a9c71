"""The one read-event-reply loop: every protocol's sessions are run by it.

A `Conversation` feeds the machine what the stream brings, hands each event to the protocol's desk, and writes the
replies of a pipeline together. What needs no waiting is answered in the call that brought the octets, so that a client
that says nothing costs no task, and one that asks for what is at hand no change of tasks. Errors become replies in one
place. A body that cannot be completed ends the connection without its ending line: a truncated message must never look
whole.

Must not know: any protocol's verbs, any store.
"""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any

from postane.net.stream import NotSecured, Stream, StreamClosed
from postane.wire.errors import LocalProtocolError, RemoteProtocolError
from postane.wire.machine import NEED_DATA, PAUSED, Machine

from .desk import Desk, Dismissed, Later, Outbox
from .need import CLIENT, PARTING, Need
from .record import Ending

TURN = 16
"""Commands of one pipeline that are answered before the other sessions get their turn: what one client has sent ahead
would else keep all of them waiting for a second, and each further client like it for another."""

FAREWELL_WAIT = 10.0
"""Seconds for the last word to leave, once a session is over."""


class Conversation:
    """One session: its stream, and its machine and desk, which others take over after a TLS handshake.

    `ending` is how it ended, once it has; `trouble` why it could not be secured.
    """

    __slots__ = ("_is_begun", "_is_hungry", "_is_renewed", "_mistakes", "_out", "_rest", "desk", "ending", "machine", "stream", "trouble")  # fmt: skip  # noqa: E501

    def __init__(self, stream: Stream, machine: Machine[Any, Any], desk: Desk) -> None:
        self.stream = stream
        self.machine = machine
        self.desk = desk
        self.ending: Ending | None = None
        self.trouble: str | None = None
        self._out = Outbox(stream, machine)
        self._rest: Awaitable[None] | Later | None = None  # what has to be awaited for an answer
        self._mistakes = 0
        self._is_begun = False
        self._is_hungry = False  # the machine has used all that it was fed
        self._is_renewed = True  # only what is complete renews the patience: a line said octet by octet does not

    def advance(self) -> Need:
        """Answer whatever can be answered without waiting. CLIENT: call it again when the stream has news, NOTHING: it
        is over, ANSWER with an `event`: call it again after that, anything else: `accompany` it. Raises only what a bug
        raises."""
        if self.ending is not None:
            return self._look_after()
        try:
            if self._rest is not None and isinstance(self._rest, Later):
                self._give(self._rest)
            need = self._answer_all() if self.ending is None else PARTING
        except _ENDINGS as error:
            self._end_by(error)
            return PARTING
        return self._leave() if need is PARTING else need

    @property
    def event(self) -> "asyncio.Future[Any] | None":
        """What alone an ANSWER waits for, if it does."""
        return self._rest.event if isinstance(self._rest, Later) else None

    def _give(self, later: Later) -> None:
        self._rest = None
        try:
            later.give()
        except (StreamClosed, TimeoutError, Dismissed):
            raise
        except Exception as error:  # noqa: BLE001 - as in _answer_all
            self._is_hopeless(error)

    async def accompany(self, need: Need) -> Need:
        """Wait for what is needed and answer on, until only the client can be waited for (CLIENT), or it is over
        (NOTHING). Raises only what a bug raises. To be cancelled by `Reception` alone: it is the session's last act."""
        if self.ending is None:
            need = await self._go_on(need)
        if need is Need.PARTING:
            await self._part()
            return Need.NOTHING
        return need

    async def _go_on(self, need: Need) -> Need:
        try:
            while need is not Need.CLIENT:
                await self._wait_for(need)
                need = self._answer_all() if self.ending is None else Need.PARTING
                if need is Need.PARTING:
                    return self._leave()
        except _ENDINGS as error:
            self._end_by(error)
            return Need.PARTING
        except asyncio.CancelledError:
            self.shut_down()
            return Need.PARTING
        return need

    def shut_down(self) -> None:
        """End it, unasked, unless it has ended; what is left is `accompany(Need.PARTING)`.

        What was done is told, else a client sends a message again that is stored. Of a body that is on its way it is a
        piece more, and not its ending: that is made when all of it has been sent, and never on leaving.
        """
        self.stream.write(self._out.take())
        if isinstance(self._rest, Coroutine):
            self._rest.close()  # nobody has begun it
        elif isinstance(self._rest, Later):
            self._rest.event.cancel()  # what has begun is done all the same, and nobody is told how it ended
        self._rest = None
        self.ending = self.ending or Ending.SHUT_DOWN

    def _end_by(self, error: Exception) -> None:
        match error:
            case TimeoutError():
                self.ending = Ending.TIMED_OUT
            case NotSecured():
                self.trouble = str(error)
                self.ending = Ending.NOT_SECURED
            case Dismissed():
                self.stream.write(self._out.take())
                self.ending = error.ending
            case _BodyBroken():
                self.ending = Ending.FAILED
                self.stream.abort()
            case _:
                self.ending = Ending.DROPPED

    def _answer_all(self) -> Need:
        """Until something has to be waited for; PARTING once the session ends."""
        machine, desk, out = self.machine, self.desk, self._out
        if out.answered >= TURN:  # the others had theirs
            out.answered = 0
        if not self._is_begun:
            self._is_begun = True
            out.send(desk.greeting())
        next_event, answer = machine.next_event, desk.answer
        while True:
            if self._is_hungry:
                octets = self.stream.read_now()
                if octets is None:
                    out.answered = 0
                    return CLIENT
                if not octets:
                    self.ending = Ending.DROPPED
                    return Need.PARTING
                self._is_hungry = False
                machine.feed(octets)
            try:
                event = next_event()
            except RemoteProtocolError as error:
                if self._is_last_mistake(error):
                    return Need.PARTING
                continue
            if event is NEED_DATA:
                if self._is_renewed:
                    out.patience, self._is_renewed = desk.patience, False
                    if not out.write():
                        return Need.ROOM
                self._is_hungry = True
            elif event is PAUSED:  # every event has been answered: the machine is at its end, or TLS begins
                if desk.is_handshake_due:
                    return Need.HANDSHAKE
                self.ending = Ending.QUIT
                return Need.PARTING
            else:
                self._mistakes, self._is_renewed = 0, True
                out.answered += 1
                try:
                    rest = answer(event, out)
                except (StreamClosed, TimeoutError, Dismissed):
                    raise
                except Exception as error:  # noqa: BLE001 - whatever went wrong becomes a reply, and is logged there
                    if self._is_hopeless(error):
                        return Need.PARTING
                    rest = None
                if rest is not None:
                    self._rest = rest
                    return Need.ANSWER
                if out.is_full and not out.write():
                    return Need.ROOM
                if out.answered >= TURN:
                    return Need.TURN

    def _is_last_mistake(self, error: RemoteProtocolError) -> bool:
        self._mistakes += 1
        self._is_renewed = True
        self._out.send(self.desk.reply_to(error))
        if not error.fatal and self._mistakes <= self.desk.mistakes_allowed:
            return False
        self._out.write()
        self.ending = Ending.BROKEN if error.fatal else Ending.MISTAKES
        return True

    def _is_hopeless(self, error: Exception) -> bool:
        """Reply to what went wrong; whether the conversation cannot go on."""
        try:
            self._out.send(self.desk.reply_to(error))
        except LocalProtocolError:
            raise _BodyBroken from error
        if not isinstance(error, RemoteProtocolError) or not error.fatal:
            return False
        self._out.write()
        self.ending = Ending.BROKEN
        return True

    async def _wait_for(self, need: Need) -> None:
        if need is Need.ANSWER:
            await self._await_answer()
        elif need is Need.ROOM:
            await self.stream.drain()
        elif need is Need.HANDSHAKE:
            await self.stream.start_tls(self._out.take())
            self.machine, self.desk = self.desk.successor()
            self._out = Outbox(self.stream, self.machine)
            self._is_renewed = True
        if self._out.answered >= TURN:
            await asyncio.sleep(0)

    async def _await_answer(self) -> None:
        rest = self._rest
        try:
            if isinstance(rest, Later):
                await asyncio.wait([rest.event])
                self._give(rest)
            elif rest is not None:
                self._rest = None
                await rest
        except (StreamClosed, TimeoutError, Dismissed):
            raise
        except Exception as error:  # noqa: BLE001 - as above
            if self._is_hopeless(error):
                return
        if self._out.is_full:
            await self._out.flush()

    def _leave(self) -> Need:
        """Part at once where nothing has to be waited for but the last octet's leaving."""
        if self.ending is not Ending.QUIT or not self.desk.is_closed:
            return Need.PARTING
        self.stream.set_deadline(FAREWELL_WAIT)
        self.stream.leave(self._out.take())
        return Need.CLIENT

    def _look_after(self) -> Need:
        """The last word is on its way."""
        if self.stream.is_gone:
            return Need.NOTHING
        try:
            self.stream.read_now()  # what comes after QUIT is nothing to anybody
        except TimeoutError:
            self.stream.abort()
        except StreamClosed:
            return Need.NOTHING
        return Need.CLIENT

    async def _part(self) -> None:
        ending = self.ending or Ending.SHUT_DOWN
        last_word = self._out.take() if ending is Ending.QUIT else self.desk.farewell(ending)
        if last_word:
            self.stream.write(last_word)
        if ending is Ending.TIMED_OUT and not last_word:
            self.stream.abort()  # RFC 1939 s3: an autologout sends no response
        await self.desk.close()  # a maildrop is free before the last octet has left, however slow the client
        self.stream.set_deadline(FAREWELL_WAIT)
        await self.stream.close(is_peer_sending=ending in (Ending.BROKEN, Ending.MISTAKES, Ending.REFUSED))


async def converse(talk: Conversation) -> Ending:
    """Run a whole session in the calling task, for whoever has a stream of their own; cancelled, it is shut down.
    Raises only what a bug raises."""
    news = asyncio.Event()
    try:
        while (need := talk.advance()) is not Need.NOTHING:
            if need is not Need.CLIENT and await talk.accompany(need) is Need.NOTHING:
                break
            talk.stream.attend(news.set)
            await news.wait()
            news.clear()
            talk.stream.attend(None)
    except asyncio.CancelledError:
        talk.shut_down()
        await talk.accompany(Need.PARTING)
    return talk.ending or Ending.DROPPED


class _BodyBroken(Exception):
    """A reply failed after its body was begun."""


_ENDINGS = (TimeoutError, StreamClosed, Dismissed, _BodyBroken)
