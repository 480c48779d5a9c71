"""What the reference says that JSON has is what is printed."""

import json
import signal
import subprocess

import pytest

from postane.cli import fetch_fields
from postane.journal.base import Step
from postane.testing.hostile import hostile_server
from support.aside import aside


@pytest.fixture
def server():
    with aside(hostile_server([b"Subject: one\r\n\r\n1\r\n", b"Subject: two\r\n\r\n2\r\n"])) as server:
        yield server


@pytest.fixture
def account(fetch, server):
    """An account that has mail."""
    fetch.errand.add("work", url=server.url, password="tanstaaf", every="1h")


def test_a_run(fetch, account):
    told = fetch.json()
    assert list(told) == list(fetch_fields.FETCH)
    assert [list(each) for each in told["accounts"]] == [list(fetch_fields.RUN)]


def test_a_run_of_who_watches(fetch, account):
    with subprocess.Popen(fetch.errand.command("--watch", "--json"), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert list(json.loads(process.stdout.readline())) == list(fetch_fields.WATCH)
        process.send_signal(signal.SIGTERM)


def test_a_dry_run(fetch, account):
    told = fetch.json("--dry-run")
    assert list(told) == list(fetch_fields.DRY_RUN)
    assert [list(each) for each in told["messages"]] == [list(fetch_fields.MESSAGE)] * 2


@pytest.mark.parametrize("words", [["check"], ["check", "--connect"]])
def test_what_is_checked(fetch, account, words):
    told = fetch.json(*words)
    assert list(told) == list(fetch_fields.CHECK)
    assert [list(each) for each in told["accounts"]] == [list(fetch_fields.CHECKED)]
    assert [list(each) for each in told["accounts"][0]["destinations"]] == [list(fetch_fields.DESTINATION)]


def test_the_state(fetch, account):
    fetch()
    assert [list(each) for each in fetch.json("state", "list")] == [list(fetch_fields.COUNTS)]
    assert [list(each) for each in fetch.json("state", "list", "work")] == [list(fetch_fields.ENTRY)] * 2
    assert all(f"`{step}`" in fetch_fields.ENTRY["step"] and step in fetch_fields.COUNTS for step in Step)


def test_every_command_that_prints_json_is_there():
    commands = [command for command, _, _ in fetch_fields.PAGES]
    assert all(command.endswith("--json") for command in commands)
    for _, fields, inner in fetch_fields.PAGES:
        known = {**fields, **{name: words for each in inner.values() for name, words in each.items()}}
        assert set(inner) <= set(known)
        assert all(known.values())
