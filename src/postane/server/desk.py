"""What stands between the one loop and the verbs of a protocol: the desk, and the outbox for its replies.

Must not know: any protocol's verbs, any store.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol

from postane.net.stream import Stream
from postane.wire.machine import Machine

from .record import Ending

FLUSH_AT = 128 * 1024
"""Octets of replies that are gathered before they are written."""


class Outbox:
    """Replies on their way out, gathered until the pipeline is empty or much waits."""

    __slots__ = ("_parts", "_say", "_size", "_stream", "answered", "patience")

    def __init__(self, stream: Stream, machine: Machine[Any, Any]) -> None:
        self._stream = stream
        self._say = machine.send
        self._parts: Sequence[bytes] = ()
        self._size = 0
        self.answered = 0  # commands since the others had their turn
        self.patience: float | None = None

    def send(self, value: Any) -> None:
        """Say a value of the machine's protocol. Raises LocalProtocolError where it cannot be said now."""
        octets = self._say(value)
        self._parts = (*self._parts, octets) if self._parts else (octets,)
        self._size += len(octets)

    @property
    def is_full(self) -> bool:
        """Whether so much waits that it should be flushed before more is made."""
        return self._size >= FLUSH_AT

    def take(self) -> bytes:
        """What waits, which is somebody else's to write now."""
        parts, self._parts, self._size = self._parts, (), 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def write(self) -> bool:
        """Write what waits; whether the peer keeps up with it, else more is to be written only after `flush`."""
        stream = self._stream
        if self._parts:
            stream.write(self.take())
        if self.patience is not None:
            stream.set_deadline(self.patience)
        return stream.is_writable

    async def flush(self) -> None:
        """Write what waits, and wait until the peer has taken most of it. Raises TimeoutError, StreamClosed."""
        self.write()
        await self._stream.drain()


class Later(NamedTuple):
    """An answer that is due after an event, and is given then by a call which may raise what `Desk.answer` may: a task
    would take longer to begin and to end than most deposits take to be written."""

    event: "asyncio.Future[Any]"
    give: Callable[[], None]


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

    def answer(self, event: Any, out: Outbox) -> Awaitable[None] | Later | None:
        """Act on an event and send its reply, complete; None where that is done, else what has to be awaited for it.

        Raises Dismissed; any other exception becomes a reply by `reply_to`.
        """
        ...

    def reply_to(self, error: Exception) -> Any:
        """The reply to what went wrong."""
        ...

    def farewell(self, ending: Ending) -> bytes:
        """What is said, unasked, when the server ends the session; b"" where the protocol has no word for it."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether nothing is left to be given back by `close`."""
        ...

    async def close(self) -> None:
        """The session is over, however it ended. Raises nothing."""
        ...
