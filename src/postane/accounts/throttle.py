"""How long a reply to a failed login is held back, and when no more are tried: guessing passwords gets slow, a slip of
the finger does not.

Failures count by address (an IPv4 address, or the /64 network of an IPv6 address, which one host has all of) and by
account, over all workers; names that nobody has count like any other. What keeps owners from being locked out:

- The same wrong password of one device counts once, however often it comes.
- Where an account logged in within a day, strangers' guesses from elsewhere do not count against it.
- A login that was right takes back what the same name failed from the same address, and nothing else, and not twice in
  FORGET_AFTER: with a password of one's own nobody buys more guesses at others'.
- Loopback addresses and unix sockets are shared by the users of web-mail and fetchers: the account counts there, the
  address does not. For the same reason a right login there exempts from nothing; it takes back what it does elsewhere.
  (A web-mail that tells its clients' addresses by the PROXY protocol gets the whole protection.)

Pure values; whoever asks does the waiting.

Must not know: protocols, sleeping, processes (who makes the shared memory).
"""

import hashlib
import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from .failures import COUNT_LIMIT, WAYS, WORD, Records, Slate
from .hashes import octets_of
from .names import bare_name, canonical, fold

STEPS = (1.0, 2.0, 4.0, 7.5)
"""Times the first delay: 2, 4, 8 and 15 seconds by default, as the field's servers do; the last one stays."""

FORGET_AFTER = 600.0
"""Seconds after the last failure."""

KNOWN_FOR = 86400.0
"""Seconds after a right login for which strangers' guesses do not count against that address."""

RENEW_AFTER = 60.0
"""Seconds after which another right login is noted: a poller's next one tells nothing new."""

_WORD_MASK = (1 << 8 * WORD) - 1

IPV6_NETWORK = ~((1 << 64) - 1)
"""The part of an IPv6 address that tells the network."""

TABLES = 5
TABLE_RECORDS = 1 << 17
"""Records of each table: more than the guesses that the slow hash lets through in FORGET_AFTER on many cores."""

THROTTLE_OCTETS = TABLES * TABLE_RECORDS * WORD + WORD
PRIVATE_OCTETS = TABLES * 256 * WAYS * WORD + WORD
"""The last word is another one after every failure."""

CLEAN_KEPT = 1 << 12
"""Names with addresses of which a worker remembers that nothing is held against them, some 500 octets each."""

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
"""Nearly every address, and its own source: known at a glance."""


@dataclass(frozen=True, slots=True)
class Patience:
    """The first delay and the length of a refusal, in seconds; after how many failures it comes, 0: never (more than
    COUNT_LIMIT are taken for so many)."""

    delay: float = 2.0
    lockout_after: int = 10
    lockout: float = 900.0

    def is_over(self, count: int) -> bool:
        """Whether after so many failures no more are tried."""
        return 0 < min(self.lockout_after, COUNT_LIMIT) <= count and self.lockout > 0

    def lasts(self, count: int) -> float:
        """Seconds for which so many failures are remembered; after a refusal the count begins anew."""
        return self.lockout if self.is_over(count) else FORGET_AFTER

    def delay_after(self, count: int) -> float:
        """Seconds that the reply to the failure of this number is held back."""
        return self.delay * STEPS[min(max(count, 1), len(STEPS)) - 1]


@dataclass(slots=True)
class _Clean:
    """Nothing was held against a name from an address when the last failure was the one that `news` tells of: so it is
    until the next one. `settled` is until when a right login leaves nothing to write down."""

    source: str
    key: bytes
    news: int
    settled: float = -math.inf


