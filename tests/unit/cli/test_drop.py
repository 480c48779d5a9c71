"""`postane drop list` and `show`."""

import fcntl
import json
import os

import pytest

from postane.cli import drop
from postane.maildrop.base import Lock

LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 10_000


def test_an_empty_post_office_says_what_to_do(shell):
    done = shell("drop list")
    assert (done.code, done.out) == (0, "")
    assert "postane drop put" in done.err
    assert json.loads(shell("drop list --json").out) == []


def test_list_tells_what_each_drop_holds(shell):
    shell.add_user("berta")
    shell("drop put anna", given=b"Subject: 1\n\none\n")
    shell("drop put anna", given=b"Subject: 2\n\ntwo\n")
    shell("drop put berta", given=b"Subject: 3\n\nthree\n")
    lines = shell("drop list").out.splitlines()
    assert lines[0].split() == ["NAME", "MESSAGES", "OCTETS", "DELETED", "NEWEST"]
    assert [line.split()[:3] for line in lines[1:]] == [["anna", "2", "38"], ["berta", "1", "21"]]
    told = json.loads(shell("drop list --json").out)
    assert [(row["name"], row["messages"], row["octets"]) for row in told] == [("anna", 2, 38), ("berta", 1, 21)]
    assert all(row["newest"].endswith("Z") for row in told)


def test_list_goes_on_behind_a_damaged_drop(shell):
    shell.add_user("berta")
    for name in ("anna", "berta"):
        shell(f"drop put {name}", given=b"Subject: 1\n\none\n")
    index = shell.folder_of("anna") / "index.sqlite"
    index.write_bytes(b"not a database" * 100)
    done = shell("drop list")
    assert done.code == 65
    assert str(index) in done.err
    assert "berta" in done.out


def test_show_tells_of_each_message(shell):
    for number in (1, 2):
        shell("drop put anna --sender wmt@example.org", given=b"Subject: %d\n\none\n" % number)
    rows = json.loads(shell("drop show anna --json").out)
    assert [(row["number"], row["octets"], row["sender"]) for row in rows] == [
        (1, 19, "wmt@example.org"),
        (2, 19, "wmt@example.org"),
    ]
    told = shell("drop show info@postane.test").out
    assert [line.split()[0] for line in told.splitlines()] == ["NUMBER", "1", "2"]
    assert rows[0]["uidl"] in told


def test_show_prints_a_message_as_it_is_stored(shell):
    shell("drop put anna", given=b"Subject: 1\n\n.\n\0\xff")
    shell("drop put anna", given=LARGE)
    assert shell("drop show anna --message 1").raw == b"Subject: 1\r\n\r\n.\r\n\0\xff\r\n"
    assert shell("drop show anna -m 2").raw == LARGE


def test_show_of_what_is_not_there(shell):
    assert shell("drop show nobody").code == 67
    assert "nobody" in shell("drop show nobody").err
    done = shell("drop show anna")
    assert (done.code, done.out) == (0, "")
    done = shell("drop show anna --message 1")
    assert done.code == 65
    assert "the maildrop has 0" in done.err


def test_show_hides_what_would_upset_a_terminal(shell):
    shell("drop put anna --sender", "\x1b[31mred", given=b"Subject: 1\n\none\n")
    assert "\x1b" not in shell("drop show anna").out


def test_a_message_of_a_drop_in_use_is_asked_for_later(shell, monkeypatch):
    monkeypatch.setattr(drop, "PATIENCE", Lock())
    shell("drop put anna", given=b"Subject: 1\n\none\n")
    lease = os.open(shell.folder_of("anna") / "lease", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lease, fcntl.LOCK_EX)
    done = shell("drop show anna --message 1")
    os.close(lease)
    assert done.code == 75
    assert "in use" in done.err
    assert shell("drop show anna").code == 0, "a list needs no lease"


@pytest.mark.parametrize("words", ["drop list", "drop show", "drop put", "drop verify"])
def test_help_has_an_example(shell, words):
    done = shell(f"{words} --help")
    assert done.code == 0
    assert f"postane {words}" in done.out
