"""What an account store answers that verifies passwords and nothing else: the base of stores over other people's data.

Must not know: where accounts are kept.
"""

import hashlib
import hmac
import secrets

from postane.sasl.base import KeyPair, Means, ScramDigest, ScramKeys

from .base import Account, LoginRefused, Proof, ScramEntry, Spread
from .names import canonical, show_name

REFUSED = "invalid user name or password"
"""All that a client is told of a failed login."""

SCRAM_ITERATIONS = 4096
"""RFC 7677 s4: at least 4096; derived from passwords which argon2id guards, and checked at every login."""

SALT_OCTETS = 16
"""RFC 7677 s3 shows as many."""


class Salts:
    """SCRAM's salts, derived of names: the same for every form of a name, and another one for every digest.

    Accounts whose keys are made with them cannot be told from names that nobody has (RFC 5802 s5.1 asks that a salt
    differs from one account to another, and shows it to anybody). `key` is a secret; it may be used in any thread.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, name: str, digest: ScramDigest) -> bytes:
        """The salt of a name, whoever has it."""
        text = f"{digest}\0{canonical(name) or name}"
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256")[:SALT_OCTETS]


class Decoys:
    """SCRAM keys for names that have none: with the same salt as long as this object lives, and fit for no password.

    `key` is shared by all workers of a server, so that all of them give the same; without it a random one is made.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self.salts = Salts(key or secrets.token_bytes(32))

    def entry(self, name: str, digest: ScramDigest, pairs: int = 1) -> ScramEntry:
        """What to hold the exchange with that must fail."""
        size = hashlib.new(digest.value, usedforsecurity=False).digest_size
        fit_nothing = tuple(KeyPair(secrets.token_bytes(size), secrets.token_bytes(size)) for _ in range(pairs))
        return ScramEntry(ScramKeys(self.salts.of(name, digest), SCRAM_ITERATIONS, fit_nothing), ())


class PartialAccounts:
    """The answers that say no: a store overrides what it can do, and names that in `means`."""

    def __init__(self) -> None:
        self._decoys = Decoys()

    @property
    def means(self) -> frozenset[Means]:
        """See AccountStore."""
        return frozenset({Means.PASSWORD, Means.OUTSIDE})

    def recall(self, name: str, password: str) -> Proof | None:
        """See AccountStore."""
        del name, password
        return None

    async def verify_apop(self, name: str, stamp: str, digest: str) -> Proof:
        """See AccountStore."""
        del stamp, digest
        raise LoginRefused(REFUSED, f"{show_name(name)}: this account store knows no secrets, APOP cannot be checked")

    async def verify_cram(self, name: str, challenge: bytes, digest: str) -> Proof:
        """See AccountStore."""
        del challenge, digest
        raise LoginRefused(REFUSED, f"{show_name(name)}: this account store knows no secrets, nor checks CRAM-MD5")

    def recall_apop(self, name: str, stamp: str, digest: str) -> Proof | None:
        """See AccountStore."""
        del name, stamp, digest
        return None

    def recall_cram(self, name: str, challenge: bytes, digest: str) -> Proof | None:
        """See AccountStore."""
        del name, challenge, digest
        return None

    async def scram(self, name: str, digest: ScramDigest) -> ScramEntry:
        """See AccountStore."""
        return self._decoys.entry(name, digest)

    async def verify_token(self, name: str | None, token: str) -> Proof:
        """See AccountStore."""
        del token
        raise LoginRefused(REFUSED, f"{show_name(name or '')}: this account store takes no tokens")

    def recall_address(self, local_part: str, domain: str) -> Account | None:
        """See AccountStore."""
        del local_part, domain
        return None

    async def shared_with(self, reader: str, owner: str) -> Account | None:
        """See AccountStore."""
        del reader, owner
        return None

    async def spread(self) -> Spread:
        """See AccountStore."""
        return Spread()

    def recall_spread(self) -> Spread | None:
        """See AccountStore. Whoever has a `spread` of its own has this as well."""
        return Spread()
