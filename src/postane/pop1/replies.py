"""What a POP1 server may say, as values.

RFC 918 s(Definitions of Commands and Replies): a line that says yes, no, or how long a mailbox is; or the octets of the
mailbox with nothing around them.

Must not know: how they are written (`grammar`).
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reply:
    """`+OK text` or `-ERR text`."""

    is_ok: bool
    text: str = ""


def ok(text: str = "") -> Reply:
    """A positive reply."""
    return Reply(True, text)


def err(text: str) -> Reply:
    """A negative reply."""
    return Reply(False, text)


@dataclass(frozen=True, slots=True)
class Length:
    """`#octets`: the length of a mailbox as it will be sent."""

    octets: int


@dataclass(frozen=True, slots=True)
class Data:
    """The next octets of the mailbox, which ends when its announced length is reached; b"" is said of an empty one."""

    octets: bytes = field(repr=False)


Line = Reply | Length
Value = Line | Data
