"""From what a client library says went wrong to what it means for an account's run: the one table.

Must not know: exit codes.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from postane.client.errors import (
    ClearTextRefused,
    ConnectionFailed,
    InUse,
    LoginDelayed,
    LoginRefused,
    Misbehaved,
    NotOffered,
    NotSecured,
    PopError,
    SysPerm,
)
from postane.credentials.base import NoSecret
from postane.sinks.base import Fault, SinkError

from .errors import FetchError, Trouble

_TROUBLES: tuple[tuple[type[PopError], Trouble], ...] = (
    (ConnectionFailed, Trouble.UNREACHABLE),
    (LoginRefused, Trouble.LOGIN),
    (ClearTextRefused, Trouble.LOGIN),
    (InUse, Trouble.TEMPORARY),
    (LoginDelayed, Trouble.TEMPORARY),
    (SysPerm, Trouble.UNREACHABLE),
    (NotSecured, Trouble.PROTOCOL),
    (NotOffered, Trouble.LOGIN),  # of all that is not offered, a login that is allowed alone ends a run
    (Misbehaved, Trouble.PROTOCOL),
)
"""What is none of these may pass."""

_FAULTS = {
    Fault.PLACE: Trouble.DESTINATION,
    Fault.TRUST: Trouble.PROTOCOL,
    Fault.SETTING: Trouble.CONFIGURATION,
    Fault.LOGIN: Trouble.LOGIN,
}

LATER = 60.0
"""Seconds to wait for a server that says LOGIN-DELAY and has not said how long."""


def told(error: PopError) -> FetchError:
    """The same for the run."""
    trouble = next((trouble for kind, trouble in _TROUBLES if isinstance(error, kind)), Trouble.TEMPORARY)
    return FetchError(error.text, trouble, wait=LATER if isinstance(error, LoginDelayed) else None)


def told_of_sink(error: SinkError) -> FetchError:
    """The same of a destination."""
    return FetchError(error.text, Trouble.TEMPORARY if error.may_pass else _FAULTS[error.fault])


@contextmanager
def in_words_of_the_run() -> Iterator[None]:
    """PopError and NoSecret become FetchError."""
    try:
        yield
    except PopError as error:
        raise told(error) from error
    except NoSecret as error:
        raise FetchError(error.text, Trouble.TEMPORARY if error.may_pass else Trouble.LOGIN) from error
