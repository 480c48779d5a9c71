"""A chart of states: which verbs each state allows, and where each verb leads.

A state *is* the set of verbs allowed in it, and the moves are a table: the machines walk it, the documentation draws
it, and no handler ever tests the state. States and verbs are StrEnums, so that a look-up costs one string hash.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

StateT = TypeVar("StateT", bound=StrEnum)
VerbT = TypeVar("VerbT", bound=StrEnum)


class Outcome(StrEnum):
    """What became of a verb."""

    SAID = "said"  # by our own side, not answered yet
    RECEIVED = "received"  # parsed, not answered yet
    CONTINUED = "continued"  # answered by "go on": a SASL challenge, 354
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Chart(Generic[StateT, VerbT]):
    """The states of one side of one protocol.

    `allowed` maps every state to its verbs; `moves` maps (state, verb, outcome) to the next state, and what it
    does not name stays where it is.
    """

    name: str
    initial: StateT
    final: StateT
    allowed: Mapping[StateT, frozenset[VerbT]]
    moves: Mapping[tuple[StateT, VerbT, Outcome], StateT]

    def permits(self, state: StateT, verb: VerbT) -> bool:
        """Whether `verb` may be said in `state`."""
        return verb in self.allowed[state]

    def next_state(self, state: StateT, verb: VerbT, outcome: Outcome) -> StateT:
        """Where `verb` with `outcome` leads from `state`."""
        return self.moves.get((state, verb, outcome), state)

    def leads(self, state: StateT, verb: VerbT) -> bool:
        """Whether any outcome of `verb` leads away from `state`."""
        return any((state, verb, outcome) in self.moves for outcome in Outcome)

    def states_allowing(self, verb: VerbT) -> list[StateT]:
        """The states in which `verb` may be said, in the chart's order."""
        return [state for state, verbs in self.allowed.items() if verb in verbs]
