"""`postane user share`, and what `postane user show` and `remove` make of it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from postane.accounts.records import Place
from postane.accounts.registry import Registry
from postane.cli.main import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def postane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    config = tmp_path / "postane.toml"
    config.write_text(f'[storage]\npath = "{tmp_path}"\n')
    registry = Registry(Place(tmp_path))
    for name in ("anna", "ben", "cem@example.org"):
        registry.add(name)
    registry.close()

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["postane", "user", *words, "-c", str(config)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return run


def shares(postane: Run, name: str) -> tuple[list[str], list[str]]:
    """Who reads its mail, and whose mail it reads."""
    told = json.loads(postane("show", name, "--json")[1])
    return told["read_by"], told["may_read"]


def test_leave_is_given_and_ended(postane: Run) -> None:
    code, out, err = postane("share", "anna", "--with", "Ben")
    assert (code, out) == (0, "")
    assert "FOLD anna" in err
    assert postane("share", "anna", "--with", "cem@example.org")[0] == 0
    assert shares(postane, "anna") == (["ben", "cem@example.org"], [])
    assert shares(postane, "ben") == ([], ["anna"])
    assert postane("share", "ANNA", "--with", "ben", "--stop")[0] == 0
    assert shares(postane, "anna") == (["cem@example.org"], [])
    assert shares(postane, "ben") == ([], [])


def test_what_holds_now_is_told_to_programs(postane: Run) -> None:
    code, out, err = postane("share", "Anna", "--with", "ben", "--json")
    assert (code, json.loads(out), err) == (0, {"name": "anna", "read_by": ["ben"], "may_read": []}, "")
    out = postane("share", "anna", "--with", "ben", "--stop", "--json")[1]
    assert json.loads(out) == {"name": "anna", "read_by": [], "may_read": []}


def test_giving_it_twice_changes_nothing(postane: Run) -> None:
    for _ in range(2):
        assert postane("share", "anna", "--with", "ben")[0] == 0
    assert shares(postane, "anna") == (["ben"], [])


def test_a_person_is_shown_both_directions(postane: Run) -> None:
    postane("share", "anna", "--with", "ben")
    postane("share", "ben", "--with", "cem@example.org")
    lines = [line.split() for line in postane("show", "ben")[1].splitlines()]
    assert ["may", "read", "anna"] in lines
    assert ["read", "by", "cem@example.org"] in lines


def test_the_list_tells_programs_too(postane: Run) -> None:
    postane("share", "anna", "--with", "ben")
    told = {each["name"]: (each["read_by"], each["may_read"]) for each in json.loads(postane("list", "--json")[1])}
    assert told == {"anna": (["ben"], []), "ben": ([], ["anna"]), "cem@example.org": ([], [])}


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("nobody", "--with", "ben"), 67, "there is no account"),
        (("anna", "--with", "benn"), 67, "did you mean"),
        (("anna", "--with", "ben", "--stop"), 67, "has no leave to read"),
        (("anna", "--with", "Anna"), 65, "its own maildrop anyway"),
    ],
)
def test_mistakes_are_named(postane: Run, words: tuple[str, ...], code: int, why: str) -> None:
    done, out, err = postane("share", *words)
    assert (done, out) == (code, "")
    assert why in err


def test_with_whom_must_be_said(postane: Run) -> None:
    assert postane("share", "anna")[0] == 64


def test_leave_goes_with_the_account(postane: Run) -> None:
    postane("share", "anna", "--with", "ben")
    assert postane("remove", "ben", "--yes")[0] == 0
    assert shares(postane, "anna") == ([], [])
