"""How commands print tables."""

import re

import pytest

from postane.cli.commands import make_app
from postane.cli.common import print_table
from support.terminal import ESCAPES


def test_a_table_is_aligned_and_has_no_trailing_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"a": "x", "n": 5}, {"a": "longer", "n": 1234}], {"a": "NAME", "n": "COUNT"}, empty="none")
    assert capsys.readouterr().out.splitlines() == ["NAME    COUNT", "x           5", "longer   1234"]


ROWS = [
    {
        "key": "u1",
        "seen": "2026-11-24T01:00:00Z",
        "reason": "the server said that it has no room for so long a message",
    },
    {"key": "u2", "seen": "2026-11-24T01:00:00Z", "reason": None},
]
COLUMNS = {"key": "key", "seen": "seen", "reason": "why"}


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (
            90,
            [
                "key  seen                  why",
                "u1   2026-11-24T01:00:00Z  the server said that it has no room for so long a message",
                "u2   2026-11-24T01:00:00Z  -",
            ],
        ),
        (
            40,
            [
                "key  seen",
                "u1   2026-11-24T01:00:00Z",
                "    the server said that it has no room",
                "    for so long a message",
                "u2   2026-11-24T01:00:00Z",
            ],
        ),
        (
            20,
            [
                "key",
                "u1",
                "    the server said",
                "    that it has no",
                "    room for so long",
                "    a message",
                "u2",
            ],
        ),
    ],
)
def test_on_a_narrow_terminal_what_is_long_stands_below(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int, lines: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    print_table(ROWS, COLUMNS, empty="none", long="reason", spare="seen")
    assert ESCAPES.sub("", capsys.readouterr().out).splitlines() == lines


def test_in_a_pipe_a_row_is_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    print_table(ROWS, COLUMNS, empty="none", long="reason", spare="seen")
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_an_empty_table_is_said_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([], {"a": "A"}, empty="nothing here")
    assert capsys.readouterr() == ("", "nothing here\n")


@pytest.mark.parametrize("columns", [40, 52, 200])
@pytest.mark.parametrize("words", [(), ("fetch",), ("fetch", "state"), ("user",), ("talk",)])
def test_help_has_room_on_any_terminal_and_is_not_cut_off(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int, words: tuple[str, ...]
) -> None:
    told = {}
    for each in (columns, 80):
        monkeypatch.setenv("COLUMNS", str(each))
        with pytest.raises(SystemExit):
            make_app(words)([*words, "-h"])
        told[each] = capsys.readouterr().out
    assert max(map(len, told[columns].splitlines())) <= min(columns, 80)
    as_long = {each: re.sub(r"-\n +", "-", told[each]).split() for each in told}
    assert as_long[columns] == as_long[80], "words are parted at hyphens alone"
    assert "..." not in told[80].replace("]...", "")


def test_help_says_what_is_typed_and_no_types_of_a_language(fetch):
    for words in ((), ("add",), ("check",), ("login",), ("state", "list"), ("state", "forget")):
        told = fetch(*words, "--help").out
        assert "<" not in told, told
        assert "Example: postane fetch" in told
        assert max(map(len, told.splitlines())) <= 80
