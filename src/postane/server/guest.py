"""One open connection, as `Reception` sees it.

Must not know: sockets, protocols' verbs.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from postane.net.stream import Stream
from postane.wire.machine import Machine

from .desk import Desk
from .loop import Conversation
from .office import PostOffice
from .record import SessionRecord

MakeDesk = Callable[[PostOffice, Stream, SessionRecord], tuple[Machine[Any, Any], Desk]]
"""How a service makes the machine and the desk for a new connection."""

EVERYBODY = "*"
"""The key under which all connections are counted."""


@dataclass(frozen=True, slots=True)
class Room:
    """What one worker has: `places` for connections, and beside them room for so many `lingering` ones which are told
    that there is none, and are waited for until they have read it."""

    places: float = math.inf
    lingering: float = math.inf


BOUNDLESS = Room()


@dataclass(slots=True, eq=False)
class Guest:
    """One open connection; there is no `talk` before it is introduced and secured, and a `task` only while something
    else than the client is waited for (in a handshake it is the client). `is_heard`: its stream tells of news, by
    `tell`, and `go_on` hears of it."""

    record: SessionRecord
    stream: Stream
    make_desk: MakeDesk
    go_on: "Callable[[Guest], None]"
    counted: tuple[str, ...] = ()
    has_place: bool = False
    talk: Conversation | None = None
    task: "asyncio.Task[None] | None" = None
    is_heard: bool = False

    def tell(self) -> None:
        """Its stream has news."""
        self.go_on(self)

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
