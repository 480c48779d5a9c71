"""When an account's next run is.

Every so often, not all at once, later after each failure, and never earlier than a server wants it (LOGIN-DELAY,
RFC 2449 s6.5).

Must not know: clocks, how a run is done.
"""

from collections.abc import Callable

from .errors import FetchError, Trouble

JITTER = 0.1
"""Part of the time by which a run may be late, so that accounts which began together do not stay together."""

LONGEST = 3600.0
"""Seconds at most between two tries where the usual time is shorter."""

PERSON_WANTED = 6
"""A refused login is tried again this many times as seldom: servers lock accounts for less."""


class Schedule:
    """One account's. `random` gives numbers from 0 to 1."""

    __slots__ = ("_every", "_failures", "_random")

    def __init__(self, every: float, random: Callable[[], float]) -> None:
        self._every = every
        self._random = random
        self._failures = 0

    def first(self) -> float:
        """Seconds from the start to the first run."""
        return min(self._every, 5.0) * self._random() * JITTER

    def next(self, error: FetchError | None) -> float:
        """Seconds from the end of a run, which ended with this error, to the next one."""
        self._failures = 0 if error is None else self._failures + 1
        seconds = self._every
        if error is not None:
            factor = 2 ** min(self._failures, 10) / 2
            if error.trouble in (Trouble.LOGIN, Trouble.CONFIGURATION):
                factor *= PERSON_WANTED
            seconds = max(self._every, min(self._every * factor, LONGEST))
        seconds *= 1 + JITTER * self._random()
        return seconds if error is None or error.wait is None else max(seconds, error.wait)
