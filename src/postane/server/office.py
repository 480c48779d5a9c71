"""What every desk needs of the post office: its stores, its limits, its name.

Must not know: processes, configuration files.
"""

from collections.abc import Callable
from dataclasses import dataclass

from postane.accounts.base import AccountStore
from postane.accounts.throttle import Throttle
from postane.maildrop.base import Lock, MaildropStore

from .limits import Limits, Tally


@dataclass(frozen=True, slots=True)
class PostOffice:
    """One post office as its desks see it.

    `clock` gives seconds since the epoch; `token` gives a short random word that is never given twice.
    `is_plaintext_allowed` says, for a loopback and for any other connection without TLS, whether a password may
    cross it.
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
    plaintext_on_loopback: bool = True
    plaintext_elsewhere: bool = False
