"""Asking somebody at the terminal for a password, from within an event loop as well, which stands still as long.

Ctrl-C there has to reach whoever types, and that the terminal is closed too: a loop's own handlers only note a signal,
for a loop that does not turn.

Must not know: what the password is for.
"""

import asyncio
import getpass
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from .words import say

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Windows does not have the last one."""


class Interrupted(BaseException):
    """A signal came while something was typed."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def type_password(prompt: str) -> str:
    """What somebody types unseen; nothing after Ctrl-D. A signal ends it: it is raised again for whoever waits for it,
    and the task that has asked is cancelled, or KeyboardInterrupt is raised."""
    try:
        with _ended_by_signals():
            return getpass.getpass(prompt)
    except EOFError:
        say("", err=True)  # the prompt's line is still open
        return ""
    except Interrupted as interrupted:
        number = interrupted.number
    with suppress(OSError):  # the terminal may be gone
        say("\nno password was given", err=True)
    signal.raise_signal(number)
    raise asyncio.CancelledError


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Signals raise Interrupted, those that are ignored excepted; a loop hears nothing of them."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    wakeup = signal.set_wakeup_fd(-1)
    try:
        for number, handler in handlers.items():
            if handler not in (signal.SIG_IGN, None):  # None: it is not Python's
                signal.signal(number, _interrupt)
        yield
    finally:
        for number, handler in handlers.items():
            if handler is not None:
                signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)


def _interrupt(number: int, _: object) -> NoReturn:
    raise Interrupted(number)
