"""A parcel's key as it stands in a file's name or in a header field: short, the same for ever, of harmless letters.

Must not know: what keys are made of.
"""

import hashlib
from collections.abc import Iterable

OCTETS = 16
"""Of a SHA-256: 128 bits do not meet by chance."""

MARK_LENGTH = 2 * OCTETS

FIELD = "X-Postane-Fetch"
"""The header field that bears it where a message cannot have it in its name."""


def mark(key: str) -> str:
    """Hexadecimal digits, MARK_LENGTH of them. They are in people's mail: the form never changes."""
    return hashlib.sha256(key.encode("utf-8")).hexdigest()[:MARK_LENGTH]


def by_mark(keys: Iterable[str]) -> dict[str, str]:
    """Keys by their marks."""
    return {mark(key): key for key in keys}


def field_line(key: str) -> bytes:
    """The header field of a key, with its CR LF."""
    return f"{FIELD}: {mark(key)}\r\n".encode("ascii")
