"""How commands print tables."""

import pytest

from postane.cli.common import print_table


def test_a_table_is_aligned_and_has_no_trailing_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"a": "x", "n": 5}, {"a": "longer", "n": 1234}], {"a": "NAME", "n": "COUNT"}, empty="none")
    assert capsys.readouterr().out.splitlines() == ["NAME    COUNT", "x           5", "longer   1234"]


def test_an_empty_table_is_said_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([], {"a": "A"}, empty="nothing here")
    assert capsys.readouterr() == ("", "nothing here\n")


def test_help_says_what_is_typed_and_no_types_of_a_language(fetch):
    for words in ((), ("add",), ("check",), ("login",), ("state", "list"), ("state", "forget")):
        told = fetch(*words, "--help").out
        assert "<" not in told, told
        assert "Example: postane fetch" in told
        assert max(map(len, told.splitlines())) <= 80
