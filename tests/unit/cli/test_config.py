"""`postane config check`: what a server would say, before it does."""

import json
from pathlib import Path

import pytest

from support.certificates import Authority, Wish
from support.shell import Shell


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: "pytest.CaptureFixture[bytes]") -> Shell:
    """A configuration, and nothing beside it: no post office is opened."""
    return Shell(tmp_path, monkeypatch, capsysbinary)


def test_a_good_file_is_said_to_be_one(shell: Shell) -> None:
    before = sorted(shell.storage.rglob("*"))
    done = shell("config check")
    assert (done.code, done.out) == (0, f"{shell.config}: ok\n")
    assert sorted(shell.storage.rglob("*")) == before, "nothing is made"


def test_what_may_not_have_been_meant_is_said_on_standard_error(shell: Shell) -> None:
    shell.config.write_text('[limits]\nidle = "1m"\n')
    done = shell("config check")
    assert done.code == 0
    assert "warning: limits.idle is below 10m" in done.err
    assert done.out == f"{shell.config}: ok\n"


def test_each_problem_is_a_line_and_the_exit_code_tells(shell: Shell) -> None:
    shell.config.write_text('[limits]\nidle = "x"\nfoo = 1\n')
    done = shell("config check")
    assert (done.code, done.out) == (78, "")
    assert [line.split(": ")[:3] for line in done.err.splitlines()] == [
        ["postane", f"{shell.config}:2", "limits.idle"],
        ["postane", f"{shell.config}:3", "limits.foo"],
    ]


def test_a_file_that_is_named_and_missing_is_a_problem(shell: Shell) -> None:
    shell.config.write_text('[[accounts]]\nkind = "passwd-file"\npath = "/nowhere/passwd"\n')
    done = shell("config check")
    assert done.code == 78
    assert f"{shell.config}:3: accounts.path: there is no file /nowhere/passwd" in done.err


def test_a_configuration_that_is_not_there(shell: Shell) -> None:
    shell.config.unlink()
    done = shell("config check")
    assert (done.code, done.err) == (78, f"postane: {shell.config}: cannot be read: No such file or directory\n")


def test_json_for_programs(shell: Shell) -> None:
    shell.config.write_text('[web]\nlisten = ["127.0.0.1:8110"]\n[server]\nuser = "nobody"\n')
    done = shell("config check --json")
    report = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert report["file"] == str(shell.config)
    assert (report["ok"], report["problems"]) == (True, [])
    assert any("[web]" in words for words in report["advice"])


def test_json_of_problems(shell: Shell) -> None:
    shell.config.write_text('\n[limits]\nidle = "x"\n')
    done = shell("config check --json")
    report = json.loads(done.out)
    assert (done.code, done.err, report["ok"]) == (78, "", False)
    (problem,) = report["problems"]
    assert (problem["file"], problem["line"], problem["key"]) == (str(shell.config), 3, "limits.idle")
    assert "is not a duration" in problem["words"]


def test_json_of_a_file_that_is_no_toml(shell: Shell) -> None:
    shell.config.write_text("\n[limits\n")
    (problem,) = json.loads(shell("config check --json").out)["problems"]
    assert (problem["line"], problem["key"]) == (2, None)


def test_a_certificate_that_does_not_load_is_a_problem(shell: Shell, tmp_path: Path) -> None:
    pem = tmp_path / "empty.pem"
    pem.touch()
    shell.config.write_text(f'[storage]\npath = "{shell.storage}"\n[tls]\ncertificate = "{pem}"\nkey = "{pem}"\n')
    done = shell("config check")
    assert (done.code, done.out) == (78, "")
    assert f"{shell.config}:4: tls.certificate: {pem} holds no certificate in PEM" in done.err
    (problem,) = json.loads(shell("config check --json").out)["problems"]
    assert (problem["line"], problem["key"]) == (4, "tls.certificate")


def test_accounts_that_cannot_be_opened_are_a_problem(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.config.write_text('[[accounts]]\nkind = "pam"\n')
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    done = shell("config check")
    assert done.code == 78
    assert "[[accounts]]" in done.err
    assert not shell.storage.exists()


@pytest.mark.parametrize(("number", "code"), [(0, 78), (1000, 0)])
def test_a_user_that_is_not_there(shell: Shell, monkeypatch: pytest.MonkeyPatch, number: int, code: int) -> None:
    monkeypatch.setattr("os.geteuid", lambda: number)
    shell.config.write_text('[server]\nuser = "nobody-of-that-name"\n')
    done = shell("config check")
    assert done.code == code
    assert 'this machine has no user "nobody-of-that-name"' in done.err


def test_broken_lines_of_a_passwd_file_are_warned_of(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "passwd"
    path.write_text("anna:{PLAIN}correct horse\nbert:{ROT13}secret\n" + "no colon\n" * 30)
    shell.config.write_text(f'[[accounts]]\nkind = "passwd-file"\npath = "{path}"\n')
    done = shell("config check")
    assert done.code == 0
    assert f"warning: {path}:2: " in done.err
    assert "secret" not in done.err
    assert f"warning: {path}: so are 11 lines more" in done.err


def test_a_certificate_that_clients_refuse_is_warned_of(shell: Shell, tmp_path: Path) -> None:
    own = Authority(tmp_path).issue("own", Wish(dns=["postane.test"], ends=-0.5))
    own.key.chmod(0o644)
    shell.config.write_text(
        f'[storage]\npath = "{shell.storage}"\n[tls]\ncertificate = "{own.chain}"\nkey = "{own.key}"\n'
    )
    done = shell("config check")
    assert done.code == 0
    assert f"warning: tls: {own.chain} expired on " in done.err
    assert f"warning: tls: {own.key} is open to others (mode 0644): chmod 600 {own.key}" in done.err
