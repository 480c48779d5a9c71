"""What a POP2 server may say, as values.

RFC 937 s(Definitions of Commands and Replies): a line that begins with one of four signs, or the octets of a message
with nothing around them. A server that can say neither closes the connection.

Must not know: how they are written (`grammar`).
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Greeting:
    """`+ POP2 host text`."""

    host: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Ok:
    """`+ text`."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Err:
    """`- text`: the last thing that a server says."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """`#number text`: the messages in a mailbox."""

    number: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Length:
    """`=octets text`: the length of a message; 0: there is none to be had."""

    octets: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Data:
    """The next octets of the message, as they are stored. A message ends when its announced length is reached."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hangup:
    """The connection is closed without a word."""


Line = Greeting | Ok | Err | Count | Length
Value = Line | Data | Hangup
