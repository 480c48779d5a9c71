"""What is told of the store and of secrets."""

import os
import shutil
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import pytest

from postane.accounts.schema import look, open_database
from postane.cli.doctor_storage import examine_secret, examine_storage
from postane.cli.findings import Finding, Severity
from postane.config.file import load_config
from postane.config.model import Config
from support.shell import Shell


def configure(shell: Shell, more: str = "") -> Config:
    shell.config.write_text(f'[storage]\npath = "{shell.storage}"\n{more}')
    return load_config(shell.config)


def examine(shell: Shell, more: str = "") -> list[Finding]:
    return [each for each in examine_storage(configure(shell, more)) if each.severity is not Severity.OK]


def test_nothing_is_wrong(shell: Shell) -> None:
    assert examine(shell) == []


def test_it_is_not_there_yet(shell: Shell) -> None:
    shutil.rmtree(shell.storage)
    (found,) = examine(shell)
    assert found.severity is Severity.WARNING
    assert not shell.storage.exists()


@pytest.mark.parametrize("name", [".", "accounts.sqlite", "device.key"])
def test_what_is_open_to_others(shell: Shell, name: str) -> None:
    if name == "device.key":
        (shell.storage / name).write_bytes(bytes(32))
    path = shell.storage / name
    path.chmod(0o750 if path.is_dir() else 0o640)
    found = [each for each in examine(shell) if "open to others" in each.words]
    assert [each.severity for each in found] == [Severity.ERROR]
    assert found[0].remedy == f"chmod {700 if path.is_dir() else 600} {path.resolve()}"


def test_a_group_may_read_some(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("")
    path.chmod(0o640)
    assert [each.severity for each in examine_secret(path, is_group_allowed=True)] == [Severity.OK]
    assert [each.severity for each in examine_secret(path)] == [Severity.ERROR]
    assert list(examine_secret(tmp_path / "missing")) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_whose_it_is(shell: Shell) -> None:
    (found,) = examine(shell, '[server]\nuser = "nobody"\n')
    assert found.words == f"{shell.storage} belongs to root, and workers run as nobody"
    os.chown(shell.storage, 12345, 12345)
    (found,) = examine(shell, '[server]\nuser = "nobody"\n')
    assert "belongs to user 12345" in found.words


def test_a_user_that_is_not_there(shell: Shell) -> None:
    (found,) = examine(shell, '[server]\nuser = "nobody-of-that-name"\n')
    assert found.severity is Severity.ERROR


def test_accounts_that_cannot_be_read(shell: Shell) -> None:
    (shell.storage / "accounts.sqlite").write_bytes(b"no database" * 1000)
    found = [each for each in examine(shell) if each.about == "accounts"]
    assert [each.severity for each in found] == [Severity.ERROR]


def test_accounts_of_an_older_version_stay_so(shell: Shell) -> None:
    with closing(open_database(shell.storage)) as database:
        database.execute("PRAGMA user_version = 3")
    (found,) = [each for each in examine_storage(configure(shell)) if each.about == "accounts"]
    assert found.severity is Severity.OK
    assert "of version 3, and the next start brings them up to" in found.words
    assert look(shell.storage) == 3


Usage = namedtuple("Usage", "total used free")
GB = 1024**3


@pytest.mark.parametrize(
    ("free", "severity"), [(50 * GB, None), (4 * GB, Severity.WARNING), (GB // 4, Severity.ERROR), (0, Severity.ERROR)]
)
def test_room(shell: Shell, monkeypatch: pytest.MonkeyPatch, free: int, severity: Severity | None) -> None:
    config = configure(shell)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 * GB, 0, free))
    found = [each.severity for each in examine_storage(config) if each.about == "disk"]
    assert found == [severity or Severity.OK]
