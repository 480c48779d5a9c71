"""`postane fetch` inside the test's own process: words in; exit code, standard output and error out."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from postane.cli.main import main
from support.errand import Errand
from support.shell import Outcome


class FetchShell:
    """A home with a fetch.toml in it, which `errand` writes."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: "pytest.CaptureFixture[bytes]") -> None:
        self.home = folder
        self.errand = Errand(folder)
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.setenv("HOME", str(folder))
        monkeypatch.delenv("NETRC", raising=False)
        monkeypatch.chdir(folder)

    def __call__(self, *words: str, given: str = "") -> Outcome:
        """Run one command with this fetch.toml."""
        self._monkeypatch.setattr(sys, "argv", ["postane", *self.errand.command(*words)[3:]])
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode()), encoding="utf-8"))
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        sys.stdout.flush()
        told = self._capsys.readouterr()
        return Outcome(code, told.out, told.err.decode())

    def json(self, *words: str, code: int = 0) -> Any:
        """Run one command, and what it tells programs."""
        outcome = self(*words, "--json")
        assert outcome.code == code, outcome
        return json.loads(outcome.raw)
