"""Which messages are wanted, by their header fields and by their size.

Must not know: servers, destinations.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .account import Action, Filter, Multidrop

if TYPE_CHECKING:
    from email.message import Message

_RETURN_PATH = re.compile(rb"^return-path[ \t]*:(.*)", re.IGNORECASE | re.MULTILINE)
_BETWEEN = re.compile(r"[<>\s,;]+")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?')
_ADDRESS = re.compile(r'(?!-)[^"()\[\]:\\@]+@[^"()\\@]+')

ADDRESS_LIMIT = 512
"""Characters of an address; RFC 5321 s4.5.3.1.3 knows paths of 256 octets."""


def read_header(header: bytes) -> "Message":
    """The fields of a header part, whatever octets it has."""
    from email import message_from_bytes, policy  # large, and only for filters and multidrops

    return message_from_bytes(header, policy=policy.compat32)


def values_of(fields: "Message", name: str) -> Iterator[str]:
    """Each value of a field, on one line, encoded words as they came; octets that are UTF-8 are its letters (RFC 6532
    s3)."""
    for field, value in fields.raw_items():
        if field.lower() == name.lower():
            yield " ".join(str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace").split())


def decide(filters: tuple[Filter, ...], fields: "Message") -> Action:
    """What the first filter that fits says; without one the message is fetched."""
    for each in filters:
        if any(each.pattern.search(value) for value in values_of(fields, each.header)):
            return each.action
    return Action.FETCH


def header_of(beginning: bytes) -> bytes:
    """The header part of a message, as far as its first octets have it."""
    end = beginning.find(b"\r\n\r\n")
    return beginning if end < 0 else beginning[: end + 4]


def sender_of(header: bytes) -> str:
    """The address of the first Return-Path; "" where there is none. Cheap: every message is asked."""
    found = _RETURN_PATH.search(header) if b"return-path" in header.lower() else None
    return next(_addresses(found[1].decode("utf-8", "replace")), "") if found else ""


def envelope_recipients(multidrop: Multidrop, fields: "Message") -> tuple[str, ...]:
    """Whom the server says that a message was for, each once; empty where it does not say."""
    found: dict[str, None] = {}
    for value in values_of(fields, multidrop.header):
        for address in _addresses(value):
            local, _, domain = address.rpartition("@")
            if multidrop.domains and domain.lower() not in multidrop.domains:
                continue
            found[f"{local.removeprefix(multidrop.prefix)}@{domain}"] = None
    return tuple(found)


def _addresses(value: str) -> Iterator[str]:
    """The addresses in a field's value whose local part is a dot-string (RFC 5321 s4.1.2): words between quotes may be
    anything, and look like other addresses. None begins as an option of a command does. In one go over the value, as
    who wrote it may be no friend."""
    words = _BETWEEN.split(_QUOTED.sub('"', value) if '"' in value else value)
    return (word for word in words if len(word) <= ADDRESS_LIMIT and _ADDRESS.fullmatch(word))
