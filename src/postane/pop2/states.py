"""POP2's charts: the decision tables of both sides.

RFC 937 s(Server Decision Table) and s(Server State Diagram), s(Client Decision Table) and s(Client State Diagram); the
states have the names that they have there. What a table calls garbage is what its state does not allow: it ends the
session. LSTN of the next connection is a new machine's.

Must not know: arguments, or who is asking.
"""

from collections.abc import Mapping
from enum import StrEnum

from postane.wire.chart import Chart, Outcome

from .commands import Verb
from .replies import Count, Data, Greeting, Length, Ok


class State(StrEnum):
    """Where a session stands, as its server sees it."""

    LSTN = "LSTN"  # the greeting is not said
    AUTH = "AUTH"
    MBOX = "MBOX"  # a mailbox is selected, no message
    ITEM = "ITEM"  # the length of a message was told
    NEXT = "NEXT"  # the message was sent and is not acknowledged
    DONE = "DONE"


class ClientState(StrEnum):
    """Where a session stands, as its client sees it: what it waits for, and may answer once it has come."""

    CALL = "CALL"  # the greeting
    NMBR = "NMBR"  # a number of messages
    SIZE = "SIZE"  # the length of a message
    XFER = "XFER"  # the message
    EXIT = "EXIT"  # the end


_ALLOWED: Mapping[State, frozenset[Verb]] = {
    State.LSTN: frozenset({Verb.OPEN}),
    State.AUTH: frozenset({Verb.HELO, Verb.QUIT}),
    State.MBOX: frozenset({Verb.FOLD, Verb.READ, Verb.QUIT}),
    State.ITEM: frozenset({Verb.FOLD, Verb.READ, Verb.RETR, Verb.QUIT}),
    State.NEXT: frozenset({Verb.ACKS, Verb.ACKD, Verb.NACK}),
    State.DONE: frozenset(),
}

_REACHED: Mapping[Verb, State] = {
    Verb.OPEN: State.AUTH,
    Verb.HELO: State.MBOX,
    Verb.FOLD: State.MBOX,
    Verb.READ: State.ITEM,
    Verb.RETR: State.NEXT,
    Verb.ACKS: State.ITEM,
    Verb.ACKD: State.ITEM,
    Verb.NACK: State.ITEM,
    Verb.QUIT: State.DONE,
}

SERVER: Chart[State, Verb] = Chart(
    name="POP2 server",
    initial=State.LSTN,
    final=State.DONE,
    allowed=_ALLOWED,
    # RFC 937 s(Server Decision Table), action 1: "- error" and Close, whatever it was.
    moves={
        (state, verb, outcome): _REACHED[verb] if outcome is Outcome.ACCEPTED else State.DONE
        for state, verbs in _ALLOWED.items()
        for verb in sorted(verbs)
        for outcome in (Outcome.ACCEPTED, Outcome.REFUSED)
    },
)

# RFC 937 s(Client Decision Table), action 1: to garbage, QUIT is said in every state.
_SAID: Mapping[ClientState, Mapping[Verb, ClientState]] = {
    ClientState.CALL: {Verb.HELO: ClientState.NMBR, Verb.QUIT: ClientState.EXIT},
    ClientState.NMBR: {
        Verb.FOLD: ClientState.NMBR,
        Verb.READ: ClientState.SIZE,
        Verb.QUIT: ClientState.EXIT,
    },
    ClientState.SIZE: {
        Verb.FOLD: ClientState.NMBR,
        Verb.READ: ClientState.SIZE,
        Verb.RETR: ClientState.XFER,
        Verb.QUIT: ClientState.EXIT,
    },
    ClientState.XFER: {
        Verb.ACKS: ClientState.SIZE,
        Verb.ACKD: ClientState.SIZE,
        Verb.NACK: ClientState.SIZE,
        Verb.QUIT: ClientState.EXIT,
    },
    ClientState.EXIT: {},
}

CLIENT: Chart[ClientState, Verb] = Chart(
    name="POP2 client",
    initial=ClientState.CALL,
    final=ClientState.EXIT,
    allowed={state: frozenset(verbs) for state, verbs in _SAID.items()},
    # A client's state changes when it speaks: its word is under way and not answered.
    moves={(state, verb, Outcome.SAID): reached for state, verbs in _SAID.items() for verb, reached in verbs.items()},
)

ANSWERED_BY: Mapping[Verb, type[Greeting | Ok | Count | Length | Data]] = {
    Verb.OPEN: Greeting,
    Verb.HELO: Count,
    Verb.FOLD: Count,
    Verb.READ: Length,
    Verb.RETR: Data,
    Verb.ACKS: Length,
    Verb.ACKD: Length,
    Verb.NACK: Length,
    Verb.QUIT: Ok,
}
"""What a willing server says to each verb (RFC 937 s(Definitions of Commands and Replies))."""
