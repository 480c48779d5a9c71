"""Finds the line on which each key and element of a TOML text stands: Python's parser does not tell.

The text is one that the parser has read, so nothing is checked again; what is inside strings is passed over. A place
is the way to a value: names of keys, and numbers of elements from 0, as in `("accounts", 1, "path")`.

Must not know: what any key means.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .problems import Place

_TOKEN = re.compile(
    r"""
    (?P<string> \"\"\" (?: \\. | [^\\] )*? \"{3,5} | ''' .*? '{3,5} | " (?: \\. | [^"\\\n] )* " | ' [^'\n]* ' )
    | (?P<mark> [][{},=.\n] )
    | (?P<word> [^][{},=.\n\s#"']+ )
    | \#[^\n]* | \s
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    line: int
    is_mark: bool


def lines_of(text: str) -> dict[Place, int]:
    """The line, counted from 1, of every key, table and element of a text."""
    return _Reader(list(_tokens(text))).read()


def line_of(lines: dict[Place, int], place: Sequence[str | int]) -> int:
    """The line of a place, or of what it is in: the innermost that the text has; 1 where it has none of it."""
    for end in range(len(place), 0, -1):
        if found := lines.get(tuple(place[:end])):
            return found
    return 1


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for found in _TOKEN.finditer(text):
        if found.lastgroup is not None:
            yield _Token(found[0], line, found.lastgroup == "mark")
        line += found[0].count("\n")
    yield _Token("\n", line, True)


class _Reader:
    """Walks over the tokens once."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._lines: dict[Place, int] = {}
        self._elements: dict[Place, int] = {}  # how many [[tables]] an array has so far

    def read(self) -> dict[Place, int]:
        table: Place = ()
        while self._at < len(self._tokens):
            if self._takes("\n"):
                continue
            if self._takes("["):
                table = self._header(is_element=self._takes("["))
            else:
                self._assignment(table)
        return self._lines

    def _header(self, *, is_element: bool) -> Place:
        line = self._tokens[self._at].line
        place = self._key((), line)
        if is_element:
            number = self._elements.get(place, 0)
            self._elements[place] = number + 1
            place = (*place, number)
        elif place in self._elements:
            place = (*place, self._elements[place] - 1)
        self._note(place, line)
        while not self._takes("\n"):
            self._at += 1
        return place

    def _assignment(self, table: Place) -> None:
        place = self._key(table, self._tokens[self._at].line)
        self._at += 1  # the equals sign
        self._value(place)

    def _value(self, place: Place) -> None:
        if self._takes("["):
            number = 0
            while not self._takes("]"):
                if not (self._takes("\n") or self._takes(",")):
                    self._note((*place, number), self._tokens[self._at].line)
                    self._value((*place, number))
                    number += 1
        elif self._takes("{"):
            while not self._takes("}"):
                if not (self._takes("\n") or self._takes(",")):
                    self._assignment(place)
        else:
            while not (self._tokens[self._at].is_mark and self._tokens[self._at].text in ",]}\n"):
                self._at += 1

    def _key(self, table: Place, line: int) -> Place:
        """A dotted key; each part of it that holds elements means the last of them."""
        place = table
        while not (self._tokens[self._at].is_mark and self._tokens[self._at].text in "=]"):
            token = self._tokens[self._at]
            if not token.is_mark:
                if place in self._elements:
                    place = (*place, self._elements[place] - 1)
                place = (*place, _unquote(token.text))
                self._note(place, line)
            self._at += 1
        return place

    def _takes(self, mark: str) -> bool:
        token = self._tokens[self._at]
        if token.is_mark and token.text == mark:
            self._at += 1
            return True
        return False

    def _note(self, place: Place, line: int) -> None:
        self._lines.setdefault(place, line)


def _unquote(text: str) -> str:
    return str(tomllib.loads(f"key = {text}")["key"]) if text[0] in "\"'" else text
