"""Octets into `email.message.EmailMessage`, whatever octets.

RFC 5322. The parser and the header fields of the standard library raise on some of what arrives in mail; whoever reads
his mail must not be stopped by the one message that somebody made for that. A field that cannot be read is given as
plain text, a message whose parts cannot be told apart in one part, a text in an encoding that nobody knows as far as it
is UTF-8.

Must not know: where the octets come from.
"""

from email import errors
from email.contentmanager import ContentManager, raw_data_manager
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import EmailPolicy

_TROUBLES = (
    *(errors.MessageError, ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError),
    *(NotImplementedError, OverflowError),
)


class _PlainHeader(UnstructuredHeader):
    """A field's octets, not decoded."""

    @classmethod
    def parse(cls, value, kwds):  # type: ignore[no-untyped-def]
        """What HeaderRegistry wants."""
        kwds["parse_tree"] = cls.value_parser("")
        kwds["decoded"] = "".join(letter if letter.isprintable() else "?" for letter in value)


class _Fields(HeaderRegistry):
    """Fields by their names, as plain text where they cannot be read."""

    def __call__(self, name: str, value: object) -> BaseHeader:
        try:
            return super().__call__(name, value)
        except _TROUBLES:
            make = type("_PlainHeader", (_PlainHeader, BaseHeader), {})
            field: BaseHeader = make(name, str(value))
            return field


class _Contents(ContentManager):
    """What `get_content` gives; a text always."""

    def get_content(self, msg, *args, **kw):  # type: ignore[no-untyped-def]
        """What EmailMessage wants."""
        try:
            return raw_data_manager.get_content(msg, *args, **kw)
        except _TROUBLES:
            if msg.get_content_maintype() != "text":  # what has no content, such as several parts
                raise
            return msg.get_payload(decode=True).decode("utf-8", "replace")

    def set_content(self, msg, obj, *args, **kw):  # type: ignore[no-untyped-def]
        """What EmailMessage wants."""
        raw_data_manager.set_content(msg, obj, *args, **kw)


def parse_message(octets: bytes) -> EmailMessage:
    """The whole message. Raises nothing."""
    try:
        return _parse(octets, is_header_only=False)
    except _TROUBLES:
        return _parse(octets, is_header_only=True)


def parse_headers(octets: bytes) -> EmailMessage:
    """The header part; what follows it is left out. Raises nothing."""
    message = _parse(octets, is_header_only=True)
    message.set_payload("")
    return message


def _parse(octets: bytes, *, is_header_only: bool) -> EmailMessage:
    policy = EmailPolicy(header_factory=_Fields(), content_manager=_Contents())
    message = BytesParser(policy=policy).parsebytes(octets, headersonly=is_header_only)
    assert isinstance(message, EmailMessage), "the policy says so"
    return message
