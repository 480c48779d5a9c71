"""The table from what went wrong to what the client is told."""

import pytest
import structlog

from postane.accounts.base import AccountsUnavailable, LoginRefused, LoginThrottled
from postane.mail.snapshot import MessageIsDeleted, NoSuchMessage
from postane.maildrop.base import (
    DropInUse,
    LeaseLost,
    MaildropError,
    MessageGone,
    NotAllRemoved,
    StoreDamaged,
    StoreFull,
    StoreTooNew,
    StoreUnavailable,
)
from postane.pop1.grammar import format_line as format_pop1_line
from postane.pop2.grammar import format_line as format_pop2_line
from postane.pop3.grammar import format_reply
from postane.server.replies import Reports, pop1_reply, pop2_reply, pop3_reply, smtp_reply
from postane.smtp.replies import format_reply as format_smtp_reply
from postane.wire.errors import Fault, RemoteProtocolError


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RemoteProtocolError("unknown command", Fault.UNKNOWN_COMMAND), b"-ERR unknown command\r\n"),
        (NoSuchMessage(3, 2), b"-ERR no such message, only 2 in maildrop\r\n"),
        (MessageIsDeleted(1), b"-ERR message 1 is deleted\r\n"),
        (LoginRefused("no", "why"), b"-ERR [AUTH] no\r\n"),
        (AccountsUnavailable("later", "why"), b"-ERR [SYS/TEMP] later\r\n"),
        (DropInUse("since noon", None), b"-ERR [IN-USE] since noon\r\n"),
        (LeaseLost("taken over"), b"-ERR [IN-USE] taken over\r\n"),
        (MessageGone("message 1 was deleted by another session"), b"-ERR message 1 was deleted by another session\r\n"),
        (StoreFull("full", "why"), b"-ERR [SYS/TEMP] full\r\n"),
        (StoreUnavailable("later", "why"), b"-ERR [SYS/TEMP] later\r\n"),
        (NotAllRemoved("some", "why"), b"-ERR [SYS/TEMP] some\r\n"),
        (StoreDamaged("damaged", "why"), b"-ERR [SYS/PERM] damaged\r\n"),
        (StoreTooNew("newer", "why"), b"-ERR [SYS/PERM] newer\r\n"),
        (ZeroDivisionError("x"), b"-ERR [SYS/TEMP] internal error, see the server's log for session s1\r\n"),
    ],
)
def test_pop3(error: Exception, line: bytes) -> None:
    with structlog.testing.capture_logs() as logs:
        assert format_reply(pop3_reply(error, "s1")) == line
    is_told = b"SYS/" in line
    assert bool(logs) is is_told
    assert all("why" in str(log) or "x" in str(log) for log in logs)


def test_who_failed_too_often_is_not_asked_for_another_password() -> None:
    """RFC 3206 s4: SYS/TEMP, not AUTH; RFC 4954 s6: 454 4.7.0. The gate has told the log."""
    error = LoginThrottled(90)
    with structlog.testing.capture_logs() as logs:
        assert format_reply(pop3_reply(error, "s1")) == b"-ERR [SYS/TEMP] too many failed logins, try again in 90 s\r\n"
        line = format_smtp_reply(smtp_reply(error, Reports("s1", 1)))
    assert line == b"454 4.7.0 too many failed logins, try again in 90 s\r\n"
    assert not logs


@pytest.mark.parametrize("error", [MaildropError("later", "why"), ZeroDivisionError("x")])
def test_smtp_says_451_and_the_log_says_why(error: Exception) -> None:
    with structlog.testing.capture_logs() as logs:
        line = format_smtp_reply(smtp_reply(error, Reports("s1", 1)))
    assert line.startswith(b"451 4.3.0 ")
    assert b"why" not in line
    assert logs


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RemoteProtocolError("unknown command", Fault.UNKNOWN_COMMAND), b"unknown command"),
        (LoginRefused("no", "why"), b"no"),
        (DropInUse("since noon", None), b"since noon"),
        (StoreUnavailable("later", "why"), b"later"),
        (ZeroDivisionError("why"), b"internal error, see the server's log for session s1"),
    ],
)
def test_pop2_and_pop1_have_pop3s_words_and_no_codes(error: Exception, words: bytes) -> None:
    with structlog.testing.capture_logs() as logs:
        assert format_pop2_line(pop2_reply(error, "s1")) == b"- " + words + b"\r\n"
        assert format_pop1_line(pop1_reply(error, "s1")) == b"-ERR " + words + b"\r\n"
    assert all("why" in str(log) for log in logs)
