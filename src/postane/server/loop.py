"""The one read-event-reply loop: every protocol's sessions are run by it.

It feeds the machine what the stream brings, hands each event to the protocol's desk, and writes the replies of a
pipeline together. Errors become replies in one place. A body that cannot be completed ends the connection without its
ending line: a truncated message must never look whole.

Must not know: any protocol's verbs, any store.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from postane.net.stream import NotSecured, Stream, StreamClosed
from postane.wire.errors import LocalProtocolError, RemoteProtocolError
from postane.wire.machine import NEED_DATA, PAUSED, Machine

from .record import Ending

FLUSH_AT = 128 * 1024
"""Octets of replies that are gathered before they are written."""

TURN = 16
"""Commands of one pipeline that are answered before the other sessions get their turn: what one client has sent ahead
would else keep all of them waiting for a second, and each further client like it for another."""

FAREWELL_WAIT = 10.0
"""Seconds for the last word to leave, once a session is over."""


class Outbox:
    """Replies on their way out, gathered until the pipeline is empty or much waits."""

    __slots__ = ("_machine", "_parts", "_size", "_stream", "patience")

    def __init__(self, stream: Stream, machine: Machine[Any, Any]) -> None:
        self._stream = stream
        self._machine = machine
        self._parts: list[bytes] = []
        self._size = 0
        self.patience: float | None = None

    def send(self, value: Any) -> None:
        """Say a value of the machine's protocol. Raises LocalProtocolError where it cannot be said now."""
        octets = self._machine.send(value)
        self._parts.append(octets)
        self._size += len(octets)

    @property
    def is_full(self) -> bool:
        """Whether so much waits that it should be flushed before more is made."""
        return self._size >= FLUSH_AT

    def take(self) -> bytes:
        """What waits, which is somebody else's to write now."""
        octets = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return octets

    async def flush(self) -> None:
        """Write what waits, and wait until the peer has taken most of it. Raises TimeoutError, StreamClosed."""
        if self._parts:
            self._stream.write(self.take())
        if self.patience is not None:
            self._stream.set_deadline(self.patience)
        await self._stream.drain()


