"""Who answers where a POP server was expected, by the first thing that he says, and what to do then.

Only who has met one needs this.

Must not know: how what was said came.
"""

import re

from postane.wire.errors import NoGreeting

from .errors import Misbehaved, PopError, TimedOut, printable

SHOWN = 80
"""Letters of what a stranger says that are repeated."""

_STRANGERS: tuple[tuple[str, str], ...] = (
    (r"220[ -].*\bE?SMTP", "an SMTP server"),
    (r"220[ -].*\bLMTP", "an LMTP server"),
    (r"220[ -].*\bFTP", "an FTP server"),
    (r"(220|421|554)[ -]", "an SMTP server, or one of its like"),
    (r"20[01][ -]", "a news server (NNTP)"),
    (r"\* (OK|PREAUTH|BYE)\b", "an IMAP server"),
    (r"SSH-", "an SSH server"),
    (r"HTTP/|<", "a web server"),
    (r"\+ POP2\b", "a POP2 server"),
    (r"\+OK\b", "a POP3 server"),
)
"""How what they say first begins."""

_TLS_RECORD = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")


def explain(error: PopError, protocol: str, *, is_secured: bool) -> PopError | None:
    """The same error of the wait for a greeting, in words that tell who it was that spoke; None: nothing better is
    known."""
    scheme = protocol.lower()
    if isinstance(error, TimedOut) and not is_secured:
        return TimedOut(f"{error.text}; on a port where TLS comes first it is {scheme}s://")
    cause = error.__cause__
    if not isinstance(error, Misbehaved) or not isinstance(cause, NoGreeting):
        return None
    if _TLS_RECORD.match(cause.line):
        return Misbehaved(f"this server begins with TLS: it is {scheme}s:// on this port")
    said = printable(cause.line.decode("utf-8", "replace"))[:SHOWN].rstrip() or "an empty line"
    return Misbehaved(f"this is {_name(said)}, not {protocol} (it said: {said})")


def _name(said: str) -> str:
    return next((name for begins, name in _STRANGERS if re.match(begins, said, re.IGNORECASE)), "some other server")
