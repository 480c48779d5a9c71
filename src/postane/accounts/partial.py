"""What an account store answers that verifies passwords and nothing else: the base of stores over other people's data.

Must not know: where accounts are kept.
"""

import hashlib
import hmac
import secrets

from postane.sasl.base import Means, ScramDigest, ScramKeys

from .base import Account, LoginRefused, Proof, ScramEntry, Spread
from .names import canonical, show_name

REFUSED = "invalid user name or password"
"""All that a client is told of a failed login."""

SCRAM_ITERATIONS = 4096
"""RFC 7677 s4: at least 4096; derived from passwords which argon2id guards, and checked at every login."""

_SALT_OCTETS = 16


class Decoys:
    """SCRAM keys for names that have none: the same for a name as long as this object lives, and fit for no password.

    `key` is shared by all workers of a server, so that all of them give the same; without it a random one is made.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)

    def entry(self, name: str, digest: ScramDigest) -> ScramEntry:
        """What to hold the exchange with that must fail; the same for every form of the name."""
        name = canonical(name) or name
        size = hashlib.new(digest.value, usedforsecurity=False).digest_size
        salt = hmac.digest(self._key, f"{digest}\0{name}".encode("utf-8", "surrogatepass"), "sha256")[:_SALT_OCTETS]
        keys = ScramKeys(salt, SCRAM_ITERATIONS, secrets.token_bytes(size), secrets.token_bytes(size))
        return ScramEntry(keys, None)


class PartialAccounts:
    """The answers that say no: a store overrides what it can do, and names that in `means`."""

    def __init__(self) -> None:
        self._decoys = Decoys()

    @property
    def means(self) -> frozenset[Means]:
        """See AccountStore."""
        return frozenset({Means.PASSWORD, Means.OUTSIDE})

    async def verify_apop(self, name: str, stamp: str, digest: str) -> Proof:
        """See AccountStore."""
        del stamp, digest
        raise LoginRefused(REFUSED, f"{show_name(name)}: this account store knows no secrets, APOP cannot be checked")

    async def verify_cram(self, name: str, challenge: bytes, digest: str) -> Proof:
        """See AccountStore."""
        del challenge, digest
        raise LoginRefused(REFUSED, f"{show_name(name)}: this account store knows no secrets, nor checks CRAM-MD5")

    async def scram(self, name: str, digest: ScramDigest) -> ScramEntry:
        """See AccountStore."""
        return self._decoys.entry(name, digest)

    async def verify_token(self, name: str | None, token: str) -> Proof:
        """See AccountStore."""
        del token
        raise LoginRefused(REFUSED, f"{show_name(name or '')}: this account store takes no tokens")

    async def shared_with(self, reader: str, owner: str) -> Account | None:
        """See AccountStore."""
        del reader, owner
        return None

    async def spread(self) -> Spread:
        """See AccountStore."""
        return Spread()