class Dismissed(Exception):
    """A desk has had enough of a client: what was answered is sent, then the farewell of `ending`."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending = ending


class Desk(Protocol):
    """The verbs of one protocol for one connection."""

    @property
    def patience(self) -> float | None:
        """Seconds of silence allowed from now on; None: the deadline that was set at the start stands."""
        ...

    @property
    def may_be_ended(self) -> bool:
        """Whether nobody loses anything if the server ends the session now, unasked."""
        ...

    @property
    def mistakes_allowed(self) -> int:
        """Mistakes in a row after which the session is ended."""
        ...

    @property
    def is_handshake_due(self) -> bool:
        """Whether the last reply promised a TLS handshake, which comes next."""
        ...

    def successor(self) -> "tuple[Machine[Any, Any], Desk]":
        """After the handshake: a new machine, past its greeting, and a desk that remembers nothing the client said."""
        ...

    def greeting(self) -> Any:
        """The first value to send."""
        ...

    async def answer(self, event: Any, out: Outbox) -> None:
        """Act on an event and send its reply, complete. Raises Dismissed; any other exception becomes a reply by
        `reply_to`."""
        ...

    def reply_to(self, error: Exception) -> Any:
        """The reply to what went wrong."""
        ...

    def farewell(self, ending: Ending) -> bytes:
        """What is said, unasked, when the server ends the session; b"" where the protocol has no word for it."""
        ...

    async def close(self) -> None:
        """The session is over, however it ended. Raises nothing."""
        ...


@dataclass(slots=True)
class Conversation:
    """One session: its machine and its desk, which others take over after a TLS handshake."""

    stream: Stream
    machine: Machine[Any, Any]
    desk: Desk
    trouble: str | None = None  # why it could not be secured


async def converse(talk: Conversation) -> Ending:
    """Run one session to its end; the stream is closed afterwards. Raises only what a bug raises."""
    ending = Ending.BROKEN
    try:
        ending = await _exchange(talk, is_greeted=False)
        while talk.desk.is_handshake_due:
            talk.machine, talk.desk = talk.desk.successor()
            ending = await _exchange(talk, is_greeted=True)
    except TimeoutError:
        ending = Ending.TIMED_OUT
    except NotSecured as error:
        ending = Ending.NOT_SECURED
        talk.trouble = str(error)
    except StreamClosed:
        ending = Ending.DROPPED
    except Dismissed as error:
        ending = error.ending
    except _BodyBroken:
        ending = Ending.FAILED
        talk.stream.abort()
    except asyncio.CancelledError:  # only Reception cancels a session, and this is the session's last act
        ending = Ending.SHUT_DOWN
    await _part(talk.stream, talk.desk, ending)
    return ending


class _BodyBroken(Exception):
    """A reply failed after its body was begun."""


async def _exchange(talk: Conversation, *, is_greeted: bool) -> Ending:
    """Run until the session ends, or until a TLS handshake has been held."""
    out = Outbox(talk.stream, talk.machine)
    try:
        return await _answer_all(talk, out, is_greeted=is_greeted)
    except asyncio.CancelledError:
        # What was done is told, else a client sends a message again that is stored. Of a body that is on its way it
        # is a piece more, and not its ending: that is made when all of it has been sent, and never on leaving.
        waiting = out.take()
        if waiting:
            talk.stream.write(waiting)
        raise


async def _answer_all(talk: Conversation, out: Outbox, *, is_greeted: bool) -> Ending:
    stream, machine, desk = talk.stream, talk.machine, talk.desk
    mistakes = answered = 0
    is_renewed = True  # only what is complete renews the patience: a line said octet by octet does not
    if not is_greeted:
        out.send(desk.greeting())
    while True:
        try:
            event = machine.next_event()
        except RemoteProtocolError as error:
            mistakes += 1
            is_renewed = True
            out.send(desk.reply_to(error))
            if error.fatal or mistakes > desk.mistakes_allowed:
                await out.flush()
                return Ending.BROKEN if error.fatal else Ending.MISTAKES
            continue
        if event is NEED_DATA:
            if is_renewed:
                out.patience, is_renewed = desk.patience, False
                await out.flush()
            octets = await stream.read()
            if not octets:
                return Ending.DROPPED
            machine.feed(octets)
        elif event is PAUSED:  # every event has been answered: the machine is at its end, or TLS begins
            if desk.is_handshake_due:
                await stream.start_tls(out.take())
            await out.flush()
            return Ending.QUIT
        else:
            mistakes, is_renewed = 0, True
            answered += 1
            if answered % TURN == 0:
                await asyncio.sleep(0)
            if await _answer(desk, event, out):
                await out.flush()
                return Ending.BROKEN
            if out.is_full:
                await out.flush()


async def _answer(desk: Desk, event: Any, out: Outbox) -> bool:
    """Whether the conversation cannot go on."""
    try:
        await desk.answer(event, out)
    except (StreamClosed, TimeoutError):
        raise
    except Dismissed:
        await out.flush()
        raise
    except Exception as error:  # noqa: BLE001 - the one place: whatever went wrong becomes a reply, and is logged there
        try:
            out.send(desk.reply_to(error))
        except LocalProtocolError:
            raise _BodyBroken from error
        return isinstance(error, RemoteProtocolError) and error.fatal
    return False


async def _part(stream: Stream, desk: Desk, ending: Ending) -> None:
    last_word = desk.farewell(ending)
    if last_word:
        stream.write(last_word)
    if ending is Ending.TIMED_OUT and not last_word:
        stream.abort()  # RFC 1939 s3: an autologout sends no response
    await desk.close()  # a maildrop is free before the last octet has left, however slow the client
    stream.set_deadline(FAREWELL_WAIT)
    await stream.close(is_peer_sending=ending in (Ending.BROKEN, Ending.MISTAKES, Ending.REFUSED))
