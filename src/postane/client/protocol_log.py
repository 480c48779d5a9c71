"""What passes between a client and a server, as lines for a person: secrets hidden, bodies only counted.

Must not know: where the lines go.
"""

import re
from collections.abc import Callable, Iterable

from postane.net.base import Link
from postane.pop3.commands import Apop, Auth, AuthResponse, Command, Pass
from postane.pop3.grammar import format_command
from postane.pop3.replies import Reply

from .errors import printable

WriteLine = Callable[[str], object]
"""Takes one line, without its end."""

HIDDEN = "****"

SHORTEST = 4
"""Letters of a secret that is looked for in what a server says: a shorter one would be found everywhere."""

_PARTS = re.compile(rb"[\x00\x01]|Bearer ")
"""What stands between the words of a SASL response, the secret being one of them (RFC 4616 s2, RFC 7628 s3.1)."""


class ProtocolLog:
    """Lines that begin with `C: ` are the client's, those with `S: ` the server's."""

    __slots__ = ("_write",)

    def __init__(self, write: WriteLine) -> None:
        self._write = write

    def said(self, command: Command) -> None:
        """The client has said this."""
        match command:
            case Pass():
                line = f"PASS {HIDDEN}"
            case Apop(name):
                line = f"APOP {name} {HIDDEN}"
            case Auth(mechanism, initial) if mechanism:
                line = f"AUTH {mechanism}" if initial is None else f"AUTH {mechanism} {HIDDEN}"
            case AuthResponse(octets):
                line = "*" if octets is None else HIDDEN
            case _:
                line = format_command(command).decode("utf-8", "replace").rstrip("\r\n")
        self._write(printable(f"C: {line}"))

    def answered(self, reply: Reply, command: Command | None = None) -> None:
        """The server has answered this, to what the client has said."""
        code = f"[{reply.code}] " if reply.code else ""
        text = without(secrets_of(command), str(reply.text))
        self._write(printable(f"S: {'+OK' if reply.is_ok else '-ERR'} {code}{text}".rstrip()))

    def challenged(self) -> None:
        """The server wants a response."""
        self._write(f"S: + {HIDDEN}")

    def sent_body(self, octets: int) -> None:
        """So many octets of a body have come, after which it was complete."""
        self._write(f"S: ({octets} octets)")

    def note(self, text: str) -> None:
        """Something else has happened to the connection."""
        self._write(printable(f"-- {text}"))


def format_link(link: Link, *, is_open: bool) -> str:
    """Where a session is, in a word or three."""
    tls = link.tls.version if link.tls is not None else "in clear"
    return f"{link.peer}, {tls}, {'open' if is_open else 'closed'}"


def secrets_of(command: Command | None) -> list[str]:
    """What of a command nobody else may see, as it is and as it crosses."""
    match command:
        case Pass(secret):
            return [secret]
        case Apop(_, digest):
            return [digest]
        case Auth(_, bytes(octets)) | AuthResponse(bytes(octets)):
            crossed = format_command(command).decode("ascii").split()
            return [*crossed[-1:], *(part.decode("utf-8", "replace") for part in _PARTS.split(octets))]
        case _:
            return []


def without(secrets: Iterable[str], text: str) -> str:
    """The words of a server, which may repeat what it was told, without that."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN) if len(secret) >= SHORTEST else text
    return text
