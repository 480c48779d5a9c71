"""What every SASL mechanism offers on the server's side (RFC 4422 s3).

A mechanism is told what the client said and answers with a Challenge, with a claim that somebody must check, or by
raising RemoteProtocolError. It knows no account and no protocol.

Must not know: base64, which is the protocol's (`pop3/grammar`, `smtp/grammar`).
"""

from dataclasses import dataclass, field
from typing import Protocol

from postane.wire.errors import Fault, RemoteProtocolError


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the client is to be asked next."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasswordClaim:
    """The client says that it is `name`, and that this is the password. Octets that are not UTF-8 are escaped."""

    name: str
    password: str = field(repr=False)


class ServerMechanism(Protocol):
    """One exchange."""

    def start(self, initial: bytes | None) -> Challenge | PasswordClaim:
        """Begin; `initial` is the initial response, None where there was none. Raises RemoteProtocolError."""
        ...

    def step(self, response: bytes) -> Challenge | PasswordClaim:
        """The client's response to the last challenge. Raises RemoteProtocolError."""
        ...


def refuse(text: str) -> RemoteProtocolError:
    """The error for a response that cannot be read."""
    return RemoteProtocolError(text, Fault.BAD_ARGUMENT)


def decode_name(octets: bytes) -> str:
    """A name: UTF-8 without control characters. Raises RemoteProtocolError."""
    try:
        name = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise refuse("the name is not UTF-8 text") from None
    if not name or any(letter < " " or letter == "\x7f" for letter in name):
        raise refuse("the name is empty or has control characters")
    return name


def decode_password(octets: bytes) -> str:
    """A password: whatever octets it has. Raises RemoteProtocolError where it is empty."""
    if not octets:
        raise refuse("the password is empty")
    return octets.decode("utf-8", "surrogateescape")
