"""How a conversation is written down: for a pipe, for programs, into a transcript.

Nothing that could move a terminal's cursor is ever written: see `show`.
"""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import IO, Any

from postane.talk.base import Answered, Heard, Mood, Remark, Said, Tell, Told, Tone

from .words import json_text, show

OWNER_ONLY = 0o600


def text_of(octets: bytes) -> str:
    """A line of the server's for people."""
    return show(octets.decode("utf-8", "replace").expandtabs())


class Tee:
    """Tells all listeners. `limit` is how many lines of a body are told, None: all."""

    def __init__(self, *listeners: Tell) -> None:
        self.listeners = list(listeners)
        self.limit: int | None = None
        self._lines = 0

    def __call__(self, told: Told) -> None:
        """Tell it."""
        for each in self._limited(told):
            for listener in self.listeners:
                listener(each)

    def _limited(self, told: Told) -> Iterator[Told]:
        if isinstance(told, Heard) and told.tone is Tone.BODY and told.octets != b"." and self.limit is not None:
            self._lines += told.is_whole
            if self._lines - told.is_whole >= self.limit:
                return
        elif self._lines:
            hidden, self._lines = self._lines - (self.limit or 0), 0
            if hidden > 0 and self.limit is not None:
                yield Remark(f"{hidden} more line{'s' * (hidden > 1)}")
        yield told


class PlainPrinter:
    """Lines of text: `C: ` before ours, `S: ` before the server's, `-- ` before remarks, which may go elsewhere."""

    def __init__(
        self, write: Callable[[str], object], remark: Callable[[str], object], *, is_bare: bool = False
    ) -> None:
        self._write = write
        self._remark = remark
        self._is_bare = is_bare
        self._is_open = False  # the last line goes on

    def __call__(self, told: Told) -> None:
        """Write it."""
        match told:
            case Said(text) if not self._is_bare:
                self._end()
                self._write(f"C: {show(text)}\n")
            case Heard(octets, _, is_whole):
                mark = "" if self._is_open or self._is_bare else "S: "
                self._write(f"{mark}{text_of(octets)}" + ("\n" if is_whole else ""))
                self._is_open = not is_whole
            case Remark(text, mood):
                self._end()
                if mood is Mood.TEXT:
                    self._write(f"{show(text.expandtabs())}\n")
                else:
                    self._remark(f"-- {show(text)}\n")
            case _:
                pass

    def flush(self) -> None:
        """Nothing more comes now: end the line."""
        self._end()

    def _end(self) -> None:
        if self._is_open:
            self._write("\n")
            self._is_open = False


class JsonPrinter:
    """An object a line for each exchange: what was said, what was heard, what came of it."""

    def __init__(self, write: Callable[[str], object], state: Callable[[], str]) -> None:
        self._write = write
        self._state = state
        self._open: dict[str, Any] = {}
        self._is_answered = False
        self._is_broken = False  # the last line goes on

    def __call__(self, told: Told) -> None:
        """Take it in; what is complete is written."""
        match told:
            case Said(text):
                if self._is_answered:
                    self.flush()
                self._list("said").append(text.encode("utf-8", "replace").decode())
            case Heard(octets, tone, is_whole):
                lines = self._list("body" if tone is Tone.BODY else "heard")
                text = octets.decode("utf-8", "replace")
                if self._is_broken and lines:
                    lines[-1] += text
                else:
                    lines.append(text)
                self._is_broken = not is_whole
            case Answered(verb, outcome):
                self._open |= {"verb": verb, "outcome": outcome}
                self._is_answered = True
            case Remark(text, mood):
                self._list("text" if mood is Mood.TEXT else "remarks").append(text)

    def flush(self) -> None:
        """Nothing more belongs to what was begun."""
        if self._open:
            self._write(json_text({**self._open, "state": self._state()}) + "\n")
        self._open, self._is_answered = {}, False

    def _list(self, key: str) -> list[str]:
        lines: list[str] = self._open.setdefault(key, [])
        return lines


class Transcript:
    """What passes, in a file that only its owner may read. What was made readable for a person is not in it."""

    def __init__(self, name: str, title: str) -> None:
        """Raises OSError where there is such a file already."""
        self._file: IO[str] = open(new_file(name), "w", encoding="utf-8")  # noqa: SIM115 - it stays open
        self._print = PlainPrinter(self._file.write, self._file.write)
        self._print(Remark(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, {title}"))

    def __call__(self, told: Told) -> None:
        """Write it."""
        if not (isinstance(told, Remark) and told.mood is Mood.TEXT):
            self._print(told)
            self._file.flush()

    def close(self) -> None:
        """End it."""
        self._file.close()


def new_file(name: str) -> int:
    """A descriptor of a file that was not there. Raises OSError."""
    return os.open(os.path.expanduser(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
