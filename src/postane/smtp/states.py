"""SMTP's and LMTP's charts: the verbs allowed in each state, and where they lead.

RFC 5321 s4.1.4 (order of commands), RFC 3207 s4 (STARTTLS), RFC 4954 s4 (AUTH), RFC 3030 s2 (BDAT), RFC 2033 s4.1
(LHLO in place of HELO and EHLO). LMTP is a dialect: the same states with another word for hello.

Must not know: arguments, replies, who is asking.
"""

from collections.abc import Mapping
from enum import StrEnum

from postane.wire.chart import Chart, Outcome

from .commands import Verb


class Dialect(StrEnum):
    """Which of the two is spoken."""

    SMTP = "SMTP"
    LMTP = "LMTP"


class State(StrEnum):
    """Where a session stands."""

    GREETING = "greeting"
    GREETED = "greeted"  # nobody said hello yet
    READY = "ready"
    AUTHENTICATING = "authenticating"
    HANDSHAKE = "handshake"
    MAIL = "mail"  # a sender, no recipient
    RCPT = "rcpt"  # at least one recipient was accepted
    DATA = "data"
    CHUNKS = "chunks"  # at least one BDAT was begun
    FAILED = "failed"  # a BDAT was refused: those that were on their way already are refused as well
    REJECTED = "rejected"
    CLOSED = "closed"


HELLOS = {
    Dialect.SMTP: frozenset({Verb.EHLO, Verb.HELO}),
    Dialect.LMTP: frozenset({Verb.LHLO}),
}

# RFC 5321 s4.1.4: these may be said at any time, also before EHLO.
_ANY_TIME = frozenset({Verb.NOOP, Verb.HELP, Verb.EXPN, Verb.VRFY, Verb.RSET, Verb.QUIT})
_IDLE = _ANY_TIME | {Verb.MAIL, Verb.STARTTLS, Verb.AUTH}
_TALKING = (State.GREETED, State.READY, State.MAIL, State.RCPT, State.CHUNKS, State.FAILED)


def _allowed(hellos: frozenset[Verb]) -> Mapping[State, frozenset[Verb]]:
    return {
        State.GREETING: frozenset({Verb.CONNECT}),
        State.GREETED: _ANY_TIME | hellos | {Verb.STARTTLS, Verb.XCLIENT},
        State.READY: _IDLE | hellos | {Verb.XCLIENT},
        State.AUTHENTICATING: frozenset({Verb.RESPONSE}),
        State.HANDSHAKE: frozenset(),
        State.MAIL: _ANY_TIME | hellos | {Verb.RCPT},
        State.RCPT: _ANY_TIME | hellos | {Verb.RCPT, Verb.DATA, Verb.BDAT},
        State.DATA: frozenset({Verb.BODY}),
        # RFC 3030 s2: DATA and BDAT cannot be used in one transaction, nor a recipient be added after BDAT.
        State.CHUNKS: _ANY_TIME | hellos | {Verb.BDAT, Verb.BODY},
        State.FAILED: (_IDLE | hellos) - {Verb.AUTH},  # RFC 4954 s4: not while a transaction is not over
        State.REJECTED: frozenset({Verb.QUIT}),  # RFC 5321 s3.1: after a 554 greeting everything else is refused
        State.CLOSED: frozenset(),
    }


def _moves(hellos: frozenset[Verb]) -> Mapping[tuple[State, Verb, Outcome], State]:
    moves = {
        (State.GREETING, Verb.CONNECT, Outcome.ACCEPTED): State.GREETED,
        (State.GREETING, Verb.CONNECT, Outcome.REFUSED): State.REJECTED,
        (State.REJECTED, Verb.QUIT, Outcome.ACCEPTED): State.CLOSED,
        (State.READY, Verb.AUTH, Outcome.CONTINUED): State.AUTHENTICATING,
        (State.AUTHENTICATING, Verb.RESPONSE, Outcome.ACCEPTED): State.READY,
        (State.AUTHENTICATING, Verb.RESPONSE, Outcome.REFUSED): State.READY,
        (State.READY, Verb.MAIL, Outcome.ACCEPTED): State.MAIL,
        (State.READY, Verb.XCLIENT, Outcome.ACCEPTED): State.GREETED,
        (State.FAILED, Verb.MAIL, Outcome.ACCEPTED): State.MAIL,
        (State.MAIL, Verb.RCPT, Outcome.ACCEPTED): State.RCPT,
        (State.RCPT, Verb.DATA, Outcome.CONTINUED): State.DATA,
        (State.RCPT, Verb.BDAT, Outcome.RECEIVED): State.CHUNKS,
        (State.CHUNKS, Verb.BDAT, Outcome.REFUSED): State.FAILED,
    }
    for state in (State.GREETED, State.READY, State.FAILED):  # RFC 3207 s4.2: a new machine takes over
        moves[state, Verb.STARTTLS, Outcome.ACCEPTED] = State.HANDSHAKE
    for outcome in (Outcome.ACCEPTED, Outcome.REFUSED):  # RFC 5321 s4.1.1.4: either way the buffers are cleared
        moves[State.DATA, Verb.BODY, outcome] = State.READY
        moves[State.CHUNKS, Verb.BODY, outcome] = State.READY
        moves[State.FAILED, Verb.BODY, outcome] = State.READY
        moves[State.MAIL, Verb.BODY, outcome] = State.READY
    for state in _TALKING:
        moves[state, Verb.QUIT, Outcome.ACCEPTED] = State.CLOSED
        for hello in hellos:  # RFC 5321 s4.1.4: hello again ends a transaction as RSET does
            moves[state, hello, Outcome.ACCEPTED] = State.READY
        if state is not State.GREETED:
            moves[state, Verb.RSET, Outcome.ACCEPTED] = State.READY
    return moves


CHARTS: Mapping[Dialect, Chart[State, Verb]] = {
    dialect: Chart(
        name=f"{dialect} server",
        initial=State.GREETING,
        final=State.CLOSED,
        allowed=_allowed(hellos),
        moves=_moves(hellos),
    )
    for dialect, hellos in HELLOS.items()
}

NOT_NOW: Mapping[State, str] = {
    State.GREETED: "say hello first (EHLO, or LHLO in LMTP)",
    State.READY: "no message is begun, say MAIL first",
    State.MAIL: "no valid recipient yet",
    State.RCPT: "a message is begun already",
    State.CHUNKS: "go on with BDAT, or say RSET",
    State.FAILED: "this message has failed, say RSET",
    State.REJECTED: "no service here, say QUIT",
}
"""What to tell a client that said a verb in a state that does not have it."""
