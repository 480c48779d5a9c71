"""Words for a person at the other end: what is said, apart from the language it is said in.

RFC 6856 s3.2 lets a client choose the language. A text without values stands for itself; one with values is a
`Phrase`, whose `str()` is English. A `Tongue` says both in another language.

Must not know: which languages there are, where their words are kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text with values in it, in the form of `str.format`: `one` for a `count` of 1, `many` for every other.

    `many` is empty where nothing is counted.
    """

    one: str
    values: Mapping[str, object] = field(default_factory=dict)
    many: str = ""
    count: int = 1

    def __str__(self) -> str:
        return (self.one if self.count == 1 or not self.many else self.many).format_map(self.values)


Text = str | Phrase
"""What a person is told."""

Translate = Callable[[str, str, int], str]
"""From `one`, `many` and `count` to the words of a language; what it does not know it gives back."""


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language: its tag (RFC 5646 s2), its name in itself, and its words; None: the texts are in it already."""

    tag: str
    name: str
    translate: Translate | None = None

    def say(self, text: Text) -> str:
        """The text in this language."""
        if self.translate is None or not text:
            return str(text)
        if isinstance(text, str):
            return self.translate(text, "", 1)
        return self.translate(text.one, text.many, text.count).format_map(text.values)


def phrase(text: str, **values: object) -> Phrase:
    """A text with values."""
    return Phrase(text, values)


def counted(one: str, many: str, count: int, **values: object) -> Phrase:
    """A text that depends on a number, which stands in it as {count}."""
    return Phrase(one, {"count": count, **values}, many, count)
