"""A message for a person: its fields decoded, its text, and what is attached.

RFC 5322, RFC 2045, RFC 2047. Whatever cannot be read is shown as far as it can.

Must not know: where the message comes from.
"""

import html
import re
from collections.abc import Iterator
from email.message import EmailMessage

from postane.client.mail_parsing import parse_message

FIELDS = ("Date", "From", "Reply-To", "To", "Cc", "Subject")
WIDTH = max(map(len, FIELDS)) + 1

_UNSHOWN = re.compile(r"<(script|style|head)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_BREAKS = re.compile(r"<(br|/p|/div|/tr|/h[1-6]|/li)\b[^>]*>", re.IGNORECASE)
_TAGS = re.compile(r"<[^>]*>")
_TROUBLES = (LookupError, ValueError, TypeError, AttributeError, AssertionError)


def readable(octets: bytes) -> Iterator[str]:
    """The lines of it."""
    message = parse_message(octets)
    for name in FIELDS:
        for value in message.get_all(name, []):
            yield f"{name + ':':<{WIDTH}} {' '.join(str(value).split())}"
    yield ""
    text = _text_part(message)
    yield from (_words(text) if text is not None else "(there is no text in it)").splitlines()
    attached = [part for part in _leaves(message) if part is not text]
    if attached:
        yield ""
    for number, part in enumerate(attached, 1):
        yield f"[{number}] {_name(part)}, {part.get_content_type()}, {len(_octets(part))} octets"


def _text_part(message: EmailMessage) -> EmailMessage | None:
    leaves = list(_leaves(message))
    for kind in ("text/plain", "text/html"):
        for part in leaves:
            if part.get_content_type() == kind and not _is_attached(part):
                return part
    return None


def _leaves(message: EmailMessage) -> Iterator[EmailMessage]:
    """The parts that have no parts; a message within a message is one of them."""
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in message.iter_parts():
            assert isinstance(part, EmailMessage), "the parser's policy says so"
            yield from _leaves(part)
    else:
        yield message


def _is_attached(part: EmailMessage) -> bool:
    try:
        return part.is_attachment()
    except _TROUBLES:
        return False


def _words(part: EmailMessage) -> str:
    try:
        text = str(part.get_content())
    except _TROUBLES:
        text = _octets(part).decode("utf-8", "replace")
    if part.get_content_type() != "text/html":
        return text
    text = _TAGS.sub("", _BREAKS.sub("\n", _UNSHOWN.sub("", text)))
    return re.sub(r"\n\s*\n+", "\n\n", html.unescape(text)).strip()


def _name(part: EmailMessage) -> str:
    try:
        return part.get_filename() or "without a name"
    except _TROUBLES:
        return "without a name that can be read"


def _octets(part: EmailMessage) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except _TROUBLES:
        payload = None
    return (
        payload if isinstance(payload, bytes) else part.as_bytes() if payload is None and part.is_multipart() else b""
    )
