"""The message by which a post office tells a user that old mail will be removed.

It is marked as made by a program, and has a null return path, so that nothing answers it.

Must not know: the clock, accounts, maildrops.
"""

from dataclasses import dataclass

from .trace_words import format_date, safe_name

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Expiry:
    """What will be removed: how much of it, when the first of it, and after how long mail goes at all (seconds)."""

    messages: int
    octets: int
    first: float
    retention: float


def format_expiry_notice(expiry: Expiry, recipient: str, hostname: str, now: float) -> bytes:
    """The message, as it is stored. `recipient` is an account's name, with or without a domain."""
    host = safe_name(hostname)
    address = recipient if "@" in recipient else f"{recipient}@{host}"
    some = "1 message" if expiry.messages == 1 else f"{expiry.messages} messages"
    lines = (
        "Return-Path: <>",
        f"Delivered-To: {address}",
        f"Date: {format_date(now)}",
        f"From: Postmaster <postmaster@{host}>",
        f"To: {address}",
        f"Subject: {some} will soon be removed from this server",
        f"Message-ID: <expiry.{now:.3f}.{expiry.messages}.{expiry.octets}@{host}>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        f"Your maildrop on {host} holds {some} ({expiry.octets} octets) that will be removed,",
        f"the first of them after {format_date(expiry.first)}.",
        "",
        f"Mail is kept here for {_span(expiry.retention)}. Fetch what you want to keep with your mail program before;",
        "what it has fetched and keeps itself is not touched.",
    )
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")


def _span(seconds: float) -> str:
    days = seconds / DAY
    return f"{seconds:g} seconds" if days < 1 else "1 day" if int(days) == 1 else f"{int(days)} days"
