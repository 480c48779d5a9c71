"""The one table from what went wrong to what the client is told.

The words for the client come from the error; the words for the operator go to the log. What is not in the table is a
bug: it is logged in full, and the client sees a temporary failure with the session's id, by which the log can be
searched.

Must not know: how an error came about.
"""

from dataclasses import dataclass

import structlog

from postane.accounts.base import AccountError, AccountsUnavailable, LoginRefused, LoginThrottled, LoginTooSoon
from postane.mail.snapshot import MessageIsDeleted, NoSuchMessage
from postane.maildrop.base import (
    DropInUse,
    LeaseLost,
    MaildropError,
    MessageGone,
    QuotaExceeded,
    StoreDamaged,
    StoreTooNew,
)
from postane.pop1 import replies as pop1_replies
from postane.pop2 import replies as pop2_replies
from postane.pop3.replies import Code, Reply, err
from postane.smtp import replies as smtp_replies
from postane.smtp.replies import Reply as SmtpReply
from postane.smtp.replies import SmtpError
from postane.wire.errors import RemoteProtocolError
from postane.wire.phrases import phrase

from .delivery import DeliveryRefused, reply_to_outcome

_PERMANENT = (StoreDamaged, StoreTooNew)


def pop3_reply(error: Exception, session: str) -> Reply:
    """What a POP3 client is told of `error`; logs what the operator must know."""
    match error:
        case RemoteProtocolError():
            return err(error.text)
        case NoSuchMessage() | MessageIsDeleted():
            return err(error.text)
        case LoginRefused():
            return err(error.text, Code.AUTH)  # RFC 3206 s4
        case LoginThrottled():
            # RFC 3206 s4: AUTH would make the client ask its user for another password; this one may be right.
            return err(error.text, Code.SYS_TEMP)
        case AccountsUnavailable():
            report(error, session, error.log)
            return err(error.text, Code.SYS_TEMP)
        case LoginTooSoon():
            return err(error.text, Code.LOGIN_DELAY)  # RFC 2449 s8.1.1
        case AccountError():
            return err(error.text)
        case DropInUse():
            return err(error.text, Code.IN_USE)  # RFC 2449 s8.1.2
        case LeaseLost():
            return err(error.text, Code.IN_USE)
        case MessageGone():
            return err(error.text)
        case MaildropError():
            report(error, session, error.log)
            return err(error.text, Code.SYS_PERM if isinstance(error, _PERMANENT) else Code.SYS_TEMP)  # RFC 3206 s4
        case _:
            report_bug(error, session)
            text = phrase("internal error, see the server's log for session {session}", session=session)
            return err(text, Code.SYS_TEMP)


def smtp_reply(error: Exception, reports: "Reports") -> SmtpReply:
    """What an SMTP or LMTP client is told of `error`; logs what the operator must know."""
    match error:
        case SmtpError() | DeliveryRefused():
            return error.reply
        case RemoteProtocolError():
            return smtp_replies.BY_FAULT[error.fault].with_text(str(error.text))
        case QuotaExceeded():
            return smtp_replies.MAILBOX_FULL
        case MaildropError():
            reports.tell(error, error.log)
            return reply_to_outcome(error)
        case LoginRefused():
            return smtp_replies.LOGIN_REFUSED
        case LoginThrottled():
            return smtp_replies.LOGIN_UNAVAILABLE.with_text(str(error.text))  # RFC 4954 s6
        case AccountError():
            reports.tell(error, error.log)
            return smtp_replies.UNAVAILABLE
        case _:
            report_bug(error, reports.session)
            words = f"internal error, see the server's log for session {reports.session}"
            return smtp_replies.UNAVAILABLE.with_text(words)


@dataclass(slots=True)
class Reports:
    """The failures of one session that the operator is told of: `most` of them. A client that asks again and again
    while a store is down fills no log; from a mail server of this house (LMTP) each is of another letter."""

    session: str
    most: float
    told: int = 0

    def tell(self, error: Exception, words: str) -> None:
        """Report a failure that is not a bug, unless there were too many."""
        self.told += 1
        if self.told <= self.most:
            report(error, self.session, words)


def report(error: Exception, session: str, words: str) -> None:
    """Tell the operator of a failure that is not a bug."""
    structlog.get_logger("postane").warning("store failure", session=session, kind=type(error).__name__, error=words)


def report_bug(error: Exception, session: str) -> None:
    """Tell the operator of an error that nobody foresaw, in full."""
    structlog.get_logger("postane").error("unexpected error", session=session, exc_info=error)


def pop2_reply(error: Exception, session: str) -> pop2_replies.Err:
    """What a POP2 client is told of `error`: POP3's words in English, without a code."""
    return pop2_replies.Err(str(pop3_reply(error, session).text))


def pop1_reply(error: Exception, session: str) -> pop1_replies.Reply:
    """What a POP1 client is told of `error`: POP3's words in English, without a code."""
    return pop1_replies.err(str(pop3_reply(error, session).text))
