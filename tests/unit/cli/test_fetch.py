"""`postane fetch`: what it says, what it ends with, for people and for programs."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from postane.cli.words import Exit
from postane.testing.faults import GREETING, BadQuit, QuitHow, Refuse, RefuseLogin, Say, Stall
from postane.testing.hostile import HostileServer, hostile_server
from support.aside import aside
from support.postoffice import wait_until
from support.terminal import run_on_terminal

MESSAGES = [b"Subject: one\r\n\r\n1\r\n", b"Subject: two\r\n\r\n2\r\n"]
PASSWORD = "tanstaaf"


@pytest.fixture
def server():
    with aside(hostile_server(MESSAGES)) as server:
        yield server


def add(fetch, server: HostileServer, name: str = "work", **keys: object) -> None:
    fetch.errand.add(name, **{"url": server.url, "password": PASSWORD, **keys})


def test_mail_is_fetched_and_told_of_on_a_line(fetch, server):
    add(fetch, server)
    outcome = fetch()
    assert outcome.code == 0
    assert outcome.out.startswith("work: 2 delivered, ")
    assert outcome.err == ""
    assert fetch.errand.messages() == MESSAGES
    assert fetch().out.startswith("work: 0 delivered, ")


def test_for_programs(fetch, server):
    add(fetch, server, keep=False)
    (told,) = fetch.json()["accounts"]
    assert (told["account"], told["ok"], told["trouble"], told["error"]) == ("work", True, None, None)
    assert (told["listed"], told["fetched"], told["delivered"], told["deleted"], told["left"]) == (2, 2, 2, 2, 0)
    assert told["octets"] == sum(map(len, MESSAGES))


def test_quiet_says_only_what_went_wrong(fetch, server):
    add(fetch, server)
    assert fetch("--quiet").out == ""
    server.behave([RefuseLogin()])
    assert "come back later" in fetch("-q").err


def test_accounts_are_named_or_all_that_are_enabled(fetch, server):
    add(fetch, server)
    add(fetch, server, "home")
    add(fetch, server, "old", enabled=False)
    assert [each["account"] for each in fetch.json()["accounts"]] == ["work", "home"]
    assert [each["account"] for each in fetch.json("old", "home", "old")["accounts"]] == ["old", "home"]


@pytest.mark.parametrize(
    ("faults", "keys", "code", "trouble"),
    [
        ([], {"deliver": [{"command": [sys.executable, "-c", "raise SystemExit(65)"]}]}, Exit.DATA, "refused"),
        ([], {"url": "pop3://mrose@127.0.0.1:1"}, Exit.UNAVAILABLE, "unreachable"),
        ([RefuseLogin("IN-USE")], {}, Exit.TEMP_FAIL, "temporary"),
        ([RefuseLogin("LOGIN-DELAY")], {}, Exit.TEMP_FAIL, "temporary"),
        ([RefuseLogin("SYS/TEMP")], {}, Exit.TEMP_FAIL, "temporary"),
        ([Refuse("RETR", 2)], {}, Exit.TEMP_FAIL, "temporary"),
        ([BadQuit(QuitHow.REFUSED)], {"keep": False}, Exit.TEMP_FAIL, "temporary"),
        ([], {"deliver": [{"maildir": "/dev/null/mail"}]}, Exit.CANNOT_CREATE, "destination"),
        ([Say(GREETING, b"220 smtp.example.org\r\n")], {}, Exit.PROTOCOL, "protocol"),
        ([], {"tls": "required"}, Exit.PROTOCOL, "protocol"),
        ([], {"password": "wrong"}, Exit.NO_PERMISSION, "login"),
        ([], {"mechanisms": ["SCRAM-SHA-256"]}, Exit.NO_PERMISSION, "login"),
        ([], {"password": {"env": "NO_SUCH_VARIABLE"}}, Exit.NO_PERMISSION, "login"),
    ],
)
def test_what_it_ends_with(fetch, server, faults, keys, code, trouble):
    server.behave(faults)
    add(fetch, server, **keys)
    (told,) = fetch.json(code=code)["accounts"]
    assert (told["trouble"], told["ok"]) == (trouble, False)
    assert told["error"] or told["troubles"]
    assert fetch().code == code
    assert PASSWORD not in str(told)


def test_a_state_that_cannot_be_written_is_told(fetch, server):
    fetch.errand.top(state="/dev/null/fetch.db")
    add(fetch, server)
    assert fetch.json(code=Exit.IO_ERROR)["accounts"][0]["trouble"] == "journal"


def test_of_several_troubles_the_worst_counts_and_none_stops_the_others(fetch, server):
    add(fetch, server)
    add(fetch, server, "away", url="pop3://mrose@127.0.0.1:1")
    add(fetch, server, "wrong", password="wrong")
    outcome = fetch()
    assert outcome.code == Exit.NO_PERMISSION
    assert outcome.out.startswith("work: 2 delivered")
    assert "away: cannot connect to 127.0.0.1:1: " in outcome.err
    assert "wrong: the login by PLAIN was refused: " in outcome.err


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["nobody"], Exit.USAGE, "no account nobody in fetch.toml: there is work"),
        (["\x1b[31m"], Exit.USAGE, "no account \\x1b[31m"),
        (["wrk"], Exit.USAGE, "no account wrk in fetch.toml: there is work; did you mean postane fetch work?"),
        (["chek"], Exit.USAGE, "there is work; did you mean postane fetch check?"),
        (["--watch", "--dry-run"], Exit.USAGE, "do not go together"),
        (["--bogus"], Exit.USAGE, "postane fetch [OPTIONS]"),
    ],
)
def test_what_cannot_be_done_is_told(fetch, server, words, code, complaint):
    add(fetch, server)
    outcome = fetch(*words)
    assert outcome.code == code
    assert complaint in outcome.err


def test_a_file_that_is_wrong_or_not_there_or_empty(fetch):
    assert "cannot be read" in fetch().err
    fetch.errand.config.write_text("\nat_once = 0\n")
    outcome = fetch()
    assert outcome.code == Exit.CONFIG
    assert f"{fetch.errand.config}:2: at_once: 0 does not fit" in outcome.err
    fetch.errand.config.write_text("")
    assert fetch().code == Exit.CONFIG
    fetch.errand.add("work", url="pop3s://pop.example.org")
    outcome = fetch()
    assert outcome.code == Exit.CONFIG
    assert "whose mail is it" in outcome.err


def test_a_dry_run_tells_and_does_nothing(fetch, server):
    add(fetch, server, keep=False)
    outcome = fetch("--dry-run")
    assert outcome.code == 0
    first, second, last = outcome.out.splitlines()
    assert first.startswith(f"work: message 1, {len(MESSAGES[0])} octets: fetch and delete (")
    assert second.startswith("work: message 2, ")
    assert last == "work: 2 listed, something to do about 2; not done"
    told = fetch.json("--dry-run")
    assert [(each["number"], each["would"]) for each in told["messages"]] == [
        (1, "fetch and delete"), (2, "fetch and delete"),
    ]  # fmt: skip
    assert len(server.messages) == 2
    assert not (fetch.home / "work").exists(), "destinations are left alone"


def test_a_dry_run_of_what_does_not_answer(fetch, server):
    add(fetch, server, url="pop3://mrose@127.0.0.1:1")
    assert fetch("--dry-run").code == Exit.UNAVAILABLE


def test_who_watches_reads_a_line_for_each_run(fetch, server):
    add(fetch, server, every="100ms")
    with subprocess.Popen(fetch.errand.command("--watch", "--json"), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == os.EX_OK
    assert [each["delivered"] for each in told] == [2, 0]
    assert told[0]["at"] < told[1]["at"]


def test_a_second_signal_ends_it_at_once(fetch, server):
    server.behave([])
    add(fetch, server, deliver=[{"command": "touch begun; sleep 30"}])
    with subprocess.Popen(
        fetch.errand.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=fetch.errand.folder
    ) as process:
        wait_until((fetch.errand.folder / "begun").exists, "it delivers")
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"stopping")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == Exit.TEMP_FAIL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_ends_in_good_order(fetch, server, number):
    server.behave([Stall("RETR", 40)])
    add(fetch, server)
    with subprocess.Popen(fetch.errand.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until(lambda: any(line.startswith("RETR") for line in server.commands), "it fetches")
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == Exit.TEMP_FAIL
    said = err.decode().splitlines()
    assert said[0].startswith("stopping: ")
    assert said[1].startswith("work: ")
    assert said[1].endswith("stopped")
    assert said[2:] == ["postane: stopped; what was fetched is delivered and recorded"]
    server.behave()
    assert fetch.json()["accounts"][0]["ok"]
    assert fetch.errand.messages() == MESSAGES


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_stopped_it_tells_what_it_has_done_until_then(fetch, server, words):
    add(fetch, server, deliver=[{"command": "touch begun; until [ -e go ]; do sleep 0.05; done"}])
    with subprocess.Popen(
        fetch.errand.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=fetch.errand.folder
    ) as process:
        wait_until((fetch.errand.folder / "begun").exists, "it delivers the first one")
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"stopping")
        (fetch.errand.folder / "go").touch()
        out, err = process.communicate(timeout=30)
    assert process.returncode == Exit.TEMP_FAIL
    if words:
        (told,) = json.loads(out)["accounts"]
        assert (told["delivered"], told["ok"], told["error"]) == (1, False, "stopped")
    else:
        told, _ = err.decode().splitlines()
        assert told.startswith("work: 1 delivered, ")
        assert told.endswith("; then: stopped")


def test_hostile_words_are_made_visible(fetch, server):
    server.behave([Refuse("RETR", 2, text="\x1b]0;gotcha\x07")])
    add(fetch, server)
    said = fetch()
    assert "\x1b" not in said.out + said.err
    assert "gotcha" in said.err


def test_who_is_not_at_a_terminal_is_not_asked(fetch, server):
    fetch.errand.add("work", url=server.url)
    outcome = fetch()
    assert outcome.code == Exit.NO_PERMISSION
    assert 'password = { env = "MAIL_PASSWORD" }' in outcome.err


def test_a_table_on_a_terminal(fetch, server):
    add(fetch, server)
    code, screen = run_on_terminal(fetch.errand.command(), fetch.home)
    assert code == os.EX_OK
    assert "messages" in screen
    assert "per second" in screen
    assert "work: 2 delivered" in screen


def test_help_calls_it_by_its_name(fetch):
    help_ = fetch("--help").out
    assert "postane fetch [OPTIONS] [ACCOUNT]..." in help_
    assert "fetch run" not in help_


def test_a_destination_that_takes_nothing_is_not_brought_all_mail(fetch):
    with aside(hostile_server([b"Subject: %d\r\n\r\n" % number for number in range(300)])) as server:
        add(fetch, server, deliver=[{"command": "echo no room >&2; exit 75"}])
        outcome = fetch()
        assert outcome.code == Exit.TEMP_FAIL
        (line,) = outcome.err.splitlines()
        assert "takes no message now" in line
        assert "no room; left at the server until the next run: 300" in line
        fetch.errand.change(deliver=[{"maildir": str(fetch.home / "work")}])
        assert fetch.json()["accounts"][0]["delivered"] == 300


def test_a_lock_that_is_waited_for_is_told_of(fetch, server):
    mbox = fetch.home / "mbox"
    add(fetch, server, deliver=[{"mbox": str(mbox)}])
    lock = fetch.home / "mbox.lock"
    lock.write_text(f"{os.getpid()} {socket.gethostname()}\n")
    with subprocess.Popen(fetch.errand.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        told = process.stderr.readline().decode()
        lock.unlink()
        out, err = process.communicate(timeout=30)
    assert told == f"work: the mbox {mbox} is locked by another program: waiting, 60 s at most\n"
    assert out.startswith(b"work: 2 delivered")
    assert err == b""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (
            {"url": "pop3://mrose@127.0.0.1:1"},
            "cannot connect to 127.0.0.1:1: nothing listens there (connection refused)",
        ),
        (
            {"url": "imap://mrose@127.0.0.1:1"},
            "cannot connect to 127.0.0.1:1: nothing listens there (connection refused)",
        ),
        ({"url": "pop3s://mrose@SERVER"}, "SERVER does not speak TLS on this port; "),
        ({"url": "imap://mrose@SERVER"}, "SERVER is no IMAP server"),
        ({"url": "pop2://mrose@SERVER"}, "the server: not the greeting of a POP2 server"),
        ({"deliver": [{"smtp": "127.0.0.1:1", "recipients": ["a@b.example"]}]}, "cannot connect to 127.0.0.1:1: "),
        ({"deliver": [{"mbox": "HOME"}]}, "the mbox HOME cannot be opened: Is a directory"),
        ({"deliver": [{"maildir": "/dev/null/x"}]}, "the Maildir /dev/null/x cannot be used: Not a directory"),
        ({"deliver": [{"command": ["no-such-command"]}]}, "no-such-command cannot be run: No such file or directory"),
        ({"mechanisms": ["SCRAM-SHA-1"]}, "there is no way to log in: the server offers APOP, PLAIN, USER"),
        (
            {"password": {"env": "NOWHERE"}},
            "the environment variable NOWHERE, which should hold the password, is not set",
        ),
    ],
)
def test_what_goes_wrong_is_one_line_which_says_things_once(fetch, server, keys, line):
    place = f"127.0.0.1:{server.port}"
    filled = json.loads(json.dumps(keys).replace("SERVER", place).replace("HOME", str(fetch.home)))
    add(fetch, server, **filled)
    outcome = fetch()
    assert outcome.code != 0
    (said,) = outcome.err.splitlines()
    told = line.replace("SERVER", place).replace("HOME", str(fetch.home))
    assert said.partition("; then: ")[2].startswith(told) or said.startswith(f"work: {told}")
    for words in ("work", place, "127.0.0.1:1:", str(fetch.home), "None", "b'", "Errno"):
        assert said.count(words) <= (words not in ("None", "b'", "Errno")), said
