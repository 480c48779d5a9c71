"""What the log tells of a message that came in: who sent it to whom, and what became of it for each.

Must not know: how it is written down.
"""

from collections.abc import Sequence

from postane.mail.address import format_mailbox
from postane.mail.envelope import Envelope
from postane.mail.trace import Passage
from postane.maildrop.base import Receipt
from postane.smtp import replies
from postane.smtp.replies import Reply

from .delivery import Outcome


def postmark(envelope: Envelope, outcomes: Sequence[Outcome]) -> dict[str, object]:
    """The fields of the log's line: `sender`, `stored` (recipients) and `failed` (recipient to reason)."""
    stored: list[str] = []
    failed: dict[str, str] = {}
    for address, outcome in zip(envelope.recipients, outcomes, strict=True):
        recipient = format_mailbox(address)
        if isinstance(outcome, Receipt):
            stored.append(recipient)
        else:
            failed[recipient] = str(outcome.text)
    sender = "" if envelope.sender is None else format_mailbox(envelope.sender)
    return {"sender": sender, "stored": stored} | ({"failed": failed} if failed else {})


def named(reply: Reply, passage: Passage) -> Reply:
    """A message that was stored is told by its id, by which it is found in trace fields and logs."""
    return reply.with_text(f"{reply.lines[0]} as {passage.id}") if reply is replies.STORED else reply
