"""What is said to, and by, every maildrop store: locks, quotas, letters, receipts, rows, findings.

Whoever wants them imports them from `base`, the contract that they belong to.

Must not know: any protocol.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from postane.mail.measure import Facts

UIDL_LIMIT = 70
"""Characters of a unique-id at most (RFC 1939 s7, UIDL)."""


class LockPolicy(StrEnum):
    """What happens when a drop's lease is taken already; it is the policy of whoever comes that counts."""

    REFUSE = "refuse"
    WAIT = "wait"
    TAKEOVER = "takeover"  # whoever has it loses it, and deletes nothing
    SHARE = "share"  # with others who share it; refused where somebody has it alone


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock policy with its patience: `wait` is in seconds and only for LockPolicy.WAIT."""

    policy: LockPolicy = LockPolicy.REFUSE
    wait: float = 10.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has, or asks for, a drop's lease. `since` is in seconds since the epoch, and so is `last_seen`: when a holder
    was last at work, to a few seconds."""

    session: str
    address: str
    protocol: str
    since: float
    last_seen: float | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """What a drop may hold; None is without bound."""

    octets: int | None = None
    messages: int | None = None

    @property
    def is_unbounded(self) -> bool:
        """Whether it holds nothing back."""
        return self.octets is None and self.messages is None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a drop holds. `newest` is when its last message came, in seconds since the epoch, where it was asked for.

    What was deleted and is kept is counted apart, and by no quota. `last_uid` is that of the last message that came,
    where it was asked for; 0: none ever did.
    """

    messages: int
    octets: int
    newest: float | None = None
    deleted_messages: int = 0
    deleted_octets: int = 0
    last_uid: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """What is known of a message apart from its octets. `arrived` is in seconds since the epoch.

    `is_international`: it was sent as such (SMTPUTF8, RFC 6531), so that what is not ASCII in its header part is UTF-8
    and has a surrogate. Any other message is given as it came, whatever octets it has.
    """

    sender: str
    arrived: float
    is_international: bool = False


@dataclass(frozen=True, slots=True)
class Addressee:
    """One drop that is to get a message.

    `lead` are the octets put in front for this drop alone (trace header fields, CRLF line ends). `uidl` is given
    by an import that keeps the old server's unique-ids, else the store makes one.
    """

    drop: str
    lead: bytes = b""
    quota: Quota = field(default_factory=Quota)
    uidl: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message was stored durably as `uid` in `drop`."""

    drop: str
    uid: int
    uidl: str
    octets: int


@dataclass(frozen=True, slots=True)
class Blob:
    """A large body outside the index: where it is, and what it must be. `digest` is its SHA-256."""

    name: str
    octets: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """What the index knows of one message. `uid` grows with each deposit and is never used again.

    `facts` are those of the whole message, but for the digest of one with a blob: that covers the octets in the
    index, the blob's own covers the rest, so that a body shared by many drops is digested once. `deleted` is when one
    that is kept out of sight was deleted.
    """

    uid: int
    uidl: str
    facts: Facts
    arrived: float
    sender: str
    blob: Blob | None = None
    deleted: float | None = None


class FindingKind(StrEnum):
    """What `verify` may find."""

    INDEX_DAMAGED = "index damaged"
    BODY_MISSING = "body missing"
    BODY_DAMAGED = "body damaged"
    TOTALS_WRONG = "totals wrong"
    ORPHAN = "orphan"  # a blob without a row: harmless, left by a crash, swept


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `verify` found wrong in a drop."""

    drop: str
    kind: FindingKind
    detail: str
    uid: int | None = None
