"""The errors that a maildrop store may raise. Whoever wants them imports them from `base`, the contract.

Must not know: any protocol.
"""

from postane.wire.phrases import Text

from .values import Holder


class MaildropError(Exception):
    """The store cannot do it. `text` may be shown to the client, `log` is for the operator alone."""

    def __init__(self, text: Text, log: str = "") -> None:
        super().__init__(log or str(text))
        self.text = text
        self.log = log or str(text)


class DropInUse(MaildropError):
    """Another session holds the lease; `holder` is who, where that is known."""

    def __init__(self, text: Text, holder: Holder | None) -> None:
        super().__init__(text, f"{text} (holder: {holder})")
        self.holder = holder


class LeaseLost(MaildropError):
    """The lease was taken over or expired: nothing of this session may be committed."""


class MessageGone(MaildropError):
    """Another session that shares the drop has deleted the message."""


class QuotaExceeded(MaildropError):
    """The drop's quota does not allow the message."""


class UidlRefused(MaildropError):
    """A unique-id that was given with a message is none, or is in use in the drop."""


class StoreFull(MaildropError):
    """No space, or no descriptors: may pass."""


class StoreUnavailable(MaildropError):
    """The store cannot be reached or an operation failed: may pass."""


class StoreDamaged(MaildropError):
    """What is stored cannot be read: needs a person."""


class StoreTooNew(MaildropError):
    """The store was written by a newer version: needs a person."""


class NotAllRemoved(MaildropError):
    """Some messages could not be removed; none of those is lost."""
