"""`postane fetch state`: what is known of messages, looked at and changed."""

import json
import shutil
from pathlib import Path

import pytest

from postane.cli.words import Exit
from postane.testing.faults import RefuseLogin
from postane.testing.hostile import hostile_server
from support.aside import aside

MESSAGES = [b"Subject: one\r\n\r\n1\r\n", b"Subject: two\r\n\r\n2\r\n"]


@pytest.fixture
def server(fetch):
    with aside(hostile_server(MESSAGES)) as server:
        fetch.errand.add("work", url=server.url, password="tanstaaf")
        yield server


def test_nothing_was_fetched_yet(fetch, server):
    outcome = fetch("state", "list")
    assert (outcome.code, outcome.out) == (0, "")
    assert "nothing was fetched yet" in outcome.err
    assert fetch.json("state", "list") == []
    assert "nothing is known of this account" in fetch("state", "list", "work").err


def test_all_accounts_are_counted(fetch, server):
    fetch()
    (told,) = fetch.json("state", "list")
    assert (told["account"], told["delivered"], told["seen"], told["ended"]) == ("work", 2, 0, True)
    assert told["last_run"].endswith("Z")
    head, line = fetch("state", "list").out.splitlines()
    assert head.split()[:3] == ["account", "seen", "fetched"]
    assert line.startswith("work ")


def test_an_account_is_told_message_by_message(fetch, server):
    fetch()
    told = fetch.json("state", "list", "work")
    assert [(each["step"], each["octets"], each["attempts"], each["reason"]) for each in told] == [
        ("delivered", len(octets), 0, None) for octets in MESSAGES
    ]
    assert fetch("state", "list", "work").out.count("delivered ") == 2
    assert fetch.json("state", "list", "work", "--step", "seen") == []
    assert len(fetch.json("state", "list", "work", "--step", "seen", "--step", "delivered")) == 2


def test_a_reason_is_shown_where_there_is_one(fetch, server):
    fetch("state", "mark-seen", "work")
    assert fetch("state", "list", "work").out.splitlines()[0].endswith("reason")
    assert [each["reason"] for each in fetch.json("state", "list", "work")] == ["marked as seen"] * 2


def test_what_is_marked_as_seen_stays_and_is_not_fetched(fetch, server):
    assert fetch("state", "mark-seen", "work").out.startswith("work: 2 marked as seen")
    assert fetch().out.startswith("work: 0 delivered")
    assert len(server.messages) == 2


def test_where_to_find_what_is_marked_as_seen_is_told(fetch, server):
    assert "state list: skipped" in fetch("state", "mark-seen", "work").out
    assert fetch.json("state", "list")[0]["skipped"] == 2


def test_one_message_is_marked_as_seen(fetch, server):
    fetch.errand.change(deliver=[{"command": ["sh", "-c", "grep -q one && exit 65; exit 0"]}])
    assert fetch().code == Exit.DATA, "refused for good"
    (refused,) = fetch.json("state", "list", "work", "--step", "fetched")
    assert fetch("state", "mark-seen", "work", refused["key"]).out.startswith("work: 1 marked as seen")
    assert fetch().code == 0
    assert [each["step"] for each in fetch.json("state", "list", "work")] == ["skipped", "delivered"]


def test_what_is_not_there_or_delivered_cannot_be_marked(fetch, server):
    fetch()
    for key in ("nothing", fetch.json("state", "list", "work")[0]["key"]):
        outcome = fetch("state", "mark-seen", "work", key)
        assert outcome.code == Exit.DATA
        assert "nothing of this is at the server and waits to be fetched" in outcome.err
    assert [each["step"] for each in fetch.json("state", "list", "work")] == ["delivered"] * 2


def test_what_is_forgotten_is_fetched_again(fetch, server):
    fetch()
    for path in (fetch.home / "work" / "new").iterdir():
        path.unlink()
    first = fetch.json("state", "list", "work")[0]["key"]
    assert fetch("state", "forget", "work", first).out == "work: 1 forgotten\n"
    assert fetch().out.startswith("work: 1 delivered")
    assert fetch("state", "forget", "work").out == "work: 2 forgotten\n"
    assert fetch().out.startswith("work: 2 delivered"), "what is in the Maildir still is there twice"
    assert len(list((fetch.home / "work" / "new").iterdir())) == 3


