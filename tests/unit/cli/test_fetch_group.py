"""The commands of `postane fetch`: only those are imported that are wanted."""

import subprocess
import sys

import pytest
import typer.main

from postane.cli.fetch import SUMMARIES
from postane.cli.fetch_group import COMMANDS, make_group


def names(*arguments: str) -> set[str]:
    return set(typer.main.get_group(make_group(arguments)).commands)


def test_all_of_them_where_nobody_says_which():
    assert names() == {"run", *COMMANDS}


def test_only_the_one_that_is_wanted():
    assert names("state", "list") == {"run", "state"}
    assert names("work") == names("-c", "fetch.toml") == names("--help") == {"run"}


def test_what_is_no_command_is_an_account(fetch):
    fetch.errand.add("work", url="pop3://you:x@127.0.0.1:1")
    assert "no account stat " in fetch("stat").err
    assert fetch("work").code == 69


def test_each_is_called_by_its_name(fetch):
    for words in (["add"], ["login"], ["check"], ["state", "list"]):
        assert f"postane fetch {' '.join(words)} [OPTIONS]" in " ".join(fetch(*words, "--help").out.split())


def test_the_help_tells_of_each(fetch):
    assert set(SUMMARIES) == set(COMMANDS)
    _, commands = fetch("--help").out.split("Commands:\n")
    for name, summary in SUMMARIES.items():
        assert f"  {name:<6} {summary}\n" in commands


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("postane fetch ", [*SUMMARIES, "work", "home"]),
        ("postane fetch st", ["state"]),
        ("postane fetch w", ["work"]),
        ("postane fetch work ", ["home"]),
        ("postane fetch check w", ["work"]),
        ("postane fetch login h", ["home"]),
        ("postane fetch state forget w", ["work"]),
        ("postane fetch state list h", ["home"]),
        ("postane fetch -c nowhere.toml w", []),
        ("postane fetch --dry", ["--dry-run"]),
    ],
)
def test_tab_offers_commands_and_accounts(fetch, line, offered):
    for name in ("work", "home"):
        fetch.errand.add(name, url="pop3://you:x@127.0.0.1:1")
    told = subprocess.run(
        [sys.executable, "-c", "import sys; from postane.cli.main import main; sys.argv = ['postane']; main()"],
        cwd=fetch.home,
        env={
            "HOME": str(fetch.home),
            "_POSTANE_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(line.count(" ")),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == offered
