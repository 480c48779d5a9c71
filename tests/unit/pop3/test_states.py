"""POP3's chart: whole, and as RFC 1939 has it."""

import pytest

from postane.pop3.commands import Verb
from postane.pop3.states import SERVER, State
from postane.wire.chart import Outcome

MAIL_VERBS = {
    Verb.LAST,
    Verb.XTND,
    Verb.STAT,
    Verb.LIST,
    Verb.RETR,
    Verb.DELE,
    Verb.NOOP,
    Verb.RSET,
    Verb.TOP,
    Verb.UIDL,
}


def test_every_state_says_what_it_allows():
    assert set(SERVER.allowed) == set(State)


@pytest.mark.parametrize("verb", sorted(MAIL_VERBS))
def test_mail_is_touched_after_login_only(verb):
    """RFC 1939 s5."""
    assert SERVER.states_allowing(verb) == [State.TRANSACTION]


@pytest.mark.parametrize("verb", [Verb.USER, Verb.APOP, Verb.AUTH, Verb.STLS, Verb.UTF8])
def test_who_is_logged_in_does_not_log_in_again(verb):
    assert not SERVER.permits(State.TRANSACTION, verb)


def test_a_password_comes_after_a_name_only():
    """RFC 1939 s7, PASS."""
    assert SERVER.states_allowing(Verb.PASS) == SERVER.states_allowing(Verb.RPOP) == [State.PASSWORD]
    assert SERVER.next_state(State.PASSWORD, Verb.PASS, Outcome.REFUSED) is State.AUTHORIZATION


def test_capa_and_quit_are_there_before_and_after_login():
    """RFC 2449 s5."""
    for verb in (Verb.CAPA, Verb.QUIT):
        assert {State.AUTHORIZATION, State.PASSWORD, State.TRANSACTION} == set(SERVER.states_allowing(verb))


def test_only_quit_after_login_commits():
    """RFC 1939 s6: no other way leads to UPDATE."""
    assert [move for move, state in SERVER.moves.items() if state is State.UPDATE] == [
        (State.TRANSACTION, Verb.QUIT, Outcome.RECEIVED)
    ]


def test_only_a_proof_leads_to_the_mail():
    for (_, verb, outcome), state in SERVER.moves.items():
        if state is State.TRANSACTION:
            assert verb in {Verb.PASS, Verb.APOP, Verb.AUTH, Verb.RESPONSE}
            assert outcome is Outcome.ACCEPTED
