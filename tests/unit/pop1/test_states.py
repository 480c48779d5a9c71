"""POP1's chart against RFC 918's diagram, typed off: each way from one box marked C to the next."""

from postane.pop1.commands import Verb
from postane.pop1.states import ANSWERED_BY, NOT_NOW, SERVER, State
from postane.wire.chart import Outcome

# (from, what the client says, what the server makes of it, to); what stays where it is stands there too.
DIAGRAM = [
    ("greeting", "open", "accepted", "authorization"),
    ("authorization", "USER", "accepted", "password"),
    ("authorization", "USER", "refused", "authorization"),
    ("authorization", "QUIT", "accepted", "closed"),
    ("password", "PASS", "accepted", "transaction"),
    ("password", "PASS", "refused", "authorization"),
    ("transaction", "QUIT", "accepted", "closed"),
    ("transaction", "NOOP", "accepted", "transaction"),
    ("transaction", "RSET", "accepted", "transaction"),
    ("transaction", "RETR", "refused", "transaction"),
    ("transaction", "RDEL", "refused", "transaction"),
    ("transaction", "RETR", "accepted", "mailbox"),
    ("transaction", "RDEL", "accepted", "mailbox"),
    ("mailbox", "RCEV", "accepted", "received"),
    ("mailbox", "RSET", "accepted", "transaction"),
    ("received", "RCVD", "accepted", "transaction"),
    ("received", "RCVD", "refused", "transaction"),
    ("received", "RSET", "accepted", "transaction"),
]


def test_every_way_of_the_diagram_is_in_the_chart():
    for start, verb, outcome, end in DIAGRAM:
        assert SERVER.permits(State(start), Verb(verb)), (start, verb)
        assert SERVER.next_state(State(start), Verb(verb), Outcome(outcome)) == end, (start, verb, outcome)


def test_the_chart_has_no_other_ways():
    drawn = {(start, verb) for start, verb, _, _ in DIAGRAM}
    assert {(state, verb) for state, verbs in SERVER.allowed.items() for verb in verbs} == drawn
    assert {(state, verb) for state, verb, _ in SERVER.moves} <= drawn


def test_charts_are_whole():
    assert set(SERVER.allowed) == set(State)
    assert set(ANSWERED_BY) == set(Verb)
    assert set(NOT_NOW) == set(State) - {State.GREETING, State.CLOSED}


def test_only_a_password_leads_to_the_mail():
    before = {State.GREETING, State.AUTHORIZATION, State.PASSWORD}
    ways = {(state, verb) for (state, verb, _), end in SERVER.moves.items() if state in before and end not in before}
    assert ways == {(State.PASSWORD, Verb.PASS), (State.GREETING, Verb.OPEN), (State.AUTHORIZATION, Verb.QUIT)}
    assert SERVER.states_allowing(Verb.RCVD) == [State.RECEIVED]
