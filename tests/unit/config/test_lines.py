"""The line of each key, whatever TOML allows around it."""

import tomllib
from collections.abc import Iterator

import pytest

from postane.config.lines import Place, line_of, lines_of

TEXT = """\
top = 1 # [not.a.table]
"quoted \\u0061" = { inner = 1, more = [1, { deep = 2 }] }
[section.sub]  # words
key.dotted = "a # no comment"
[[many]]
first = 1979-05-27 07:32:00
[many.inside]
x = 1.5
[[many]]
query = \"\"\"
SELECT = 1
[[many]]
\\"\"\" quoted"\"\"\"
after = '''
[top]
''''
list = [ # a comment, with ] and [
  "one",
  [2,
   3],
]
[[many.parts]]
p = 1
[[many.parts]]
p = 2
"""

WANTED: dict[Place, int] = {
    ("top",): 1,
    ("quoted a",): 2,
    ("quoted a", "inner"): 2,
    ("quoted a", "more", 1, "deep"): 2,
    ("section",): 3,
    ("section", "sub"): 3,
    ("section", "sub", "key", "dotted"): 4,
    ("many", 0): 5,
    ("many", 0, "first"): 6,
    ("many", 0, "inside"): 7,
    ("many", 0, "inside", "x"): 8,
    ("many", 1): 9,
    ("many", 1, "query"): 10,
    ("many", 1, "after"): 14,
    ("many", 1, "list"): 17,
    ("many", 1, "list", 0): 18,
    ("many", 1, "list", 1, 0): 19,
    ("many", 1, "list", 1, 1): 20,
    ("many", 1, "parts", 0, "p"): 23,
    ("many", 1, "parts", 1): 24,
    ("many", 1, "parts", 1, "p"): 25,
}


@pytest.mark.parametrize("place", WANTED, ids=str)
def test_each_place_has_its_line(place: Place) -> None:
    assert lines_of(TEXT)[place] == WANTED[place]


def places(place: Place, value: object) -> Iterator[Place]:
    if place:
        yield place
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, each in inner:
        yield from places((*place, part), each)


@pytest.mark.parametrize(
    "text", [TEXT, "", "\n", "a = 1", "a = []\nb = {}\n", "[a]\r\nb = 'x'\r\n", "a.b = 1\na.c = 2"]
)
def test_every_value_that_the_parser_finds_is_found(text: str) -> None:
    assert set(places((), tomllib.loads(text))) == set(lines_of(text))


def test_what_is_not_there_is_told_by_what_it_is_in() -> None:
    lines = lines_of(TEXT)
    assert line_of(lines, ("many", 1, "missing")) == 9
    assert line_of(lines, ("section", "sub", "key", "other")) == 4
    assert line_of(lines, ("nothing", "here")) == 1
    assert line_of(lines, ()) == 1
