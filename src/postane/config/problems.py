"""What is wrong with a configuration, in words for the person who wrote it.

Must not know: which configuration it is, how it is read and checked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Place = tuple[str | int, ...]
"""The way to a value: names of keys, and numbers of elements from 0."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where (`line` and `key` where that is known), and what would be right."""

    file: str
    words: str
    line: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        text = f"{place}: {self.words}" if self.key is None else f"{place}: {self.key}: {self.words}"
        return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)  # a key may be anything


class ConfigError(Exception):
    """The configuration cannot be used; the text is one line a problem, for the person who wrote the file.

    `problems` are the same for programs, where it is the file itself that is wrong. `place` is the key that is meant,
    where the text names no line: `located` makes one of it.
    """

    def __init__(self, text: str, problems: Sequence[Problem] = (), *, place: Place = ()) -> None:
        super().__init__(text)
        self.problems = tuple(problems)
        self.place = place


class Misplaced(ValueError):
    """What a model finds wrong with one of its values as a whole: `place` is the way to it from there."""

    def __init__(self, text: str, place: Place) -> None:
        super().__init__(text)
        self.place = place


def refusal(problems: Sequence[Problem]) -> ConfigError:
    """The error for these problems."""
    return ConfigError("\n".join(map(str, problems)), problems)


def key_at(place: Place) -> str:
    """A place as people call it."""
    return ".".join(part for part in place if isinstance(part, str)) or "the file"
