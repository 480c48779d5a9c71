"""A buffer that gives lines, with limits.

Used by every text protocol here. A line ends with CRLF; where `accepts_bare_lf` a lone LF ends it too (POP servers
have always been that lenient for commands; SMTP must not be, RFC 5321 s2.3.8). No octet is scanned twice, and an
overlong line never piles up in memory: it is reported once, at once, and the rest of it is thrown away as it comes.

Must not know: what a line means.
"""

import re
from collections.abc import Callable

from .errors import Fault, RemoteProtocolError

SKIP_LIMIT = 16 * 1024 * 1024
"""Octets of one overlong line that are thrown away before the peer is given up."""


class LineBuffer:
    """Octets in, lines out.

    Any split of the same octets gives the same lines and the same errors.
    """

    __slots__ = ("_buffer", "_end", "_scanned", "_skipped", "_start", "accepts_bare_lf")

    def __init__(self, *, accepts_bare_lf: bool) -> None:
        self.accepts_bare_lf = accepts_bare_lf
        self._end = b"\n" if accepts_bare_lf else b"\r\n"
        self._buffer = b""  # what was fed last, mostly: a line is cut out of it without another copy
        self._start = 0  # the first octet not given out
        self._scanned = 0  # the first octet not searched for a line end
        self._skipped = -1  # octets thrown away of an overlong line; -1: not skipping

    def __len__(self) -> int:
        """Octets that were fed and not given out."""
        return len(self._buffer) - self._start

    def feed(self, octets: bytes) -> None:
        """Append what came from the peer."""
        if self._buffer:
            self._buffer = self._buffer[self._start :] + octets
            self._scanned -= self._start
            self._start = 0
        else:
            self._buffer = octets

    def next_line(self, limit: int, wider: Callable[[], int] | None = None) -> bytes | None:
        """The next line without its end, or None when it is not complete.

        `limit` counts octets with the line end (RFC 2449 s4 counts so); `wider` is asked what holds for a line that is
        over it. Raises RemoteProtocolError (TOO_LONG) once for a line over both; the line itself is never given.
        """
        buffer, start = self._buffer, self._start
        if not buffer:
            return None
        if self._skipped >= 0:
            if not self._skip():
                return None
            buffer, start = self._buffer, self._start
        found = buffer.find(self._end, self._scanned)
        if found < 0:
            # A CR at the very end may be the first half of a CRLF.
            self._scanned = max(start, len(buffer) - (len(self._end) - 1))
            # The shortest end that could still come decides: one octet less than the limit cannot be told yet.
            if len(buffer) - start >= limit and (wider is None or len(buffer) - start >= wider()):
                self._skipped = 0
                raise RemoteProtocolError("line too long", Fault.TOO_LONG)
            return None
        stop = found + len(self._end)
        if stop - start > limit and (wider is None or stop - start > wider()):
            self._skipped, self._scanned = 0, found  # thrown away by the next call, as if it had come in pieces
            raise RemoteProtocolError("line too long", Fault.TOO_LONG)
        if stop == len(buffer):
            self._buffer, stop = b"", 0
        self._start = self._scanned = stop
        if self.accepts_bare_lf and found > start and buffer[found - 1] == 0x0D:
            found -= 1
        return buffer[start:found]

    def starts_with(self, prefix: bytes) -> bool:
        """Whether the unread octets begin with `prefix`, letters of either case alike; `prefix` is upper case.

        The rest of an overlong line is no beginning of anything; like `next_line`, this may find it to be endless.
        """
        if self._skipped >= 0 and not self._skip():
            return False
        return self._buffer[self._start : self._start + len(prefix)].upper() == prefix

    def count_ends(self) -> int:
        """How many line ends there are among the unread octets, a lone LF counted as one."""
        return self._buffer.count(b"\n", self._start)

    def begins_with(self, octets: bytes) -> bool:
        """Whether the unread octets begin with these; they are no rest of an overlong line then."""
        return self._skipped < 0 and self._buffer.startswith(octets, self._start)

    def match(self, pattern: re.Pattern[bytes]) -> bytes:
        """What the unread octets begin with, if that matches; left where it is. b"" where nothing does."""
        found = pattern.match(self._buffer, self._start) if self._skipped < 0 else None
        return found[0] if found else b""

    def drop(self, count: int) -> None:
        """Forget so many unread octets: whole lines that `match` gave."""
        self._consume(self._start + count)

    def take(self, limit: int) -> bytes:
        """Up to `limit` unread octets as they are: for bodies and for counted data."""
        octets = self._buffer[self._start : self._start + limit]
        self._consume(self._start + len(octets))
        return octets

    def take_all(self) -> bytes:
        """All unread octets as they are."""
        return self.take(len(self._buffer) - self._start)

    def peek_all(self) -> bytes:
        """All unread octets, left where they are."""
        return self._buffer[self._start :]

    def _skip(self) -> bool:
        """Throw away octets of an overlong line; true when its end was found."""
        found = self._buffer.find(self._end, self._scanned)
        keep = 1 if not self.accepts_bare_lf and self._buffer.endswith(b"\r") else 0
        stop = len(self._buffer) - keep if found < 0 else found + len(self._end)
        self._skipped += stop - self._start
        self._consume(stop)
        if self._skipped > SKIP_LIMIT:
            raise RemoteProtocolError("line without an end", Fault.TOO_LONG, fatal=True)
        if found >= 0:
            self._skipped = -1
        return found >= 0

    def _consume(self, stop: int) -> None:
        if stop >= len(self._buffer):
            self._buffer, stop = b"", 0
        self._start = self._scanned = stop
