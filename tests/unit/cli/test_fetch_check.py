"""`postane fetch check`: what is wrong is said before mail is fetched, and nothing is made."""

import json

import pytest

from postane.cli.words import Exit
from postane.testing.faults import RefuseLogin
from postane.testing.hostile import hostile_server
from support.aside import aside

PASSWORD = "tanstaaf"


@pytest.fixture
def server():
    with aside(hostile_server([b"Subject: one\r\n\r\n1\r\n"])) as server:
        yield server


def test_a_file_that_can_be_used(fetch, server):
    fetch.errand.add("work", url=server.url, password=PASSWORD)
    folder = fetch.home / "work"
    assert fetch("check").out.splitlines() == [
        f"work: maildir:{folder} is not there yet: the first message makes it",
        f"{fetch.errand.config}: ok, 1 account",
    ]
    assert not folder.exists()
    assert server.connections == 0
    (account,) = fetch.json("check")["accounts"]
    assert (account["account"], account["ok"], account["error"]) == ("work", True, None)
    assert account["destinations"][0]["note"] == "is not there yet: the first message makes it"


def test_a_destination_that_cannot_take_mail(fetch, server):
    (fetch.home / "mail").mkdir()
    fetch.errand.add("work", url=server.url, password=PASSWORD, deliver=[{"mbox": f"{fetch.home}/mail"}])
    fetch.errand.add("home", url=server.url, password=PASSWORD, deliver=[{"command": "cat > /dev/null"}])
    outcome = fetch("check")
    assert outcome.code == Exit.CANNOT_CREATE
    assert outcome.err.splitlines() == [
        f"work: mbox: {fetch.home}/mail is a folder: an mbox is a file",
        "warning: work and home fetch the same mailbox: its mail comes twice",
        f"{fetch.errand.config}: 1 of 2 accounts cannot be fetched",
    ]
    told = fetch.json("check", code=Exit.CANNOT_CREATE)
    assert [each["ok"] for each in told["accounts"]] == [False, True]
    assert told["ok"] is False


def test_servers_that_mail_goes_to_are_asked_too(fetch, server):
    fetch.errand.add("work", url=server.url, password=PASSWORD, deliver=[{"lmtp": "127.0.0.1:1"}])
    assert fetch("check").code == 0
    outcome = fetch("check", "--connect")
    assert outcome.code == Exit.TEMP_FAIL
    assert outcome.out == "work: ok, no TLS, 1 message\n"
    assert "work: lmtp: cannot connect to 127.0.0.1:1: nothing listens there" in outcome.err


def test_a_file_that_cannot_be_used(fetch):
    fetch.errand.config.write_text("at_once = 0\n")
    assert fetch("check").code == Exit.CONFIG
    fetch.errand.add("work", url="pop3s://pop.example.org")
    outcome = fetch("check")
    assert outcome.code == Exit.CONFIG
    assert "whose mail is it" in outcome.err


def test_what_is_worth_a_look(fetch, server):
    fetch.errand.add("work", url=server.url, password="tanstaaf", tls="none", plaintext="always")
    fetch.errand.config.chmod(0o644)
    outcome = fetch("check")
    assert outcome.code == 0
    assert f"chmod 600 {fetch.errand.config}" in outcome.err
    assert "work: its password and its mail cross in clear text" in outcome.err
    assert len(fetch.json("check")["advice"]) == 2


def test_whether_it_gets_in(fetch, server):
    fetch.errand.add("work", url=server.url, password="tanstaaf")
    assert fetch("check", "--connect").out.startswith("work: ok, no TLS, 1 message\n")
    fetch.errand.add("wrong", url=server.url, password="wrong")
    fetch.errand.add("away", url="pop3://mrose:x@127.0.0.1:1")
    outcome = fetch("check", "--connect")
    assert outcome.code == Exit.NO_PERMISSION
    assert outcome.out.splitlines()[0] == "work: ok, no TLS, 1 message"
    assert [line.partition(":")[0] for line in outcome.err.splitlines()] == [
        "wrong", "away", "warning", str(fetch.errand.config),
    ]  # fmt: skip
    told = json.loads(fetch("check", "--connect", "--json").raw)
    assert [(each["account"], each["ok"]) for each in told["accounts"]] == [
        ("work", True), ("wrong", False), ("away", False),
    ]  # fmt: skip
    assert told["ok"] is False
    assert fetch("check", "--connect", "work").code == 0
    server.behave([RefuseLogin("IN-USE")])
    assert fetch("check", "--connect", "work").code == Exit.TEMP_FAIL
    assert not any(line.startswith(("RETR", "DELE")) for line in server.commands)


def test_a_state_that_cannot_be_used_is_told_as_the_run_tells_it(fetch, server):
    fetch.errand.add("work", url=server.url, password=PASSWORD)
    fetch.errand.top(state=str(fetch.errand.config))
    outcome = fetch("check")
    assert outcome.code == fetch().code == Exit.IO_ERROR
    assert f"the state {fetch.errand.config} cannot be used: it is no state" in outcome.err
    assert "1 of 1 account cannot be fetched" in outcome.err
    told = fetch.json("check", code=Exit.IO_ERROR)
    assert (told["ok"], told["state"]["ok"]) == (False, False)
    fetch.errand.top(state=str(fetch.errand.state))
    assert fetch.json("check")["state"] == {"file": str(fetch.errand.state), "ok": True, "error": None}
    assert not fetch.errand.state.exists()


def test_a_file_of_tls_that_is_not_there_is_told_as_the_run_tells_it(fetch, server):
    fetch.errand.add("work", url=server.url, password=PASSWORD, tls_ca="/nowhere/ca.pem")
    told = "work: tls_ca: cannot read the certificate /nowhere/ca.pem: No such file or directory"
    for words in ([], ["check"], ["check", "--connect"]):
        outcome = fetch(*words)
        assert outcome.code == Exit.CONFIG
        assert told in outcome.out + outcome.err
    assert server.connections == 0
