"""`postane user alias`."""

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
    config.write_text(f'[storage]\npath = "{tmp_path}"\n[smtp]\ndomains = ["example.org"]\n')
    registry = Registry(Place(tmp_path))
    registry.add("anna", password="secret")
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


def test_addresses_come_and_go(postane: Run) -> None:
    assert postane("alias", "add", "anna", "Info@Example.org")[0] == 0
    code, out, _ = postane("alias", "list", "anna", "--json")
    assert (code, json.loads(out)) == (0, ["info@example.org"])
    assert "info@example.org" in postane("alias", "list", "anna")[1]
    assert postane("alias", "remove", "anna", "info@example.org")[0] == 0
    assert json.loads(postane("alias", "list", "anna", "--json")[1]) == []


def test_mistakes_are_named(postane: Run) -> None:
    assert postane("alias", "add", "nobody", "info@example.org")[0] == 67
    assert postane("alias", "remove", "anna", "info@example.org")[0] == 67
    assert postane("alias", "add", "anna", "in fo@example.org")[0] == 65
    assert postane("alias", "add", "anna", "anna")[0] == 73


def test_whose_mail_is_taken_away_is_said(postane: Run) -> None:
    told = postane("add", "anna@example.org", "--generate")[2]
    assert 'mail to anna@example.org does not go to "anna" any more' in told
    assert "does not go" not in postane("add", "ben@example.org", "--generate")[2]
    assert "does not go" not in postane("add", "anna@elsewhere.example", "--generate")[2]
