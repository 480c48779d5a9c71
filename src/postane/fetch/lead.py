"""The header fields that a fetched message gets: Delivered-To and Received.

RFC 5321 s4.4 (Received; POP3 has no registered word after `with`, so the protocol's own name stands there) and
RFC 5322 s2.2.3 (folding). What servers and users chose is cut down to harmless characters.

Must not know: where the message goes.
"""

import re

from postane.mail.trace_words import format_date, format_literal, safe_name

from .account import Account
from .source import Facts

_UNSAFE = re.compile("[^ -~]|[()\\\\]")


def format_lead(account: Account, facts: Facts, key: str, at: float) -> bytes:
    """The fields for one message, with CR LF line ends; b"" where none are wanted."""
    lines = []
    if account.delivered_to:
        lines.append(f"Delivered-To: {_plain(account.delivered_to)}")
    if account.adds_received:
        literal = f" ({format_literal(facts.address)})" if facts.address else ""
        tls = f" ({_plain(facts.tls)})" if facts.tls else ""
        lines += [
            f"Received: from {safe_name(facts.host)}{literal}",
            f"\tby {safe_name(account.hostname)} with {facts.with_word}{tls}",
            f"\tid {_word(key)}",
            f"\t(user {_plain(facts.user)});",
            f"\t{format_date(at)}",
        ]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def id_in_lead(account: Account, key: str) -> str:
    """What stands behind `id` in a message's Received; "": it gets none."""
    return _word(key) if account.adds_received else ""


def _plain(text: str) -> str:
    return _UNSAFE.sub("?", text)[:200]


def _word(key: str) -> str:
    """A unique-id may have any printable character (RFC 1939 s7)."""
    return re.sub(r"[^A-Za-z0-9._:#=+/-]", "-", key)[:128]
