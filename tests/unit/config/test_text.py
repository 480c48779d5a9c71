"""From a text to a model."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import Field

from postane.config.problems import ConfigError
from postane.config.section import Section
from postane.config.text import check_values, parse_text, read_text


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
        ('name = "x\n', "1: "),
        ("name = " + "[" * 5000, "cannot be read"),
        ("name = " + "9" * 5000, "cannot be read"),
    ],
)
def test_what_is_no_toml_is_told(text, complaint):
    with pytest.raises(ConfigError, match=f"house.toml:? ?{complaint}"):
        parse_text(text, "house.toml", House)


def test_what_is_right_is_read():
    house = parse_text('name = "x"\n[[door]]\ncode = 7\n[rooms.bath]\npaint = ["a", "b"]\n', "house.toml", House)
    assert (house.door[0].code, house.rooms["bath"].paint) == (7, ("a", "b"))


@pytest.mark.parametrize(
    ("octets", "complaint"), [(None, "cannot be read: No such file"), (b"\xff", "is not UTF-8 text")]
)
def test_a_file_that_cannot_be_read(tmp_path, octets, complaint):
    path: Path = tmp_path / "house.toml"
    if octets is not None:
        path.write_bytes(octets)
    with pytest.raises(ConfigError, match=complaint):
        read_text(path)
    assert check_values({"name": "x"}, "the house", House).name == "x"


def test_what_explains_is_not_imported_for_what_is_right():
    program = "import sys, postane.config.text; print('postane.config.explanation' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told == "False\n"
