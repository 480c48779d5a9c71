"""The commands of `postane fetch`: only those are imported that are wanted."""

import typer.main

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
