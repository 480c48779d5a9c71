"""The trace fields that delivery puts in front of a message: Return-Path, Delivered-To, Received.

RFC 5321 s4.4, RFC 3848 s1 and RFC 6531 s4.3 (names after `with`), RFC 5322 s2.2.3 (folding) and s3.3 (dates). What came
from the peer is cut down to harmless characters: no value can end a line or begin a field of its own.

Must not know: the clock, this host's name: they are arguments.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from .address import Address, format_mailbox, format_path
from .trace_words import format_date, format_literal, safe_name

_UNSAFE_IN_VALUE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Protocol(StrEnum):
    """How a message came in, apart from what was negotiated: the base of the word after `with`."""

    SMTP = "SMTP"
    ESMTP = "ESMTP"
    LMTP = "LMTP"


@dataclass(frozen=True, slots=True)
class Passage:
    """How one message came in. `host` is the peer's address, or "" where it has none (a unix socket).

    `helo` is what the peer called itself, unchecked; `name` is what a trusted mail server in front calls it; `id` is
    this post office's word for the message.
    """

    helo: str
    host: str
    protocol: Protocol
    id: str
    at: float
    is_utf8: bool = False
    is_encrypted: bool = False
    is_authenticated: bool = False
    name: str = ""


def format_trace(sender: Address | None, recipient: Address, passage: Passage, hostname: str) -> bytes:
    """All trace fields for one recipient, in the order in which they stand before the message."""
    # RFC 5321 s4.4: the return path is at the beginning of the message.
    return (
        f"Return-Path: {_safe(format_path(sender))}\r\n"
        f"Delivered-To: {_safe(format_mailbox(recipient))}\r\n"
        f"{format_received(recipient, passage, hostname)}\r\n"
    ).encode()


def format_received(recipient: Address, passage: Passage, hostname: str) -> str:
    """The Received field, folded, without its last CRLF; it names the one recipient whose copy it is in."""
    # RFC 5321 s4.4, TCP-info
    name = f"{safe_name(passage.name)} " if passage.name else ""
    address = f" ({name}{format_literal(passage.host)})" if passage.host else ""
    return (
        f"Received: from {safe_name(passage.helo)}{address}\r\n"
        f"\tby {safe_name(hostname)} with {with_word(passage)} id {safe_name(passage.id)}\r\n"
        f"\tfor {_safe(format_path(recipient))};\r\n"
        f"\t{format_date(passage.at)}"
    )


def with_word(passage: Passage) -> str:
    """RFC 3848 s1: ESMTPS, ESMTPA, ESMTPSA and so on; RFC 6531 s4.3: UTF8SMTP, UTF8LMTP and so on."""
    base: str = passage.protocol
    if passage.is_utf8:
        base = "UTF8LMTP" if passage.protocol is Protocol.LMTP else "UTF8SMTP"
    elif passage.protocol is Protocol.SMTP:
        return base  # plain SMTP has no variants
    return base + "S" * passage.is_encrypted + "A" * passage.is_authenticated


def _safe(value: str) -> str:
    return value if value.isascii() and value.isprintable() else _UNSAFE_IN_VALUE.sub("?", value)
