"""What the parts of a visit work with.

Must not know: what they do.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from postane.journal.base import Listed, Run, Step
from postane.sinks.base import Sink

from .account import Account
from .progress import Progress
from .source import Source

PENDING: frozenset[Step | None] = frozenset({None, Step.SEEN, Step.FETCHED})
"""What is not at its destinations."""

DONE: frozenset[Step | None] = frozenset({Step.DELIVERED, Step.DELETED})
"""What is at its destinations, and still at the server."""

PIECE = 1000
"""Messages that are looked at, at a time."""

PART = " (header part)"
"""What the journal writes behind the name of a destination that has no more of a message than that."""

HERE_SINCE = "here since"
"""By what it is remembered since when the destinations are the ones that they are, and which: a line for each."""

Tell = Callable[[Listed, str], None]
"""Hears what would become of a message."""


def typed(word: str) -> str:
    """A word, as it is typed in a shell: an account may be called "my mail"."""
    import shlex  # for who is told what to type

    return shlex.quote(word)


@dataclass(slots=True)
class Work:
    """One visit's tools. `most`: messages to fetch at most; None: all. `given_up` are keys that were tried in this run
    and are not to be tried again in it. `is_recorded`: nothing is delivered that is not recorded. `is_fetching`: a
    session asks for messages, or ended amid them. `mailbox` is whose
    mail it is, by the first name that the journal knew it by; known from the listing on. `aging_since`: what was
    delivered before counts as delivered then."""

    account: Account
    source: Source
    sinks: Sequence[Sink]
    run: Run
    progress: Progress
    clock: Callable[[], float] = field(repr=False)
    most: int | None = None
    given_up: set[str] = field(default_factory=set)
    is_recorded: bool = True
    is_fetching: bool = False
    mailbox: str = ""
    aging_since: float = 0.0

    def parcel_key(self, key: str, *, is_part: bool = False) -> str:
        """What destinations know a message by, or its header part alone: none of another account or mailbox has the
        same."""
        words = (self.account.name, self.mailbox, "part" if is_part else "whole", key)
        return hashlib.sha256("\n".join(words).encode()).hexdigest()[:40]
