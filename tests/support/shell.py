"""The `postane` command run inside the test's own process: words in; exit code, standard output and error out."""

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from postane.cli.main import main


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        """Standard output as text."""
        return self.raw.decode()


class Shell:
    """A folder with a configuration in it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: "pytest.CaptureFixture[bytes]") -> None:
        self.storage = folder / "storage"
        self.config = folder / "postane.toml"
        self.config.write_text(f'hostname = "postane.test"\n[storage]\npath = "{self.storage}"\n')
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, words: str, *more: str, given: bytes = b"") -> Outcome:
        """Run one command; `given` is its standard input."""
        self._monkeypatch.setattr(sys, "argv", ["postane", *words.split(), *more, "-c", str(self.config)])
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given), encoding="utf-8"))
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        sys.stdout.flush()
        told = self._capsys.readouterr()
        return Outcome(code, told.out, told.err.decode())

    def add_user(self, name: str, *more: str) -> None:
        """An account."""
        assert self(f"user add {name} --password-stdin", *more, given=b"correct horse\n").code == 0

    def folder_of(self, drop: str) -> Path:
        """Where a drop is."""
        (folder,) = self.storage.glob(f"drops/*/{drop}")
        return folder