class Throttle:
    """Failed logins by address and by account.

    `clock` gives seconds, the same in all workers, and is never put back. `own_domains` are canonical: a name in one of
    them counts as the bare name does.
    """

    def __init__(
        self, slate: Slate, patience: Patience, clock: Callable[[], float], own_domains: frozenset[str] = frozenset()
    ) -> None:
        tables = Slate(slate.memory[:-WORD], slate.secret)

        def table(number: int, lasts: Callable[[int], float]) -> Records:
            return Records(tables.part(number, TABLES), slate.secret, clock, lasts)

        self._news = slate.memory[-WORD:].cast("Q")
        self._clean: dict[tuple[str, str], _Clean] = {}
        self._clock = clock
        self._patience = patience
        self._own_domains = own_domains
        self._secret = slate.secret
        self._addresses = table(0, patience.lasts)
        self._accounts = table(1, patience.lasts)
        self._pairs = table(2, lambda _: FORGET_AFTER)  # failures of one account from one address
        self._mistakes = table(3, lambda _: FORGET_AFTER)  # one wrong secret of such a pair
        self._known = table(4, lambda _: KNOWN_FOR)  # right logins of such a pair

    @property
    def delay(self) -> float:
        """Seconds that the reply to a try which is not looked at is held back."""
        return self._patience.delay

    def check(self, address: str, name: str) -> float:
        """Seconds for which a try is refused without a look at it; 0.0: it may be tried.

        `name` as it came, or canonical; "" where none was said: then the address alone counts.
        """
        clean = self._clean.get((address, name))
        if clean is not None and clean.news == self._news[0]:
            return 0.0
        news = self._news[0]  # before the records are looked at: what is noted meanwhile makes it another one
        source, key = self._keys(address, name)
        left = 0.0 if is_shared(source) else self._left(self._addresses, octets_of(source))
        by_account = self._left(self._accounts, key) if key else 0.0
        if not left and not by_account:
            self._keep(address, name, _Clean(source, key, news))
        if by_account > left and not self._is_known(source, _pair(source, key)):
            return by_account
        return left

    def failed(self, address: str, name: str, secret: bytes) -> float:
        """Note a failure; the seconds its reply is to be held back.

        `secret` is what was wrong; only its keyed hash is remembered. b"" where it was not seen, as in a digest over a
        challenge: nobody can tell then whether it is the same as before, so each failure counts.
        """
        source, key = self._keys(address, name)
        pair = _pair(source, key)
        repeated = self._repeat(pair, secret) if secret else 0
        if repeated < 2:
            self._count(source, key, pair)
        count = max(repeated, self._pairs.look(pair).count)
        if not is_shared(source):
            count = max(count, self._addresses.look(octets_of(source)).count)
        if key and not self._is_known(source, pair):
            count = max(count, self._accounts.look(key).count)
        # After the records: who sees it sees them. Two at once may write the same word, but have written theirs before.
        self._news[0] = self._news[0] + 1 & _WORD_MASK
        return self._patience.delay_after(count)

    def succeeded(self, address: str, name: str) -> None:
        """A login was right; `name` is what `check` was asked with."""
        clean, news = self._clean.get((address, name)), self._news[0]
        if clean is None or clean.news != news:
            clean = _Clean(*self._keys(address, name), news)
        elif self._clock() < clean.settled:
            return
        source, key = clean.source, clean.key
        if not key:
            return
        pair = _pair(source, key)
        last = self._known.look(pair)
        count = self._pairs.look(pair).count
        if count and not (last.count and last.age < FORGET_AFTER):
            if not is_shared(source):
                self._addresses.forgive(octets_of(source), count)
            self._accounts.forgive(key, count)
            self._pairs.forgive(pair, count)
        is_due = not last.count or last.age >= RENEW_AFTER
        if is_due:
            self._known.note(pair)
        clean.settled = self._clock() + RENEW_AFTER - (0.0 if is_due else last.age)

    def _repeat(self, pair: bytes, secret: bytes) -> int:
        """The how-manieth time it is that the pair comes with this secret, since the pair was last forgiven."""
        mistake = pair + hashlib.blake2b(secret, key=self._secret).digest()
        if self._pairs.look(pair).count:
            self._pairs.touch(pair)
        else:
            self._mistakes.forgive(mistake, COUNT_LIMIT)
        return self._mistakes.note(mistake)

    def _count(self, source: str, key: bytes, pair: bytes) -> None:
        self._pairs.note(pair)
        if not is_shared(source):
            self._addresses.note(octets_of(source))
        if key:
            self._accounts.note(key)

    def _keep(self, address: str, name: str, clean: _Clean) -> None:
        if len(self._clean) >= CLEAN_KEPT:
            self._clean.clear()
        self._clean[address, name] = clean

    def _left(self, table: Records, key: bytes) -> float:
        record = table.look(key)
        return max(self._patience.lockout - record.age, 0.0) if self._patience.is_over(record.count) else 0.0

    def _is_known(self, source: str, pair: bytes) -> bool:
        """Whether the account logged in from there lately. An address that many share proves nothing."""
        return not is_shared(source) and self._known.look(pair).count > 0

    def _keys(self, address: str, name: str) -> tuple[str, bytes]:
        """Whose failures count together: the source, and the account, b"" where no name was said."""
        known = canonical(name) or fold(name)
        return source_of(address), octets_of(bare_name(known, self._own_domains) or known)


def private_slate() -> Slate:
    """Memory of this process alone."""
    return Slate(memoryview(bytearray(PRIVATE_OCTETS)), b"alone")


def private_throttle(
    delay: float, clock: Callable[[], float], lockout_after: int = 0, lockout: float = 900.0
) -> Throttle:
    """A throttle that shares with nobody: for tests and for a server inside another program."""
    return Throttle(private_slate(), Patience(delay, lockout_after, lockout), clock)


def source_of(address: str) -> str:
    """What one attacker has: an IPv4 address, an IPv6 /64, or the text itself where it is no address."""
    if _IPV4.fullmatch(address):
        return address
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{ipaddress.IPv6Address(int(parsed) & IPV6_NETWORK)}/64"


def is_shared(source: str) -> bool:
    """Whether a source is this machine itself, from which many users may come by a web-mail or a fetcher."""
    return source == "unix" or source.startswith("127.") or source == "::/64"  # ::1


def _pair(source: str, key: bytes) -> bytes:
    octets = octets_of(source)
    return len(octets).to_bytes(8, "big") + octets + len(key).to_bytes(8, "big") + key
