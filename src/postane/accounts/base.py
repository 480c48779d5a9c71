"""What every account store offers, and the errors it may raise.

The workers know these Protocols and nothing of databases or hashes. Every account store passes
`tests/contract/test_accounts.py`.

Must not know: any protocol's syntax.
"""

import hmac
from dataclasses import dataclass, field
from typing import Protocol

from postane.maildrop.base import LockPolicy, Quota
from postane.sasl.base import Means, ScramDigest, ScramKeys
from postane.wire.phrases import Text, phrase


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody with a maildrop. `name` is `user` or `user@domain`, in lower case; `drop` is its maildrop's name.

    From `lock` on it is what the account has of its own, None where the server's holds: what happens when the drop is
    in use, seconds that messages are kept (math.inf: for ever), seconds between two logins. With `keep_deleted` what
    its sessions delete is hidden and not removed.
    """

    name: str
    drop: str
    is_enabled: bool = True
    quota: Quota = field(default_factory=Quota)
    lock: LockPolicy | None = None
    retention: float | None = None
    login_delay: float | None = None
    keep_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Spread:
    """The smallest and the largest of what accounts have of their own; None where no account has."""

    retention: tuple[float, float] | None = None
    login_delay: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """Somebody proved to be `account`; `credential` says by what: "password", "device LABEL", "token" or
    "certificate"."""

    account: Account
    credential: str


@dataclass(frozen=True, slots=True)
class ScramEntry:
    """The keys that a SCRAM exchange is held with, and what each pair of them proves, in the same order: all of them
    the same account, by its own password or by one of its devices.

    No `proofs`: the keys are a decoy, with the same salt each time for the same name, so that nobody learns which names
    exist.
    """

    keys: ScramKeys
    proofs: tuple[Proof, ...]

    def proof_of(self, pair: int | None) -> Proof | None:
        """What it proves to know the password of a pair (None: of none)."""
        return self.proofs[pair] if pair is not None and self.proofs else None

    def stands(self, before: "ScramEntry", pair: int) -> bool:
        """Whether a pair of an entry that was asked for before proves the same now: its password may have been changed
        while the client made its proof."""
        known, proof = before.keys.pairs[pair].stored_key, before.proof_of(pair)
        if proof is None:
            return False
        who = (proof.account.name, proof.credential)
        now = zip(self.keys.pairs, self.proofs, strict=False)  # a decoy proves nothing
        same = [each for kept, each in now if hmac.compare_digest(kept.stored_key, known)]
        return any((each.account.name, each.credential) == who for each in same)


class AccountError(Exception):
    """The account store says no. `text` may be shown to the client, `log` is for the operator alone."""

    def __init__(self, text: Text, log: str = "") -> None:
        super().__init__(log or str(text))
        self.text = text
        self.log = log or str(text)


class LoginRefused(AccountError):
    """Wrong name, wrong secret, or a disabled account: the client is never told which."""


class LoginTooSoon(AccountError):
    """The account may log in again in `seconds` (RFC 2449 s8.1.1)."""

    def __init__(self, seconds: int) -> None:
        super().__init__(phrase("logged in too often, the next login is possible in {seconds} s", seconds=seconds))
        self.seconds = seconds


class LoginThrottled(AccountError):
    """After many failed logins none is looked at for `seconds`: neither the name nor the secret was."""

    def __init__(self, seconds: int) -> None:
        super().__init__(phrase("too many failed logins, try again in {seconds} s", seconds=seconds))
        self.seconds = seconds


class AccountsUnavailable(AccountError):
    """The store cannot be asked now: may pass."""


class UnknownName(AccountError):
    """An administrator names an account, alias or device that is not there; `account` is the name where it is one."""

    def __init__(self, text: Text, *, account: str | None = None) -> None:
        super().__init__(text)
        self.account = account


class NameTaken(AccountError):
    """An administrator wants a name that an account, alias or device has already."""


class LoginTimes(Protocol):
    """When accounts logged in last, for all workers. Nothing here fails: without a record a login is possible."""

    def left(self, name: str, delay: float, now: float) -> float:
        """Seconds until `name` may log in again, 0 if it may now; one login is allowed `delay` seconds after the other,
        and a second one at any time between them."""
        ...

    def note(self, name: str, delay: float, now: float) -> None:
        """`name` has logged in."""
        ...


class AccountStore(Protocol):
    """Who has a maildrop here, and how they prove it."""

    @property
    def means(self) -> frozenset[Means]:
        """By which means somebody can be verified here at all; what is not among them is refused."""
        ...

    async def verify_password(self, name: str, password: str) -> Proof:
        """Check a password: the user's own, or one of the account's device passwords.

        An unknown name takes the same time as a wrong password. Raises LoginRefused, AccountsUnavailable.
        """
        ...

    def recall(self, name: str, password: str) -> Proof | None:
        """What `verify_password` would give, where that is known without waiting: this very login was right a moment
        ago, and nothing has changed since. None tells nothing: `verify_password` is to be asked. Raises nothing."""
        ...

    async def verify_apop(self, name: str, stamp: str, digest: str) -> Proof:
        """Check an APOP digest (32 lower-case hex digits) over `stamp`, which includes its angle brackets.

        RFC 1939 s7. Only device passwords can answer it. Raises LoginRefused, AccountsUnavailable.
        """
        ...

    async def verify_cram(self, name: str, challenge: bytes, digest: str) -> Proof:
        """Check a CRAM-MD5 digest (32 lower-case hex digits), keyed with the secret, of `challenge` as it was sent.

        RFC 2195 s2. Only device passwords can answer it. Raises LoginRefused, AccountsUnavailable.
        """
        ...

    def recall_apop(self, name: str, stamp: str, digest: str) -> Proof | None:
        """What `verify_apop` would give, where that is known without waiting; None tells nothing, and the time that it
        takes does not either. Raises nothing."""
        ...

    def recall_cram(self, name: str, challenge: bytes, digest: str) -> Proof | None:
        """The same for `verify_cram`."""
        ...

    async def scram(self, name: str, digest: ScramDigest) -> ScramEntry:
        """The keys to hold a SCRAM exchange for `name` with: the user's own password and every device password will do.
        A decoy for a name that does not exist, is disabled or has no such keys. Raises AccountsUnavailable.
        """
        ...

    async def verify_token(self, name: str | None, token: str) -> Proof:
        """Check an access token; where the client said a name, it must be the token's. RFC 7628 s3.1.

        Raises LoginRefused, AccountsUnavailable.
        """
        ...

    async def admit(self, name: str, credential: str) -> Proof:
        """The proof for `name`, which has been proven elsewhere (a certificate, a token, a SCRAM exchange): the account
        must exist and be enabled, and so must the device where `credential` is one ("device LABEL"), whose use this is.
        `credential` is what the proof will say. Raises LoginRefused, AccountsUnavailable.
        """
        ...

    async def find(self, name: str) -> Account | None:
        """The account of that very name, enabled or not; letters of either case are alike."""
        ...

    async def resolve(self, local_part: str, domain: str | None) -> Account | None:
        """Whose maildrop an address means: the account's name, an alias, the same without its `+detail` (RFC 5233 s4),
        a catch-all, or None.

        A bare account name takes the mail of the post office's own domains (its host name, `localhost`, and those
        it was told). A disabled account still receives. Raises AccountsUnavailable.
        """
        ...

    def recall_address(self, local_part: str, domain: str) -> Account | None:
        """Whose an address is that was asked for a moment ago, where nothing has changed since and that needs no
        waiting; None: ask `is_local` and `resolve`. Raises nothing."""
        ...

    async def shared_with(self, reader: str, owner: str) -> Account | None:
        """The account named `owner`, if the one named `reader` has been given leave to read its maildrop, else None.

        Letters of either case are alike. A disabled owner's maildrop can be read on. Raises AccountsUnavailable.
        """
        ...

    async def is_local(self, domain: str) -> bool:
        """Whether this post office accepts mail for the domain at all. Raises AccountsUnavailable."""
        ...

    async def spread(self) -> Spread:
        """What a client must be told before it is known who it is (RFC 2449 s6.5, s6.7). Raises AccountsUnavailable."""
        ...

    def recall_spread(self) -> Spread | None:
        """What `spread` would give, where that is known without waiting; None: ask it. Raises nothing."""
        ...

    async def close(self) -> None:
        """Let go of all handles. Idempotent."""
        ...
