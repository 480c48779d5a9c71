"""The chart: what a state allows, and where a verb leads."""

from enum import StrEnum

import pytest

from postane.wire.chart import Chart, Outcome


class Door(StrEnum):
    OPEN = "open"
    SHUT = "shut"
    GONE = "gone"


class Act(StrEnum):
    SHUT = "shut"
    OPEN = "open"
    LOOK = "look"
    LEAVE = "leave"


CHART: Chart[Door, Act] = Chart(
    name="door",
    initial=Door.SHUT,
    final=Door.GONE,
    allowed={
        Door.OPEN: frozenset({Act.SHUT, Act.LOOK, Act.LEAVE}),
        Door.SHUT: frozenset({Act.OPEN, Act.LOOK}),
        Door.GONE: frozenset(),
    },
    moves={
        (Door.SHUT, Act.OPEN, Outcome.ACCEPTED): Door.OPEN,
        (Door.OPEN, Act.SHUT, Outcome.ACCEPTED): Door.SHUT,
        (Door.OPEN, Act.LEAVE, Outcome.RECEIVED): Door.GONE,
    },
)


@pytest.mark.parametrize(
    ("state", "verb", "is_permitted"),
    [
        (Door.OPEN, Act.SHUT, True),
        (Door.SHUT, Act.SHUT, False),
        (Door.SHUT, Act.OPEN, True),
        (Door.GONE, Act.LOOK, False),
    ],
)
def test_a_state_is_the_verbs_it_allows(state, verb, is_permitted):
    assert CHART.permits(state, verb) is is_permitted


def test_a_named_move_leads_on():
    assert CHART.next_state(Door.SHUT, Act.OPEN, Outcome.ACCEPTED) is Door.OPEN


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.CONTINUED, Outcome.RECEIVED])
def test_what_is_not_named_stays(outcome):
    assert CHART.next_state(Door.SHUT, Act.OPEN, outcome) is Door.SHUT


def test_states_that_allow_a_verb_come_in_the_charts_order():
    assert CHART.states_allowing(Act.LOOK) == [Door.OPEN, Door.SHUT]
    assert CHART.states_allowing(Act.OPEN) == [Door.SHUT]
