"""What `postane fetch` is asked for: usual words are read without the library that reads any."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from postane.cli import fetch
from postane.cli.fetch_run import FLAGS, Asked, Window, read_plainly
from postane.config.fetching import COMMANDS
from postane.fetch.progress import Progress

CONFIG = Path("fetch.toml")


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ((), Asked()),
        (("work",), Asked(("work",))),
        (("-c", "fetch.toml", "work", "home"), Asked(("work", "home"), config=CONFIG)),
        (("work", "--config", "fetch.toml", "-q"), Asked(("work",), quiet=True, config=CONFIG)),
        (("--watch", "--quiet", "--json"), Asked(watch=True, quiet=True, json=True)),
        (("--dry-run", "--dry-run"), Asked(dry_run=True)),
        (("-c", "a", "-c", "b"), Asked(config=Path("b"))),
    ],
)
def test_usual_words_are_read_as_the_library_reads_them(
    words: tuple[str, ...], asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Asked] = []
    monkeypatch.setattr(fetch, "fetch_accounts", lambda asked: heard.append(asked) or 0)
    app = typer.Typer()
    app.command()(fetch.fetch)
    assert CliRunner().invoke(app, list(words)).exit_code == 0
    assert read_plainly(words) == asked
    assert heard == [asked]


@pytest.mark.parametrize(
    "words",
    [("--help",), ("-qc", "fetch.toml"), ("--config=fetch.toml",), ("--", "-x"), ("-c",), ("-c", "-x"), ("-c", "")],
)
def test_others_are_left_to_the_library(words: tuple[str, ...]) -> None:
    assert read_plainly(words) is None


def test_other_commands_are_left_alone() -> None:
    for command in COMMANDS:
        assert read_plainly((command, "work")) is None


def test_every_flag_is_one_of_the_command() -> None:
    app = typer.Typer(add_completion=False)
    app.command()(fetch.fetch)
    known = {each for option in typer.main.get_command(app).params for each in option.opts}
    assert set(FLAGS) | {"-c", "--config"} == {each for each in known if each.startswith("-")}


def test_a_usual_fetch_does_without_the_library(tmp_path: Path) -> None:
    (tmp_path / "fetch.toml").write_text("")
    program = "import sys; from postane.cli.main import main\ntry:\n main()\nfinally:\n print('typer' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program, "fetch", "-c", "fetch.toml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == "False\n"
    assert "there is no account to fetch" in run.stderr
    assert run.returncode == 78


async def test_nothing_is_drawn_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    window = Window(lambda prompt: f"asked: {prompt}", is_quiet=False)
    with window.showing([Progress("work", lambda: 0.0)]):
        assert window.ask("who? ") == "asked: who? "
    assert capsys.readouterr() == ("", "")


async def test_who_waits_for_others_is_told_of_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postane.cli.fetch_run.LOOK", 0.001)
    progress = Progress("work", lambda: 0.0)
    progress.wait("the mbox /m is locked\x1b")
    for is_quiet in (True, False):
        with Window(lambda _: None, is_quiet=is_quiet).showing([progress]):
            await asyncio.sleep(0.05)
    assert capsys.readouterr().err == "work: the mbox /m is locked\\x1b\n"
