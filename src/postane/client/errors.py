"""What can go wrong between a client and a server, by whose fault it is and by what the server gave for a reason.

RFC 2449 s8 and RFC 3206 s4 (response codes). `may_pass` tells whether the same may work later without anybody's doing.

Must not know: what was asked for, exit codes.
"""

import re

from postane.net.base import LinkLost, NetError, TooSlow, Unreachable, Untrusted
from postane.pop3.replies import Code


class PopError(Exception):
    """Something was not to be had; the text is for the person who wanted it, and has no control characters."""

    may_pass = False

    def __init__(self, text: str) -> None:
        self.text = printable(text)
        super().__init__(self.text)


class ConnectionFailed(PopError):
    """There is no connection: no such host, refused, no route, a proxy that says no."""

    may_pass = True


class ConnectionLost(PopError):
    """The connection is gone, or the session is over."""

    may_pass = True


class TimedOut(PopError):
    """The server took too long."""

    may_pass = True


class NotSecured(PopError):
    """TLS does not stand, or the server has none where it must: a password was not sent."""


class Misbehaved(PopError):
    """What the server said is no POP, or cannot be believed; the connection is closed."""


class NotOffered(PopError):
    """The server cannot do this."""


class ClearTextRefused(PopError):
    """A password or a token would cross in clear text, and that is not allowed."""


class Refused(PopError):
    """The server said no: `verb` was answered with `reply`, its own words, and perhaps with a response code."""

    def __init__(self, verb: str, reply: str, code: str = "") -> None:
        self.verb = verb
        self.reply = printable(reply)
        self.code = code
        said = f"[{code}] {self.reply}".strip() if code else self.reply
        super().__init__(f"{verb} was refused: {said or 'without a reason'}")

    def __reduce__(self) -> tuple[type["Refused"], tuple[str, str, str]]:
        return type(self), (self.verb, self.reply, self.code)


class Unwilling(Refused):
    """The server's first word was a refusal, without a code: it is too busy, or does not like where we come from."""

    may_pass = True


class LoginRefused(Refused):
    """Name, password or token are not taken (RFC 3206 s4: AUTH, or no code). `mechanism` is what was tried last."""

    def __init__(self, verb: str, reply: str, code: str = "", mechanism: str = "") -> None:
        super().__init__(verb, reply, code)
        self.mechanism = mechanism
        if mechanism:
            self.text = f"the login by {mechanism} was refused: {self.reply or 'without a reason'}"
            self.args = (self.text,)

    def __reduce__(self) -> "tuple[type[Refused], tuple[str, ...]]":  # type: ignore[override]
        return type(self), (self.verb, self.reply, self.code, self.mechanism)


class InUse(Refused):
    """Another session has the maildrop (RFC 2449 s8.1.2)."""

    may_pass = True


class LoginDelayed(Refused):
    """The last login was not long enough ago (RFC 2449 s8.1.1)."""

    may_pass = True


class SysTemp(Refused):
    """Something of the server's is out of order, and will mend (RFC 3206 s4)."""

    may_pass = True


class SysPerm(Refused):
    """Something of the server's is out of order, and a person must mend it (RFC 3206 s4)."""


_BY_CODE: dict[str, type[Refused]] = {
    Code.IN_USE: InUse,
    Code.LOGIN_DELAY: LoginDelayed,
    Code.SYS_TEMP: SysTemp,
    Code.SYS_PERM: SysPerm,
}

_LOCKED = re.compile(
    r"(mail ?(drop|box)|lock).*\b(lock(ed)?|busy|in use|another)\b|already (locked|in use)", re.IGNORECASE
)

_BY_NET_ERROR: tuple[tuple[type[NetError], type[PopError]], ...] = (
    (TooSlow, TimedOut),
    (Untrusted, NotSecured),
    (Unreachable, ConnectionFailed),
    (LinkLost, ConnectionLost),
    (NetError, ConnectionLost),
)

LEVELS = 3
"""Levels of a response code that are told apart: RFC 2449 s8 lets a server add its own below a known one."""


def refusal(verb: str, reply: str, code: str = "") -> Refused:
    """The error for a negative reply, of the kind that its code tells."""
    return _kind(code, Refused)(verb, reply, code)


def greeting_refusal(reply: str, code: str = "") -> Refused:
    """The same for a server's first word."""
    return _kind(code, Unwilling)("the connection", reply, code)


def login_refusal(verb: str, reply: str, code: str, mechanism: str) -> Refused:
    """The same for a login: without a code, what else a server says of a lock is understood too."""
    kind = _kind(code, LoginRefused)
    if not code and _LOCKED.search(reply):
        kind = InUse
    return LoginRefused(verb, reply, code, mechanism) if kind is LoginRefused else kind(verb, reply, code)


def _kind(code: str, otherwise: type[Refused]) -> type[Refused]:
    """RFC 2449 s8: what is unknown below a known code means what that means."""
    words = code.upper().split("/")[:LEVELS]
    for count in range(len(words), 0, -1):
        if kind := _BY_CODE.get("/".join(words[:count])):
            return kind
    return otherwise


def net_error(error: NetError) -> PopError:
    """What the network had to say, as one of ours."""
    return next(ours for theirs, ours in _BY_NET_ERROR if isinstance(error, theirs))(error.text)


def printable(text: str) -> str:
    """Words of a stranger, without what could move a terminal's cursor or begin a line of a log."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "?" for letter in text)
