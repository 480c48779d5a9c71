"""POP1's chart: the RFC's diagram, in which boxes marked C are states and boxes marked S the server's work.

RFC 918 s(References) ends with the diagram, s(Definitions of Commands and Replies) has it in words. Both sides walk
the same chart: the server by what it answers, the client by what it is answered.

Must not know: arguments, or who is asking.
"""

from collections.abc import Mapping
from enum import StrEnum

from postane.wire.chart import Chart, Outcome

from .commands import Verb
from .replies import Data, Length, Reply


class State(StrEnum):
    """Where a POP1 session stands."""

    GREETING = "greeting"
    AUTHORIZATION = "authorization"
    PASSWORD = "password"  # noqa: S105 - a state, not a secret
    TRANSACTION = "transaction"
    MAILBOX = "mailbox"  # its length was told, and it is locked
    RECEIVED = "received"  # it was sent, and is not acknowledged
    CLOSED = "closed"


SERVER: Chart[State, Verb] = Chart(
    name="POP1",
    initial=State.GREETING,
    final=State.CLOSED,
    allowed={
        State.GREETING: frozenset({Verb.OPEN}),
        State.AUTHORIZATION: frozenset({Verb.USER, Verb.QUIT}),
        State.PASSWORD: frozenset({Verb.PASS}),
        State.TRANSACTION: frozenset({Verb.RETR, Verb.RDEL, Verb.NOOP, Verb.RSET, Verb.QUIT}),
        State.MAILBOX: frozenset({Verb.RCEV, Verb.RSET}),
        State.RECEIVED: frozenset({Verb.RCVD, Verb.RSET}),
        State.CLOSED: frozenset(),
    },
    moves={
        (State.GREETING, Verb.OPEN, Outcome.ACCEPTED): State.AUTHORIZATION,
        (State.GREETING, Verb.OPEN, Outcome.REFUSED): State.CLOSED,
        (State.AUTHORIZATION, Verb.USER, Outcome.ACCEPTED): State.PASSWORD,
        (State.AUTHORIZATION, Verb.QUIT, Outcome.ACCEPTED): State.CLOSED,
        (State.PASSWORD, Verb.PASS, Outcome.ACCEPTED): State.TRANSACTION,
        (State.PASSWORD, Verb.PASS, Outcome.REFUSED): State.AUTHORIZATION,
        (State.TRANSACTION, Verb.RETR, Outcome.ACCEPTED): State.MAILBOX,
        (State.TRANSACTION, Verb.RDEL, Outcome.ACCEPTED): State.MAILBOX,
        (State.TRANSACTION, Verb.QUIT, Outcome.ACCEPTED): State.CLOSED,
        (State.MAILBOX, Verb.RCEV, Outcome.ACCEPTED): State.RECEIVED,
        (State.MAILBOX, Verb.RSET, Outcome.ACCEPTED): State.TRANSACTION,
        # A mailbox that could not be deleted is told of by an error, and the transaction is over all the same.
        (State.RECEIVED, Verb.RCVD, Outcome.ACCEPTED): State.TRANSACTION,
        (State.RECEIVED, Verb.RCVD, Outcome.REFUSED): State.TRANSACTION,
        (State.RECEIVED, Verb.RSET, Outcome.ACCEPTED): State.TRANSACTION,
    },
)

NOT_NOW: Mapping[State, str] = {
    State.AUTHORIZATION: "log in first",
    State.PASSWORD: "PASS is to follow",
    State.TRANSACTION: "no mailbox is begun, or you are logged in already",
    State.MAILBOX: "go on with RCEV, or say RSET",
    State.RECEIVED: "go on with RCVD, or say RSET",
}
"""What to tell a client that said a verb in a state that does not have it."""

ANSWERED_BY: Mapping[Verb, type[Reply | Length | Data]] = {
    **dict.fromkeys(Verb, Reply),
    Verb.RETR: Length,
    Verb.RDEL: Length,
    Verb.RCEV: Data,
}
"""What a willing server says to each verb."""
