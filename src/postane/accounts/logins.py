"""When accounts logged in last: what LOGIN-DELAY is enforced by (RFC 2449 s6.5).

A period begins with a login and lasts as long as the delay; LOGINS are allowed in it, because some clients log in
twice in a row. A period is kept in a small file for each account that has a delay, so that all workers see it and a
restart does not forget it. It is never synced: what a power failure takes is one login too many. Two logins at the
same moment in two workers may both be let in, for the same reason of cost.

Must not know: who has which delay.
"""

import contextlib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

LOGINS = 2
"""Logins in one period."""

_LINE_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Period:
    """Began at `since`, in seconds since the epoch, and has seen `count` logins."""

    since: float = 0.0
    count: int = 0

    def is_over(self, delay: float, now: float) -> bool:
        """Whether the next login begins another; one from the future is of a clock that was put back."""
        return self.count == 0 or not self.since <= now < self.since + delay

    def left(self, delay: float, now: float) -> float:
        """Seconds until a login is possible."""
        return 0.0 if self.is_over(delay, now) or self.count < LOGINS else self.since + delay - now

    def after_login(self, delay: float, now: float) -> "Period":
        """The period that the next login finds."""
        return Period(now, 1) if self.is_over(delay, now) else Period(self.since, self.count + 1)


class MemoryLogins:
    """LoginTimes of one process."""

    def __init__(self) -> None:
        self._periods: dict[str, Period] = {}

    def left(self, name: str, delay: float, now: float) -> float:
        """See LoginTimes."""
        return self._periods.get(name, Period()).left(delay, now)

    def note(self, name: str, delay: float, now: float) -> None:
        """See LoginTimes."""
        self._periods[name] = self._periods.get(name, Period()).after_login(delay, now)


class FileLogins:
    """LoginTimes in the files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def left(self, name: str, delay: float, now: float) -> float:
        """See LoginTimes."""
        return _read(self._path(name)).left(delay, now)

    def note(self, name: str, delay: float, now: float) -> None:
        """See LoginTimes."""
        path = self._path(name)
        period = _read(path).after_login(delay, now)
        with contextlib.suppress(OSError):  # a full disk keeps nobody from reading mail
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(descriptor, b"%017.3f %06d\n" % (period.since, period.count), 0)  # always as long
            finally:
                os.close(descriptor)

    def _path(self, name: str) -> str:
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
        return f"{self._folder}/{digest[:2]}/{digest[2:40]}"


def _read(path: str) -> Period:
    """The period that a file tells; none where it is not there, or cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            since, count = os.pread(descriptor, _LINE_LIMIT, 0).split()
        finally:
            os.close(descriptor)
        return Period(float(since), int(count))
    except (OSError, ValueError):
        return Period()
