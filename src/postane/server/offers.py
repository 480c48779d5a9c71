"""What a connection is offered before login: a value for each kind of connections, made when the first of them comes.

Must not know: connections, protocols' verbs.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from postane.pop3.capabilities import Offer
from postane.sasl.base import Means
from postane.sasl.registry import CLEAR_TEXT, SERVER_MECHANISMS

KINDS_KEPT = 64
"""Many more than there are, unless the means of the account store change all the time."""


class Kind(NamedTuple):
    """Connections that are offered the same: what the account store can verify, whether a password may cross them,
    whether TLS is possible from now on, has something to bind to, has shown a certificate with a name."""

    means: frozenset[Means]
    takes_password: bool
    can_start_tls: bool
    has_bindings: bool
    has_client: bool


@dataclass(frozen=True, slots=True)
class Offers:
    """The `possible` mechanisms of SASL can succeed on such a connection, its client is told of those that are
    `announced`; `pop3` is what POP3 can say of itself."""

    possible: tuple[str, ...]
    announced: tuple[str, ...]
    pop3: Offer


def make_offers(kind: Kind, mechanisms: Collection[str], shy: frozenset[str], plain: Offer) -> Offers:
    """What a kind of connections is offered, of these `mechanisms`; `plain` is what POP3 says on any connection.

    Those that are `shy` are announced only where no password may cross.
    """
    possible = tuple(name for name in mechanisms if _is_possible(name, kind))
    hidden = shy if kind.takes_password else frozenset[str]()
    announced = tuple(name for name in possible if name not in hidden)
    offer = Offer(
        plain.implementation,
        is_login_possible=Means.PASSWORD in kind.means and kind.takes_password,
        is_stls_possible=kind.can_start_tls,
        mechanisms=announced,
        is_lang_possible=plain.is_lang_possible,
    )
    return Offers(possible, announced, offer)


def _is_possible(name: str, kind: Kind) -> bool:
    """Whether it can succeed: by what the account store can verify, by what may cross the wire, by what the connection
    is bound to, and by whether a client certificate was shown."""
    mechanism = SERVER_MECHANISMS[name]
    if mechanism.means not in kind.means or (mechanism.needs_binding and not kind.has_bindings):
        return False
    if mechanism.means is Means.OUTSIDE:
        return kind.has_client
    return mechanism.means not in CLEAR_TEXT or kind.takes_password