def test_what_is_not_known_cannot_be_forgotten(fetch, server):
    outcome = fetch("state", "forget", "work", "nothing")
    assert outcome.code == Exit.DATA
    assert "none of these is known: see postane fetch state list work" in outcome.err


def test_of_several_it_is_told_how_many_are_not_known(fetch, server):
    fetch()
    key = json.loads(fetch("state", "list", "work", "--json").out)[0]["key"]
    outcome = fetch("state", "forget", "work", key, "nothing", "nothing")
    assert (outcome.code, outcome.out) == (Exit.DATA, "work: 1 forgotten\n")
    assert "1 of these is not known" in outcome.err


def test_a_lost_state_is_made_anew(fetch, server):
    fetch()
    shutil.rmtree(fetch.errand.state.parent)
    assert fetch("state", "rebuild", "work").out.startswith("work: 2 found at its destinations")
    assert fetch().out.startswith("work: 0 delivered")


def test_an_older_copy_of_the_state_doubles_nothing(fetch, server):
    fetch()
    older = fetch.errand.state.read_bytes()
    server.put(b"Subject: three\r\n\r\n3\r\n")
    fetch()
    fetch.errand.state.write_bytes(older)
    assert fetch().out.startswith("work: 0 delivered, 1 there already")
    assert fetch().out.startswith("work: 0 delivered")


def test_a_run_without_a_state_fetches_nothing_that_is_there(fetch, server):
    fetch()
    shutil.rmtree(fetch.errand.state.parent)
    assert fetch("--dry-run").code == 0
    assert fetch().out.startswith("work: 0 delivered, 2 there already")


def test_a_destination_that_cannot_be_asked_is_named(fetch, server):
    fetch.errand.change(deliver=[{"command": "cat > /dev/null"}, {"maildir": str(fetch.home / "work")}])
    fetch()
    shutil.rmtree(fetch.errand.state.parent)
    outcome = fetch("state", "rebuild", "work")
    assert outcome.code == 0
    assert "work: command:cat > /dev/null cannot be asked" in outcome.err
    fetch.errand.change(deliver=[{"command": "cat > /dev/null"}])
    outcome = fetch("state", "rebuild", "work")
    assert outcome.code == Exit.DATA
    assert "postane fetch state mark-seen work" in outcome.err


@pytest.mark.parametrize("command", ["mark-seen", "rebuild"])
def test_what_cannot_be_done_is_told(fetch, server, command):
    assert fetch("state", command, "nobody").code == Exit.USAGE
    server.behave([RefuseLogin("IN-USE")])
    outcome = fetch("state", command, "work")
    assert outcome.code == Exit.TEMP_FAIL
    assert "work: " in outcome.err
    server.behave()
    fetch.errand.change(password="wrong")
    assert fetch("state", command, "work").code == Exit.NO_PERMISSION


def test_a_destination_that_is_not_there_is_told(fetch, server):
    fetch.errand.change(deliver=[{"maildir": "/dev/null/mail"}])
    assert fetch("state", "rebuild", "work").code in (Exit.IO_ERROR, Exit.CANNOT_CREATE)


@pytest.mark.parametrize("words", [("list",), ("forget", "work"), ("mark-seen", "work")])
def test_a_state_that_cannot_be_read_is_told(fetch, server, words):
    fetch()
    for path in filter(Path.is_file, fetch.errand.state.parent.iterdir()):
        path.write_bytes(b"no database at all" * 500)
    outcome = fetch("state", *words)
    assert outcome.code == Exit.IO_ERROR
    assert "Traceback" not in outcome.err
    assert outcome.err.startswith("postane: ")


def test_a_step_that_is_none_is_told_in_words_for_people(fetch):
    outcome = fetch("state", "list", "work", "--step", "foo")
    assert outcome.code == Exit.USAGE
    assert "Value error" not in outcome.err
    assert "'foo' is not one of" in outcome.err
