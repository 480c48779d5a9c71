"""Recipients that a client asked for and did not get: told to the operator, and counted.

RFC 5321 s7.3: whoever goes through a dictionary to learn which addresses there are is sent away.

Must not know: why a recipient is refused.
"""

from collections.abc import Mapping

import structlog

from postane.mail.address import Address, format_mailbox
from postane.smtp.replies import Reply
from postane.smtp.states import Dialect

from .desk import Dismissed
from .record import Ending

PERMANENT = 500
"""From this code on a reply says that it will not be otherwise next time (RFC 5321 s4.2.1)."""


class Strangers:
    """Those of one session, since the last message that was stored: `told` of them the operator is told of at most, so
    that nobody fills the log by asking again and again, and more than `allowed` that do not exist end the session."""

    __slots__ = ("_allowed", "_dialect", "_refused", "_strangers", "_told")

    def __init__(self, told: float, allowed: int, dialect: Dialect) -> None:
        self._told = told
        self._allowed = allowed
        self._dialect = dialect
        self._strangers = 0  # refused for good
        self._refused = 0  # and for whatever reason

    def note(self, address: Address, reply: Reply, where: Mapping[str, str]) -> None:
        """One was refused. Raises Dismissed; LMTP comes from a mail server of this house, which sends on what others
        dream up, and is let be."""
        self._refused += 1
        if self._refused <= self._told:
            said = f"{reply.code} {reply.enhanced} {reply.lines[0]}"
            structlog.get_logger("postane").info("recipient refused", **where, to=format_mailbox(address), said=said)
        if reply.code < PERMANENT or self._dialect is Dialect.LMTP:
            return
        self._strangers += 1
        if self._strangers > self._allowed:
            raise Dismissed(Ending.MISTAKES)

    def forget(self) -> None:
        """A message was stored."""
        self._strangers = self._refused = 0
