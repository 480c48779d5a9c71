"""POP3's charts: the verbs allowed in each state, and where they lead.

RFC 1939 s3 (AUTHORIZATION, TRANSACTION, UPDATE), RFC 2595 s4 (STLS), RFC 5034 s4 (AUTH), RFC 6856 s2 and s3. PASSWORD
is the part of AUTHORIZATION in which a USER command was accepted (RFC 1939 s7, PASS: "immediately after"); asking
for capabilities between the two does no harm. RPOP (RFC 1225 s(The UPDATE State)) stands where PASS does.

Must not know: arguments, or who is asking.
"""

from collections.abc import Mapping
from enum import StrEnum

from postane.wire.chart import Chart, Outcome

from .commands import Verb


class State(StrEnum):
    """Where a POP3 session stands."""

    GREETING = "greeting"
    AUTHORIZATION = "authorization"
    PASSWORD = "password"  # noqa: S105 - a state, not a secret
    AUTHENTICATING = "authenticating"
    HANDSHAKE = "handshake"
    TRANSACTION = "transaction"
    UPDATE = "update"
    CLOSED = "closed"


_BEFORE_LOGIN = frozenset({Verb.USER, Verb.APOP, Verb.AUTH, Verb.STLS, Verb.CAPA, Verb.UTF8, Verb.LANG, Verb.QUIT})
_AFTER_LOGIN = frozenset(
    {Verb.STAT, Verb.LIST, Verb.RETR, Verb.DELE, Verb.NOOP, Verb.RSET, Verb.TOP, Verb.UIDL, Verb.CAPA, Verb.LANG}
) | {Verb.QUIT, Verb.LAST, Verb.XTND}

_LOGIN_MOVES = {
    (state, verb, outcome): reached
    for state in (State.AUTHORIZATION, State.PASSWORD)
    for verb, outcome, reached in (
        (Verb.USER, Outcome.ACCEPTED, State.PASSWORD),
        (Verb.USER, Outcome.REFUSED, State.AUTHORIZATION),
        (Verb.PASS, Outcome.ACCEPTED, State.TRANSACTION),
        (Verb.PASS, Outcome.REFUSED, State.AUTHORIZATION),
        (Verb.RPOP, Outcome.REFUSED, State.AUTHORIZATION),
        (Verb.APOP, Outcome.ACCEPTED, State.TRANSACTION),
        (Verb.APOP, Outcome.REFUSED, State.AUTHORIZATION),
        (Verb.AUTH, Outcome.CONTINUED, State.AUTHENTICATING),
        (Verb.AUTH, Outcome.ACCEPTED, State.TRANSACTION),
        (Verb.AUTH, Outcome.REFUSED, State.AUTHORIZATION),
        (Verb.STLS, Outcome.ACCEPTED, State.HANDSHAKE),
        (Verb.QUIT, Outcome.ACCEPTED, State.CLOSED),
        (Verb.QUIT, Outcome.REFUSED, State.CLOSED),
    )
}

SERVER: Chart[State, Verb] = Chart(
    name="POP3 server",
    initial=State.GREETING,
    final=State.CLOSED,
    allowed={
        State.GREETING: frozenset(),
        State.AUTHORIZATION: _BEFORE_LOGIN,
        State.PASSWORD: _BEFORE_LOGIN | {Verb.PASS, Verb.RPOP},
        State.AUTHENTICATING: frozenset({Verb.RESPONSE}),
        State.HANDSHAKE: frozenset(),
        State.TRANSACTION: _AFTER_LOGIN,
        State.UPDATE: frozenset(),
        State.CLOSED: frozenset(),
    },
    moves=_LOGIN_MOVES
    | {
        (State.AUTHENTICATING, Verb.RESPONSE, Outcome.ACCEPTED): State.TRANSACTION,
        (State.AUTHENTICATING, Verb.RESPONSE, Outcome.REFUSED): State.AUTHORIZATION,
        # RFC 1939 s6: QUIT in TRANSACTION enters UPDATE, and whatever comes of it the session is over.
        (State.TRANSACTION, Verb.QUIT, Outcome.RECEIVED): State.UPDATE,
        (State.UPDATE, Verb.QUIT, Outcome.ACCEPTED): State.CLOSED,
        (State.UPDATE, Verb.QUIT, Outcome.REFUSED): State.CLOSED,
    },
)

NOT_NOW: Mapping[State, str] = {
    State.AUTHORIZATION: "{verb} is not possible now: log in first",
    State.PASSWORD: "{verb} is not possible now: log in first",
    State.TRANSACTION: "{verb} is not possible now: you are logged in already",
}
"""What to tell a client that said a verb in a state that does not have it."""
