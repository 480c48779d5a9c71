"""One visit of a client: what it is told, what it said and heard, and what that tells.

Must not know: any client.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from postane.net.tls import Certificate

from .matrix import Protocol, Result, Tls

HOST = "localhost"


@dataclass(frozen=True, slots=True)
class Visit:
    """Where to go, and with what. `secret` is a password or a token; `home` is a folder of its own."""

    port: int
    protocol: Protocol
    tls: Tls
    asked: str | None
    name: str
    secret: str = field(repr=False)
    is_token: bool
    certificate: Certificate | None
    ca: Path
    home: Path


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a client printed of its dialogue, its complaints behind it; and whether it says that it was let in."""

    text: str
    is_in: bool


def _nothing(asked: str) -> bool:
    del asked
    return False


@dataclass(frozen=True, slots=True)
class Client:
    """A program and how its output is read: each pattern finds a line that it sent (group 1), that it heard (group 1),
    and TLS's `version` and `cipher`.

    `own` finds what it says itself where the server has not refused anything: its last words, if no other is given.
    With the arguments `about` it tells its version; `lacks` tells which mechanisms this build of it does not have.
    `default` is what it uses where its output does not tell.
    """

    program: str
    about: tuple[str, ...]
    speak: Callable[[Visit], Spoken]
    sent: str = r"^> (.*)"
    heard: str = r"^< (.*)"
    secured: str = r"^TLS (?P<version>\S+) (?P<cipher>\S+)"
    own: str = r"^(.*\S.*)$"
    lacks: Callable[[str], bool] = _nothing
    default: str = ""

    def read(self, visit: Visit, spoken: Spoken) -> Result:
        """What its output tells of a visit."""
        tried: list[str] = []
        for line in re.findall(self.sent, spoken.text, re.MULTILINE):
            if name := _mechanism(line):
                tried.append(name)
        if not tried and self.default:
            tried = [visit.asked or self.default]
        secured = re.search(self.secured, spoken.text, re.MULTILINE)
        version, cipher = (secured["version"], secured["cipher"]) if secured else ("", "")
        said = "" if spoken.is_in else self._refusal(spoken.text)
        return Result(
            spoken.is_in, tuple(tried), f"TLSv{version[-3:]}".replace("_", ".") * bool(version), cipher, "", said
        )

    def _refusal(self, text: str) -> str:
        """The server's first, else what the client says itself."""
        heard = [line.strip() for line in re.findall(self.heard, text, re.MULTILINE)]
        refusals = [line for line in heard if re.match(r"-ERR|[45]\d\d ", line)]
        own = re.findall(self.own, text, re.MULTILINE)
        return next(iter(refusals), own[-1].strip() if own else "nothing")


def _mechanism(line: str) -> str | None:
    words = line.strip().upper().split()
    match words:
        case ["AUTH", name, *_]:
            return name
        case ["USER" | "APOP" as verb, *_]:
            return verb
    return None
