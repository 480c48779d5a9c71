"""Fixtures of the commands' tests."""

from pathlib import Path

import pytest

from support.fetch_shell import FetchShell
from support.shell import Shell


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: "pytest.CaptureFixture[bytes]") -> Shell:
    """A post office with the account anna in it, who is info@postane.test too."""
    shell = Shell(tmp_path, monkeypatch, capsysbinary)
    shell.add_user("anna", "--alias", "info@postane.test")
    return shell


@pytest.fixture
def fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: "pytest.CaptureFixture[bytes]") -> FetchShell:
    """A home without any account."""
    return FetchShell(tmp_path, monkeypatch, capsysbinary)
