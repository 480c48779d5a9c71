"""`postane drop verify`: exit code 65 where a message is not what was stored."""

import json
import os
import sqlite3
import time

import pytest

LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 10_000


@pytest.fixture
def filled(shell):
    shell.add_user("berta")
    for name in ("anna", "berta"):
        shell(f"drop put {name}", given=b"Subject: small\n")
        shell(f"drop put {name}", given=LARGE)
    return shell


def test_all_is_sound(filled):
    done = filled("drop verify")
    assert (done.code, done.out) == (0, "")
    assert "2 checked, none with findings" in done.err
    assert json.loads(filled("drop verify --json").out) == []


def test_what_is_wrong_is_told_by_drop_and_message(filled):
    (blob,) = (filled.folder_of("berta") / "blobs").iterdir()
    blob.write_bytes(blob.read_bytes().replace(b"large", b"LARGE"))
    done = filled("drop verify")
    assert done.code == 65
    assert done.out.startswith("berta, message 2: body damaged: ")
    (told,) = json.loads(filled("drop verify --json berta").out)
    assert (told["drop"], told["uid"], told["kind"]) == ("berta", 2, "body damaged")
    assert filled("drop verify anna").code == 0


def test_a_damaged_index_is_told(filled):
    (filled.folder_of("anna") / "index.sqlite").write_bytes(b"not a database" * 1000)
    done = filled("drop verify")
    assert done.code == 65
    assert "anna: index damaged:" in done.out
    assert "Traceback" not in done.err


def test_repair_mends_totals(filled):
    with sqlite3.connect(filled.folder_of("anna") / "index.sqlite") as connection:
        connection.execute("UPDATE meta SET octets = 1")
    connection.close()
    assert filled("drop verify").code == 65
    assert filled("drop verify --repair").code == 0
    done = filled("drop verify")
    assert (done.code, done.out) == (0, "")


def test_an_orphan_does_no_harm_and_is_swept(filled, monkeypatch):
    orphan = filled.folder_of("anna") / "blobs" / "feed"
    orphan.write_bytes(b"left by a crash")
    assert filled("drop verify").out == "", "it may be on its way in"
    hours = time.time() + 7200
    monkeypatch.setattr(time, "time", lambda: hours)
    done = filled("drop verify")
    assert (done.code, done.out) == (0, "anna: orphan: feed\n")
    assert filled("drop verify --repair").code == 0
    assert not os.path.exists(orphan)


def test_who_is_unknown_is_said(filled):
    done = filled("drop verify nobody")
    assert done.code == 67
    assert "nobody" in done.err
