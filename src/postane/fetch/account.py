"""What somebody wants of one account: what to fetch, what to leave, what to delete, how often.

Must not know: how it is written down.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum


class KeepKind(StrEnum):
    """What becomes of a message at its server once it is delivered."""

    ALL = "all"  # it stays
    NONE = "none"  # it is deleted
    AGED = "aged"  # it is deleted some time after it was delivered
    HERE = "until-deleted-here"  # it is deleted when it is gone from all its destinations


@dataclass(frozen=True, slots=True)
class Keep:
    """The same with its time: `seconds` are for AGED."""

    kind: KeepKind = KeepKind.ALL
    seconds: float = 0.0


class Oversize(StrEnum):
    """What becomes of a message that is larger than wanted. It is never deleted at the server."""

    HEADERS = "headers"  # its header part is delivered, and a line that says where the rest is
    SKIP = "skip"


class Action(StrEnum):
    """What a filter does with a message."""

    FETCH = "fetch"
    SKIP = "skip"
    DELETE = "delete"  # at the server, without fetching it


@dataclass(frozen=True, slots=True)
class Filter:
    """A message whose header field `header` (without case) has `pattern` in one of its values."""

    header: str
    pattern: re.Pattern[str]
    action: Action


@dataclass(frozen=True, slots=True)
class Multidrop:
    """A mailbox for many: `header` is the field in which the server wrote whom a message was for.

    Only addresses in `domains` count, all where there are none. `prefix` is cut off their local parts (qmail's
    "Delivered-To: box-anna@example.org").
    """

    header: str
    domains: frozenset[str] = frozenset()
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """One account. `delivered_to` is written into Delivered-To, "" for none; `hostname` is this machine's.

    `expunge_every`: after so many messages the session ends, so that their deletions stand, and another one begins.
    `mailbox` is the server's name for whose mail it is: two accounts of one mailbox take turns.
    `limit`: messages at most in one run. `every` is for watching, in seconds.
    """

    name: str
    keep: Keep = field(default_factory=Keep)
    expunge_every: int | None = None
    max_size: int | None = None
    oversize: Oversize = Oversize.HEADERS
    filters: tuple[Filter, ...] = ()
    multidrop: Multidrop | None = None
    adds_received: bool = True
    delivered_to: str = ""
    hostname: str = "localhost"
    limit: int | None = None
    every: float = 300.0
    host: str = ""
    mailbox: str = ""
