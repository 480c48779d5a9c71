"""How every command prints."""

import json

import pytest

from postane.cli.words import moment, print_json, say, show


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (3, "3"),
        ("\x1b[31mred\n", r"\x1b[31mred\n"),
        ("\u202eevil", r"\u202eevil"),
    ],
)
def test_what_is_shown_cannot_move_the_cursor(value: object, shown: str) -> None:
    assert show(value) == shown


def test_json_keeps_its_letters(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"ad": "Gülşen"})
    out = capsys.readouterr().out
    assert "Gülşen" in out
    assert json.loads(out) == {"ad": "Gülşen"}


def test_a_line_goes_to_where_it_belongs_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    say("done")
    say("not done", err=True)
    assert capsys.readouterr() == ("done\n", "not done\n")


def test_a_moment_is_of_no_place() -> None:
    assert moment(86400.0) == "1970-01-02T00:00:00Z"
