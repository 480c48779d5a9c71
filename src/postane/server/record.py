"""What is told of a session when it is over: one line in the log.

Must not know: how it is written down.
"""

from dataclasses import dataclass
from enum import StrEnum

from postane.net.stream import BadIntroduction, NotSecured, Peer, StreamClosed


class Ending(StrEnum):
    """How a session ended."""

    QUIT = "quit"
    DROPPED = "dropped"  # the client closed or lost the connection without QUIT
    TIMED_OUT = "timed out"
    MISTAKES = "too many mistakes"
    BROKEN = "protocol broken"  # an error after which nothing sensible can follow
    NOT_SECURED = "no TLS"  # the handshake failed, or octets came before it
    NOT_INTRODUCED = "not introduced"  # a proxy did not tell who the client is
    REFUSED = "refused"  # over a limit of connections
    FAILED = "failed"  # a body broke off half-way
    SHUT_DOWN = "shut down"
    KICKED = "kicked"  # by the operator
    CROWDED_OUT = "crowded out"  # every place was taken, and this one had not logged in


@dataclass(slots=True)
class SessionRecord:
    """Who did what. `messages` and `octets` were handed out or taken in, `deleted` were removed for good.

    `since` and `last_command` are in seconds since the epoch.
    """

    session: str
    service: str
    peer: Peer
    since: float
    account: str | None = None
    credential: str | None = None
    mechanism: str | None = None  # by which it was proven: "USER", "APOP", or SASL's name
    messages: int = 0
    octets: int = 0
    deleted: int = 0
    commands: int = 0
    last_command: float | None = None
    ending: Ending = Ending.DROPPED
    trouble: str | None = None  # why it could not be introduced or secured

    def note_command(self, now: float) -> None:
        """The client has said something."""
        self.commands += 1
        self.last_command = now

    def note_failure(self, error: StreamClosed | TimeoutError) -> None:
        """Why a connection never came to stand."""
        match error:
            case BadIntroduction():
                self.ending, self.trouble = Ending.NOT_INTRODUCED, str(error)
            case NotSecured():
                self.ending, self.trouble = Ending.NOT_SECURED, str(error)
            case TimeoutError():
                self.ending = Ending.TIMED_OUT
            case _:
                self.ending = Ending.DROPPED
