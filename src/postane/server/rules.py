"""What holds for whom: the post office's rules, and what an account has of its own instead.

RFC 2449 s6.5 and s6.7: before login a client is told what is safe for every account.

Must not know: how the rules are enforced, or written.
"""

import math
from dataclasses import dataclass, replace

from postane.accounts.base import Account, AccountStore, AccountsUnavailable, Spread
from postane.pop3.capabilities import Bound, Offer

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Rules:
    """The post office's own. Durations are in seconds; `retention` may be math.inf, the others 0.

    `restore_window` is how long what a client deleted is kept out of sight.
    """

    retention: float = math.inf
    login_delay: float = 0.0
    restore_window: float = 0.0

    def retention_of(self, account: Account | None) -> float:
        """How long messages are kept in the account's drop."""
        own = None if account is None else account.retention
        return self.retention if own is None else own

    def keeps_deleted(self, account: Account) -> bool:
        """Whether what the account's sessions delete is put out of sight, and kept a while or for good."""
        return account.keep_deleted or self.restore_window > 0

    def login_delay_of(self, account: Account) -> float:
        """How long it is from one login to the next."""
        return self.login_delay if account.login_delay is None else account.login_delay


async def announce(offer: Offer, rules: Rules, accounts: AccountStore, account: Account | None) -> Offer:
    """Add EXPIRE and LOGIN-DELAY to what is offered to `account`, or to somebody who has not logged in."""
    try:
        spread = await accounts.spread()
    except AccountsUnavailable:  # nobody can log in either; what the server can do is told all the same
        spread = Spread()
    return _announce(offer, rules, spread, account)


def announce_now(offer: Offer, rules: Rules, accounts: AccountStore, account: Account | None) -> Offer | None:
    """The same where nobody has to be waited for; None: await `announce`."""
    spread = accounts.recall_spread()
    return None if spread is None else _announce(offer, rules, spread, account)


def _announce(offer: Offer, rules: Rules, spread: Spread, account: Account | None) -> Offer:
    retention, delay = _ends(rules, spread)
    if account is not None:
        # RFC 2449 s6.5: who was told that it may differ is told what it is, even where it is nothing.
        own = rules.login_delay_of(account)
        login_delay = Bound(math.ceil(own)) if own > 0 or delay[1] > 0 else None
        return replace(offer, expire=Bound(_days(rules.retention_of(account))), login_delay=login_delay)
    return replace(
        offer,
        expire=Bound(_days(retention[0]), retention[0] < retention[1]),  # RFC 2449 s6.7: the smallest
        login_delay=Bound(math.ceil(delay[1]), delay[0] < delay[1]) if delay[1] > 0 else None,  # and here the largest
    )


def _ends(rules: Rules, own: Spread) -> tuple[tuple[float, float], tuple[float, float]]:
    """The smallest and the largest retention and login delay that hold for anybody, the server's own included."""
    retention, delay = own.retention or (rules.retention,), own.login_delay or (rules.login_delay,)
    return (
        (min(rules.retention, *retention), max(rules.retention, *retention)),
        (min(rules.login_delay, *delay), max(rules.login_delay, *delay)),
    )


def _days(retention: float) -> int | None:
    """Whole days that are certain (RFC 2449 s6.7); None: for ever."""
    return None if retention == math.inf else int(retention // DAY)
