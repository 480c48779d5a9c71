"""Whose fault it is, and what to answer.

A protocol machine raises two kinds of error only. `RemoteProtocolError`: the peer broke the protocol; it carries
words for the peer and a `Fault` from which the server's one reply table chooses the reply. `LocalProtocolError`:
our own code used the machine wrongly; that is a bug and never the peer's business.

Must not know: any protocol's reply syntax.
"""

from enum import StrEnum

from .phrases import Text


class Fault(StrEnum):
    """What kind of mistake was made: the hint from which a server chooses its reply."""

    SYNTAX = "syntax"  # the line cannot be read as a command
    UNKNOWN_COMMAND = "unknown command"
    BAD_ARGUMENT = "bad argument"
    WRONG_STATE = "wrong state"  # a known command, but not now
    TOO_LONG = "too long"  # a line over its limit; the rest of it is skipped
    EARLY_DATA = "early data"  # octets sent before a TLS handshake that must not be obeyed after it
    BROKEN = "broken"  # nothing sensible can follow: close


class ProtocolError(Exception):
    """A protocol was broken; which side did it is told by the subclass."""

    def __init__(self, text: Text, fault: Fault) -> None:
        super().__init__(str(text))
        self.text = text
        self.fault = fault


class LocalProtocolError(ProtocolError):
    """Our side asked a machine for something that its state does not allow: a bug of ours."""

    def __init__(self, text: str) -> None:
        super().__init__(text, Fault.WRONG_STATE)


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol.

    `text` may be shown to the peer: it never repeats a secret or unchecked octets. `fatal` says that the
    conversation cannot go on and the connection is to be closed after the reply.
    """

    def __init__(self, text: Text, fault: Fault, *, fatal: bool = False) -> None:
        super().__init__(text, fault)
        self.fatal = fatal


class NoGreeting(RemoteProtocolError):
    """The first `line` that the peer says, as it came, is no greeting of the protocol: it may speak another one."""

    def __init__(self, text: Text, line: bytes) -> None:
        super().__init__(text, Fault.SYNTAX, fatal=True)
        self.line = line
