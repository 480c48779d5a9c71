"""What every command shares."""

import json

import pytest

from postane.cli.common import print_json, print_table, show


def test_a_table_is_aligned_and_has_no_trailing_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"a": "x", "n": 5}, {"a": "longer", "n": 1234}], {"a": "NAME", "n": "COUNT"}, empty="none")
    assert capsys.readouterr().out.splitlines() == ["NAME    COUNT", "x           5", "longer   1234"]


def test_an_empty_table_is_said_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([], {"a": "A"}, empty="nothing here")
    assert capsys.readouterr() == ("", "nothing here\n")


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
