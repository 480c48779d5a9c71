"""What every desk needs of the post office: its stores, its limits, its name.

Must not know: processes, configuration files.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from postane.accounts.base import AccountStore, LoginTimes
from postane.accounts.logins import MemoryLogins
from postane.accounts.throttle import Throttle
from postane.maildrop.base import Lock, MaildropStore
from postane.net.stream import Stream
from postane.pop3.capabilities import Offer
from postane.pop3.languages import Languages

from .limits import Limits, Tally
from .offers import KINDS_KEPT, Kind, Offers, make_offers
from .rules import Rules


@dataclass(frozen=True, slots=True)
class PostOffice:
    """One post office as its desks see it.

    `clock` gives seconds since the epoch; `token` gives a short random word that is never given twice.
    `mechanisms` are SASL's, in the order in which they are offered; those that are `shy` are announced only where no
    password may cross. The next two say whether a password may cross a loopback, and any other, connection without
    TLS. `is_legacy`: clients of POP3 before RFC 1725 are served too.
    """

    hostname: str
    implementation: str
    accounts: AccountStore
    maildrops: MaildropStore
    limits: Limits
    lock: Lock
    throttle: Throttle
    sessions_by_account: Tally
    clock: Callable[[], float]
    token: Callable[[], str]
    mechanisms: tuple[str, ...] = ()
    shy: frozenset[str] = frozenset()
    plaintext_on_loopback: bool = True
    plaintext_elsewhere: bool = False
    is_legacy: bool = False
    languages: Languages = field(default_factory=Languages)
    rules: Rules = field(default_factory=Rules)
    logins: LoginTimes = field(default_factory=MemoryLogins)
    _offers: dict[Kind, Offers] = field(default_factory=dict, init=False, repr=False, compare=False)

    def allows_password(self, stream: Stream) -> bool:
        """Whether a password may cross this connection as it is."""
        if stream.is_encrypted:
            return True
        return self.plaintext_on_loopback if stream.peer.is_loopback else self.plaintext_elsewhere

    def offers(self, stream: Stream) -> Offers:
        """What this connection is offered as it is: by each of its kinds, made once."""
        tls = stream.tls
        kind = Kind(
            self.accounts.means,  # another one after an import of accounts, for one
            self.allows_password(stream),
            stream.can_start_tls,
            tls is not None and bool(tls.bindings),
            tls is not None and tls.client is not None,
        )
        return self._offers.get(kind) or self._make_offers(kind)

    def _make_offers(self, kind: Kind) -> Offers:
        if len(self._offers) >= KINDS_KEPT:
            self._offers.clear()
        plain = Offer(self.implementation, is_lang_possible=bool(self.languages))
        offers = self._offers[kind] = make_offers(kind, self.mechanisms, self.shy, plain)
        return offers
