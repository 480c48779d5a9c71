"""The mechanisms that a server can offer, in the order of preference, and what each of them needs.

Must not know: which of them are offered where.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .base import Means, ServerMechanism, Surroundings
from .plain import LoginServer, PlainServer


@dataclass(frozen=True, slots=True)
class Mechanism:
    """How an exchange is begun, what it needs of the account store, and of the connection."""

    make: Callable[[Surroundings], ServerMechanism]
    means: Means
    needs_binding: bool = False


SERVER_MECHANISMS: Mapping[str, Mechanism] = {
    "PLAIN": Mechanism(lambda _: PlainServer(), Means.PASSWORD),
    "LOGIN": Mechanism(lambda _: LoginServer(), Means.PASSWORD),
}
"""By the mechanism's registered name; the first is what a client should prefer."""

CLEAR_TEXT = frozenset({Means.PASSWORD, Means.TOKEN})
"""What whoever listens on the wire could use again: it crosses only where a password may."""
