"""The charts: every state is reached, and every one can be left."""

import pytest

from postane.smtp.commands import Verb
from postane.smtp.states import CHARTS, NOT_NOW, Dialect, State
from postane.wire.chart import Outcome

DIALECTS = pytest.mark.parametrize("dialect", list(Dialect))


@DIALECTS
def test_every_state_is_reached_from_the_first(dialect: Dialect) -> None:
    chart = CHARTS[dialect]
    reached = {chart.initial}
    while True:
        next_states = {state for (origin, _, _), state in chart.moves.items() if origin in reached}
        if next_states <= reached:
            break
        reached |= next_states
    assert reached == set(State)


@DIALECTS
def test_a_session_can_be_quit_wherever_commands_are_read(dialect: Dialect) -> None:
    chart = CHARTS[dialect]
    for state in NOT_NOW:
        assert chart.next_state(state, Verb.QUIT, Outcome.ACCEPTED) is State.CLOSED, state


@DIALECTS
def test_rset_and_hello_end_a_transaction_wherever_it_stands(dialect: Dialect) -> None:
    chart = CHARTS[dialect]
    hello = Verb.LHLO if dialect is Dialect.LMTP else Verb.EHLO
    for state in (State.READY, State.MAIL, State.RCPT, State.CHUNKS, State.FAILED):
        assert chart.permits(state, Verb.RSET)
        assert chart.next_state(state, Verb.RSET, Outcome.ACCEPTED) is State.READY
        assert chart.next_state(state, hello, Outcome.ACCEPTED) is State.READY
        assert chart.next_state(state, hello, Outcome.REFUSED) is state
    assert chart.next_state(State.GREETED, Verb.RSET, Outcome.ACCEPTED) is State.GREETED


def test_each_dialect_has_its_own_hello() -> None:
    assert not CHARTS[Dialect.SMTP].states_allowing(Verb.LHLO)
    assert not CHARTS[Dialect.LMTP].states_allowing(Verb.EHLO)
    assert not CHARTS[Dialect.LMTP].states_allowing(Verb.HELO)


@DIALECTS
def test_moves_of_commands_begin_where_the_command_is_allowed(dialect: Dialect) -> None:
    chart = CHARTS[dialect]
    odd = {(state, verb) for state, verb, _ in chart.moves if verb not in chart.allowed[state]}
    # A message that fails before it is read: BODY is what happened, not what the client says.
    assert odd == {(State.MAIL, Verb.BODY), (State.FAILED, Verb.BODY)}
