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
from postane.pop3.languages import Languages

from .limits import Limits, Tally
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

    def allows_password(self, stream: Stream) -> bool:
        """Whether a password may cross this connection as it is."""
        if stream.is_encrypted:
            return True
        return self.plaintext_on_loopback if stream.peer.is_loopback else self.plaintext_elsewhere
