"""The command as a whole: exit codes, and one line for an error."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import postane
from postane.accounts.base import AccountsUnavailable, LoginRefused
from postane.cli import commands, fetch_run
from postane.cli import main as module
from postane.cli.words import Exit, Failure
from postane.config.file import ConfigError
from postane.maildrop.base import DropInUse, StoreDamaged, StoreTooNew
from postane.pop3 import server as pop3_server


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["postane", *words])
    with pytest.raises(SystemExit) as end:
        module.main()
    return int(end.value.code or 0)


@pytest.mark.parametrize("words", [("frobnicate",), ("user", "frobnicate"), ("serve", "--frobnicate"), ("user", "add")])
def test_a_wrong_command_line_ends_with_64(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    assert run(monkeypatch, *words) == 64


def test_help_and_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--version") == 0
    kind = "pure Python" if str(pop3_server.__file__).endswith(".py") else "compiled"
    assert capsys.readouterr().out == f"postane {postane.__version__} ({kind})\n"
    for words in ((), ("serve",), ("demo",), ("user", "add"), ("drop", "put")):
        assert run(monkeypatch, *words, "--help") == 0
    assert "Example" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Failure("cannot", Exit.UNAVAILABLE), 69),
        (ConfigError("postane.toml:3: wrong"), 78),
        (StoreDamaged("damaged", "the log's words"), 65),
        (StoreTooNew("newer"), 65),
        (DropInUse("in use", None), 75),
        (AccountsUnavailable("away"), 75),
        (LoginRefused("no"), 65),
        (PermissionError(13, "Permission denied", "/nowhere"), 71),
    ],
)
def test_an_error_is_a_line_and_a_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(commands, "make_app", lambda _: fail)
    assert run(monkeypatch) == code
    told = capsys.readouterr()
    assert told.err.startswith("postane: ")
    assert told.err.count("\n") == 1
    assert told.out == ""


FETCH = """
[[account]]
name = "Gülşen"
url = "pop3://you@127.0.0.1:1"
password.env = "PW"
[[account.deliver]]
maildir = "m"
"""


@pytest.fixture
def fetching(tmp_path: Path) -> list[str]:
    """A fetch that there is something to tell of."""
    (tmp_path / "fetch.toml").write_text(FETCH, "utf-8")
    return [sys.executable, "-m", "postane", "fetch", "-c", f"{tmp_path}/fetch.toml"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("words", [("--json",), ("--dry-run", "--json"), ("state", "--json")])
def test_output_that_cannot_be_written_is_told(fetching: list[str], words: tuple[str, ...]) -> None:
    command = [*fetching, *words] if words[0] != "state" else [*fetching[:4], "state", "list", *fetching[4:], "--json"]
    for unbuffered in ("", "1"):
        there = environ(PW="x", PYTHONUNBUFFERED=unbuffered)
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=there)
        assert done.stderr == "postane: standard output cannot be written: No space left on device\n"
        assert done.returncode == Exit.IO_ERROR


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("utf-8", "Gülşen"), ("latin-1", "Gül\\u015fen"), ("ascii", "G\\xfcl\\u015fen")],
)
def test_letters_that_an_encoding_does_not_have_are_escapes(fetching: list[str], encoding: str, shown: str) -> None:
    there = environ(PYTHONIOENCODING=encoding, PW="x")
    done = subprocess.run(fetching, capture_output=True, check=False, env=there)
    assert done.stderr.decode(encoding).startswith(f"{shown}: cannot connect to ")
    done = subprocess.run([*fetching, "--json"], capture_output=True, check=False, env=there)
    assert json.loads(done.stdout)["accounts"][0]["account"] == "Gülşen"


def environ(**changes: str) -> dict[str, str]:
    return {**os.environ, **changes}


def test_ctrl_c_before_anything_has_begun_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch_run, "fetch_accounts", interrupt)
    assert run(monkeypatch, "fetch") == 130
    assert capsys.readouterr() == ("", "")


def test_help_is_wrapped_by_the_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    for words in (("config", "check"), ("serve",)):
        run(monkeypatch, *words, "--help")
        told = capsys.readouterr().out
        assert told.rindex("Example: postane") > told.index("Options")
        _, *lines = told.partition("Options")[0].split("Usage: ")[1].splitlines()
        texts = [line.strip() for line in lines]  # indented by two, and two columns stay free
        ends = [(one, two) for one, two in itertools.pairwise(texts) if one and two]
        assert all(len(one) + 1 + len(two.split()[0]) > 56 for one, two in ends), "the first word after would fit"
