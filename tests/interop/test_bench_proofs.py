"""The programs that prove durability and flat memory, in small: what they see of a real server is right."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from postane.maildrop.sides import Step
from support import programs

pytestmark = pytest.mark.interop

BENCH = Path(__file__).parents[2] / "bench"


@pytest.mark.parametrize("program", ["profile", "scale", "soak", "syncs"])
def test_help_has_an_example(program: str) -> None:
    done = subprocess.run([sys.executable, BENCH / program, "--help"], capture_output=True, text=True, check=True)
    assert "Example: python bench/" in done.stdout
    assert "--json" in done.stdout


@pytest.mark.parametrize(("program", "word"), [("profile", "nothing"), ("scale", "nothing")])
def test_what_is_not_known_is_told_with_what_is(program: str, word: str) -> None:
    done = subprocess.run([sys.executable, BENCH / program, word], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"no such {'part' if program == 'scale' else 'scenario'}: {word}; there are " in done.stderr


def test_every_step_of_the_store_is_told_in_the_docs() -> None:
    page = (BENCH.parent / "docs" / "durability.md").read_text()
    assert [step for step in Step if f"`{step.value}`" not in page] == []


def synced(tmp_path: Path, only: str) -> dict[str, dict[str, object]]:
    """What the program saw of the cases with that word."""
    programs.require("strace")
    figures = tmp_path / "figures.json"
    command = [sys.executable, BENCH / "syncs", "--quick", "--only", only, "--dir", tmp_path, "--json", figures]
    done = programs.run(command, expect=None)
    if b"cannot look into" in done.stderr:
        programs.missing("the right to look into a process is needed")
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return {row["what"]: row for row in json.loads(figures.read_text())}


def test_many_at_once_are_answered_each_after_its_own_message_is_synced(tmp_path: Path) -> None:
    ((_, row),) = synced(tmp_path, "16 LMTP").items()
    assert row["too_early"] == []
    assert 1 <= row["syncs_before"] <= 16


def test_what_is_synced_before_it_is_acknowledged(tmp_path: Path) -> None:
    rows = synced(tmp_path, "1 MiB")
    assert len(rows) == 3
    assert all(row["syncs_before"] >= 1 and row["too_early"] == [] for row in rows.values())
    assert rows["QUIT that deletes 10 messages of 1 MiB"]["unlinked"] >= 10


def test_a_benchmark_in_small(tmp_path: Path) -> None:
    programs.require("cc")
    command = [sys.executable, BENCH / "run.py", "--quick", "--only", "dele", "lmtp16", "--peers", "postane", "floor"]
    done = programs.run(
        [*command, "--dir", tmp_path, "--out", tmp_path / "out", "--json", tmp_path / "json"], expect=None
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    runs = {
        (run["scenario"], run["peer"]): run["rounds"] for run in json.loads((tmp_path / "json").read_text())["runs"]
    }
    assert len(runs) == 4
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "results.json",
        "table.md",
        "dele.svg",
        "lmtp16.svg",
    }
    assert [run["latencies"]["dele"]["n"] for run in runs["dele", "postane"]] == [4]
    assert all(run["error"] == "" and run["cpu"] > 0 for rounds in runs.values() for run in rounds)


def test_a_short_soak_loses_nothing(tmp_path: Path) -> None:
    command = [sys.executable, BENCH / "soak", "--seconds", "1.5", "--clients", "12", "--drops", "6", "--dir", tmp_path]
    done = programs.run(command, expect=None)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert b"nothing lost, nothing doubled" in done.stdout
