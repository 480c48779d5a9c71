"""The last steps of a line of the log, which every session pays for: it is stamped, made JSON, and written.

The octets are those of structlog's own TimeStamper, JSONRenderer and WriteLogger, at a third of their time.

Must not know: what is logged.
"""

import contextlib
import json
import json.encoder
import os
import select
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from structlog.processors import format_exc_info
from structlog.typing import EventDict, WrappedLogger

SECOND = 1_000_000_000
"""In nanoseconds."""


class Stamp:
    """A processor that adds the level and the time, in ISO 8601. `clock` gives nanoseconds since the epoch."""

    __slots__ = ("_clock", "_last")

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._last = (-1, "")  # a second and its text: most lines are of the second that the one before was of

    def __call__(self, _log: WrappedLogger, level: str, event: EventDict) -> EventDict:
        """See structlog's processors."""
        second, fraction = divmod(self._clock(), SECOND)
        last, text = self._last
        if second != last:
            text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            self._last = (second, text)
        micros = fraction // 1000
        event["level"] = level
        event["timestamp"] = f"{text}.{micros:06d}Z" if micros else f"{text}Z"  # so does datetime.isoformat
        return event


class JsonLine:
    """A processor that makes a line of JSON of what is told."""

    __slots__ = ("_encode",)

    def __init__(self) -> None:
        self._encode = _make_encoder()

    def __call__(self, log: WrappedLogger, level: str, event: EventDict) -> str:
        """See structlog's processors."""
        if "exc_info" in event:
            event = format_exc_info(log, level, event)
        return self._encode(event)


def _make_encoder() -> Callable[[object], str]:
    """What `json.dumps` would do, with an encoder that is made once."""
    slow = json.JSONEncoder(ensure_ascii=False, default=_shown).encode
    make = getattr(json.encoder, "c_make_encoder", None)  # CPython's own; `encode` would make one for each line
    if make is None:
        return slow
    pieces = make(None, _shown, json.encoder.encode_basestring, None, ": ", ", ", False, False, True)

    def encode(value: object) -> str:
        try:
            return "".join(pieces(value, 0))
        except RecursionError:
            return slow(value)  # which tells of what holds itself by an error of its own

    return encode


def _shown(value: Any) -> Any:
    """What JSON has no words for."""
    try:
        return value.__structlog__()
    except AttributeError:
        return repr(value)


class LineWriter:
    """A logger of structlog's that writes each line with one call of the system, when it is told: what a process has
    told before it is killed is written, and lines of several processes do not mix (up to PIPE_BUF octets in a pipe).

    A line that cannot be written is lost: nobody's session ends for that.
    """

    __slots__ = ("_descriptor", "_encoding", "_errors")

    def __init__(self, descriptor: int, encoding: str, errors: str) -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._errors = errors

    def msg(self, line: str) -> None:
        """Write a line."""
        octets = (line + "\n").encode(self._encoding, self._errors)
        with contextlib.suppress(OSError):
            while octets := octets[self._write(octets) :]:  # nearly always all of it is
                pass

    debug = info = warning = error = critical = msg

    def _write(self, octets: bytes) -> int:
        while True:
            try:
                return os.write(self._descriptor, octets)
            except BlockingIOError:  # another program that shares the terminal or the pipe has made it so
                select.select([], [self._descriptor], [])
