"""What is wrong with values is told in the words of the file, and never with a secret."""

import pytest
from pydantic import Field

from postane.config.explanation import refusal_at
from postane.config.problems import ConfigError
from postane.config.section import Section
from postane.config.text import check_values, parse_text


class Door(Section):
    """A table of one kind."""

    width: int = Field(1, ge=1)
    code: int | None = Field(None, repr=False)
    paint: str | tuple[str, ...] = "white"


class House(Section):
    """The whole of it."""

    name: str = Field(examples=["home"])
    door: tuple[Door, ...] = ()
    rooms: dict[str, Door] = Field({})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", '1: name: is missing; write for example name = "home"'),
        ('name = "x"\nnam = "y"\n', '2: nam: unknown key; did you mean "name"?'),
        ('name = "x"\nq = 1\n', "2: q: unknown key; known here: door, name, rooms"),
        ("name = 1\n", '1: name: 1 does not fit; write a text in quotes: "..."'),
        ('name = "x"\n[[door]]\nwidth = 0\n', "3: door.width: 0 does not fit; write a number of at least 1"),
        ('name = "x"\n[[door]]\ncode = "hidden"\n', "3: door.code: this does not fit; "),
        (
            'name = "x"\n[[door]]\npaint = 1\n',
            '3: door.paint: 1 does not fit; write a text in quotes: "...", or write a',
        ),
        ('name = "x"\n[[door]]\n[[door]]\nwide = 1\n', '4: door.wide: unknown key; did you mean "width"?'),
        ('name = "x"\n[door]\ncode = 1\n', "2: door: a table does not fit; write a list"),
        ('name = "x"\nrooms = ["hidden"]\n', "2: rooms: a list does not fit; write sections: [rooms.NAME]"),
        ('name = "x"\n[rooms.bath]\nwide = 1\n', '3: rooms.bath.wide: unknown key; did you mean "width"?'),
        ('name = "x"\n[rooms.bath]\ncode = "hidden"\n', "3: rooms.bath.code: this does not fit; "),
    ],
)
def test_what_is_wrong_is_told(text, complaint):
    with pytest.raises(ConfigError) as raised:
        parse_text(text, "house.toml", House)
    assert complaint in str(raised.value)
    assert "hidden" not in str(raised.value)


def test_all_that_is_wrong_is_told_at_once_for_people_and_for_programs():
    with pytest.raises(ConfigError) as raised:
        parse_text("x = 1\ny = 2\n", "house.toml", House)
    assert [(each.line, each.key) for each in raised.value.problems] == [(1, "name"), (1, "x"), (2, "y")]
    assert str(raised.value).count("\n") == 2


def test_places_are_told_in_the_order_of_the_text():
    error = refusal_at("f", "a = 1\nb = 2\n", [(("b",), "second"), (("a",), "first"), ((), "all")])
    assert str(error).split("\n") == ["f:1: a: first", "f:1: the file: all", "f:2: b: second"]


def test_values_that_stand_in_no_file_have_no_line():
    with pytest.raises(ConfigError) as raised:
        check_values({"name": "x", "door": [{"wide": 1}]}, "the house", House)
    assert str(raised.value) == 'the house: door.wide: unknown key; did you mean "width"?'
    assert check_values({"name": "x"}, "the house", House).name == "x"
