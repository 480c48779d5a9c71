"""POP2's charts against the tables of RFC 937, typed off."""

import pytest

from postane.pop2.commands import Verb
from postane.pop2.states import ANSWERED_BY, CLIENT, SERVER, ClientState, State
from postane.wire.chart import Outcome

# RFC 937, Server Decision Table: 1 is garbage, the others are actions; Close and Timeout are no verbs.
SERVER_TABLE = """
       LSTN AUTH MBOX ITEM NEXT DONE
open    2    1    1    1    1    1
HELO    1    3    1    1    1    1
FOLD    1    1    5    5    1    1
READ    1    1    6    6    1    1
RETR    1    1    1    7    1    1
ACKS    1    1    1    1    8    1
ACKD    1    1    1    1    8    1
NACK    1    1    1    1    8    1
QUIT    1    4    4    4    1    1
"""
REACHED = {"2": "AUTH", "3": "MBOX", "4": "DONE", "5": "MBOX", "6": "ITEM", "7": "NEXT", "8": "ITEM"}

# RFC 937, Client State Diagram: what each state says once it has been answered. To garbage it says QUIT anywhere.
CLIENT_DIAGRAM = {
    ("CALL", "HELO"): "NMBR",
    ("NMBR", "FOLD"): "NMBR",
    ("NMBR", "READ"): "SIZE",
    ("SIZE", "FOLD"): "NMBR",
    ("SIZE", "READ"): "SIZE",
    ("SIZE", "RETR"): "XFER",
    ("XFER", "ACKS"): "SIZE",
    ("XFER", "ACKD"): "SIZE",
    ("XFER", "NACK"): "SIZE",
    **{(state, "QUIT"): "EXIT" for state in ("CALL", "NMBR", "SIZE", "XFER")},
}


def cells():
    states, *rows = (line.split() for line in SERVER_TABLE.strip().splitlines())
    return [
        (State(state), Verb(verb), action) for verb, *row in rows for state, action in zip(states, row, strict=True)
    ]


@pytest.mark.parametrize(("state", "verb", "action"), cells())
def test_the_server_keeps_to_its_table(state, verb, action):
    assert SERVER.permits(state, verb) is (action != "1")
    if action != "1":
        assert SERVER.next_state(state, verb, Outcome.ACCEPTED) == REACHED[action]
        assert SERVER.next_state(state, verb, Outcome.REFUSED) is State.DONE


def test_the_client_keeps_to_its_diagram():
    assert {(state, verb): reached for (state, verb, _), reached in CLIENT.moves.items()} == CLIENT_DIAGRAM
    assert {(state, verb) for state, verbs in CLIENT.allowed.items() for verb in verbs} == set(CLIENT_DIAGRAM)


def test_charts_are_whole():
    assert set(SERVER.allowed) == set(State)
    assert set(CLIENT.allowed) == set(ClientState)
    assert set(ANSWERED_BY) == set(Verb)
