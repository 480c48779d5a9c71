"""The five words that every protocol machine speaks.

    feed(octets)   give it what came from the peer (b"" means: the peer has closed its side)
    next_event()   an event, or NEED_DATA, or PAUSED
    send(value)    the octets that say `value` to the peer
    trailing_data  octets fed but not yet used
    state          where in its chart the machine stands

A machine does no I/O, knows no clock and draws no random numbers. Any octets give events or RemoteProtocolError,
nothing else; any split of the octets gives the same events (where an event carries a piece of a body, the same
octets in all). PAUSED makes pipelining safe: the next command is not even parsed before the reply to this one is
complete.
"""

from enum import Enum
from typing import Protocol, TypeVar


class Signal(Enum):
    """What `next_event` answers when there is no event."""

    NEED_DATA = "need data"
    PAUSED = "paused"


NEED_DATA = Signal.NEED_DATA
PAUSED = Signal.PAUSED

EventT = TypeVar("EventT", covariant=True)
ValueT = TypeVar("ValueT", contravariant=True)


class Machine(Protocol[EventT, ValueT]):
    """One side of one protocol, as values and octets."""

    @property
    def state(self) -> str: ...

    @property
    def trailing_data(self) -> bytes: ...

    def feed(self, octets: bytes) -> None: ...

    def next_event(self) -> EventT | Signal: ...

    def send(self, value: ValueT) -> bytes: ...
