"""The matrix: which client, by which protocol, in which TLS mode, with which mechanism asked for, and what came of it.

Values only. The rows are in `matrix_cases`; `matrix_programs` and `matrix_scripts` drive the clients, `matrix_houses`
the servers; `tools/matrix.py` prints what came of it and `tests/interop/test_matrix.py` asserts it.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum


class Protocol(StrEnum):
    """What is spoken."""

    POP3 = "POP3"
    SMTP = "SMTP"


class Tls(StrEnum):
    """How TLS begins, if it does."""

    NONE = "none"
    START = "start"  # STLS, STARTTLS
    DIRECT = "direct"  # POP3S, SMTPS


class House(StrEnum):
    """Which of the servers is asked."""

    USUAL = "usual"  # as it comes: over loopback a password may cross without TLS
    NEVER = "never"  # plaintext_without_tls = "never"
    TOKENS = "tokens"  # it takes access tokens and clients' certificates as well


class Shown(Enum):
    """What the client has to show, in the words of the table."""

    PASSWORD = "own password"
    DEVICE = "device password"
    WRONG = "wrong password"
    REVOKED = "revoked device"
    TOKEN = "token"
    EXPIRED = "expired token"
    CERTIFICATE = "certificate"
    OTHER_NAME = "certificate of another"
    STRANGER = "certificate of a stranger"


CREDENTIALS = {
    Shown.PASSWORD: "password",
    Shown.DEVICE: "device laptop",
    Shown.TOKEN: "token",
    Shown.CERTIFICATE: "certificate",
}
"""What the server's log says of those that are let in."""


@dataclass(frozen=True, slots=True)
class Case:
    """One row. `asked` is the mechanism that the client is told to use, None: it chooses.

    `used` is the mechanism that is expected to have let it in; None: it is to be refused, and `said` must be a part of
    what it was told (or of what it says itself, where it does not even try). `note` is for whoever reads the table.
    """

    client: str
    protocol: Protocol
    tls: Tls
    asked: str | None
    shown: Shown
    used: str | None
    said: str = ""
    house: House = House.USUAL
    note: str = ""

    def __str__(self) -> str:
        words = (self.client, self.protocol, self.tls, self.house, self.asked or "default", self.shown.value)
        return "-".join(words).replace(" ", "_")


@dataclass(frozen=True, slots=True)
class Result:
    """What was negotiated. `tried` are the mechanisms in their order; `credential` and `version` are the server's word
    for them, `cipher` is the client's; `said` is the last refusal. `is_skipped`: the client cannot do that."""

    is_in: bool
    tried: tuple[str, ...] = ()
    version: str = ""
    cipher: str = ""
    credential: str = ""
    said: str = ""
    is_skipped: bool = False

    @property
    def used(self) -> str | None:
        """The mechanism that let it in."""
        return self.tried[-1] if self.is_in and self.tried else None


def complaint(case: Case, result: Result) -> str:
    """What is not as expected, "" where all is."""
    if result.is_skipped:
        return ""
    if case.used is None:
        if result.is_in:
            return f"it was let in by {result.used}"
        return "" if case.said in result.said else f"it was told {result.said!r}, not {case.said!r}"
    if not result.is_in:
        return f"it was refused ({', '.join(result.tried)}): {result.said!r}"
    wanted = (case.used, CREDENTIALS[case.shown], case.tls is not Tls.NONE)
    got = (result.used, result.credential, result.version.startswith("TLSv1."))
    return "" if got == wanted else f"{got}, not {wanted}"
