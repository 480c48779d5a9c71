"""What is told of tables of [[accounts]]: their files, and whether whoever they name answers."""

import os
import socket
from pathlib import Path

import pytest

from postane.accounts.memory import MemoryAccounts
from postane.cli.doctor_accounts import examine_accounts
from postane.cli.findings import Finding, Severity
from postane.config.file import load_config
from support.shell import Shell

SOUND = "anna:{PLAIN}correct horse\n"


def examine(shell: Shell, tables: str, *, is_offline: bool = False, more: str = "") -> list[Finding]:
    shell.config.write_text(f'[storage]\npath = "{shell.storage}"\n{more}{tables}')
    return list(examine_accounts(load_config(shell.config), is_offline=is_offline))


def table(kind: str, **keys: str) -> str:
    return f'[[accounts]]\nkind = "{kind}"\n' + "".join(f'{key} = "{value}"\n' for key, value in keys.items())


def passwords(folder: Path, text: str = SOUND, mode: int = 0o600) -> Path:
    path = folder / "passwd"
    path.write_text(text)
    path.chmod(mode)
    return path


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def test_local_accounts_are_looked_at_elsewhere(shell: Shell) -> None:
    assert examine(shell, table("local")) == []


@pytest.mark.parametrize(("mode", "severity"), [(0o600, "ok"), (0o640, "ok"), (0o644, "error"), (0o660, "error")])
def test_a_group_may_read_a_passwd_file(shell: Shell, tmp_path: Path, mode: int, severity: str) -> None:
    path = passwords(tmp_path, mode=mode)
    about_mode, about_lines = examine(shell, table("passwd-file", path=str(path)))
    assert (about_mode.about, about_mode.severity) == ("secrets", severity)
    assert about_mode.remedy == ("" if severity == "ok" else f"chmod 640 {path}")
    assert about_lines.severity is Severity.OK


def test_broken_lines_are_told_of_with_their_numbers(shell: Shell, tmp_path: Path) -> None:
    path = passwords(tmp_path, SOUND + "\nno colon here\nbert:{ROT13}secret\n")
    _, *found = examine(shell, table("passwd-file", path=str(path)))
    assert [each.severity for each in found] == [Severity.WARNING] * 2
    assert [each.words.startswith(f"{path}:{number}: ") for each, number in zip(found, (3, 4), strict=True)] == [
        True
    ] * 2
    assert not any("secret" in each.words for each in found)


def test_of_many_broken_lines_there_are_few_words(shell: Shell, tmp_path: Path) -> None:
    path = passwords(tmp_path, "no colon here\n" * 50)
    _, *found = examine(shell, table("passwd-file", path=str(path)))
    assert len(found) == 21
    assert found[-1].words == f"{path}: 30 lines more"


def test_a_passwd_file_that_is_gone(shell: Shell, tmp_path: Path) -> None:
    (found,) = examine(shell, table("passwd-file", path=f"{tmp_path}/none"))
    assert (found.severity, found.words) == (Severity.ERROR, f"{tmp_path}/none: No such file or directory")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_what_workers_cannot_read(shell: Shell, tmp_path: Path) -> None:
    path = passwords(tmp_path)
    found = examine(shell, table("passwd-file", path=str(path)), more='[server]\nuser = "nobody"\n')
    errors = [each for each in found if each.severity is Severity.ERROR]
    assert [each.words for each in errors] == [f"{path} cannot be read by nobody, as which workers run"]
    assert errors[0].remedy.startswith("chgrp ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_what_workers_can_read() -> None:
    from postane.cli.doctor_accounts import _may_read

    assert _may_read(Path("/etc/passwd"), "nobody")
    assert not _may_read(Path("/etc/shadow"), "nobody")


def test_a_database_that_does_not_answer(shell: Shell) -> None:
    url = f"postgresql://x@127.0.0.1:{closed_port()}/x"
    tables = table("postgresql", url=url, password_query="SELECT password FROM u WHERE name = :user")
    (found,) = examine(shell, tables)
    assert found.severity is Severity.ERROR
    assert found.words.startswith("[[accounts]] postgresql: the database cannot be reached")
    assert examine(shell, tables, is_offline=True) == []


def test_a_directory_that_does_not_answer(shell: Shell) -> None:
    (found,) = examine(shell, table("ldap", url=f"ldaps://127.0.0.1:{closed_port()}", base="dc=x"))
    assert found.severity is Severity.ERROR
    assert found.words.startswith("[[accounts]] ldap: ")


@pytest.mark.parametrize("way", ["jwks", "introspection"])
def test_an_authorization_server_that_does_not_answer(shell: Shell, way: str) -> None:
    address = f"http://127.0.0.1:{closed_port()}/x"
    (found,) = examine(shell, table("oauth", issuer="https://as.test", audience="post", **{way: address}))
    assert found.severity is Severity.ERROR
    assert found.words.startswith("[[accounts]] oauth: ")


def test_whoever_answers_is_well(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postane.app.open_accounts", lambda config: MemoryAccounts())
    (found,) = examine(shell, table("ldap", url="ldaps://ldap.test", base="dc=x"))
    assert (found.severity, found.words) == (Severity.OK, "[[accounts]] ldap answers")
    (found,) = examine(shell, table("oauth", issuer="https://as.test", audience="post", jwks="https://as.test/keys"))
    assert (found.severity, found.words) == (Severity.OK, "[[accounts]] oauth answers")
