"""Destinations are looked at: what could not take mail is told, and nothing is made."""

import os
from pathlib import Path

import pytest

from postane.app import open_registry
from postane.config.fetching import Account, FetchConfig
from postane.config.file import load_config
from postane.fetch.errors import Trouble
from postane.fetching.readiness import FIRST_TIME, examine, examine_state
from support.dovecot import PASSWORD, dovecot


async def look(tmp_path: Path, connects: bool = False, **deliver: object):
    """What is known of one destination; the folder is as it was after it."""
    account = Account(name="work", url="pop3://anna@h", deliver=[deliver])
    before = contents(tmp_path)
    found = await examine(FetchConfig(), account, account.deliver[0], connects=connects)
    assert contents(tmp_path) == before, "nothing is made"
    return found


def contents(folder: Path) -> list[str]:
    return sorted(map(str, folder.rglob("*")))


@pytest.fixture
def places(tmp_path):
    """A file, a folder, a Maildir, an mbox, a broken one, a script that runs and one that does not, a post office."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for part in ("tmp", "new", "cur"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "new").write_text("")
    (tmp_path / "mbox").write_text("")
    (tmp_path / "script").write_text("#!/bin/sh\ntouch ran\n")
    (tmp_path / "script").chmod(0o755)
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "postane.toml").write_text(f'[storage]\npath = "{tmp_path}/storage"\n')
    registry = open_registry(load_config(tmp_path / "postane.toml"))
    registry.add("anna", password="correct horse")
    registry.close()
    (tmp_path / "empty.toml").write_text(f'[storage]\npath = "{tmp_path}/folder"\n')
    return tmp_path


@pytest.mark.parametrize(
    ("deliver", "note"),
    [
        ({"maildir": "@/Maildir"}, ""),
        ({"maildir": "@/folder"}, ""),
        ({"maildir": "@/a/b/new"}, FIRST_TIME),
        ({"mbox": "@/mbox"}, ""),
        ({"mbox": "@/a/inbox"}, FIRST_TIME),
        ({"command": "@/script --all"}, ""),
        ({"command": ["@/script", "--all"]}, ""),
        ({"command": "X=1 nothing-of-that-name"}, ""),
        ({"command": "read line"}, ""),
        ({"command": ["cat"]}, ""),
        ({"maildrop": "anna", "config": "@/postane.toml"}, ""),
        ({"lmtp": "127.0.0.1:1"}, ""),
    ],
)
async def test_what_can_take_mail(places, deliver, note):
    found = await look(places, **at(places, deliver))
    assert (found.error, found.note) == (None, note)


@pytest.mark.parametrize(
    ("deliver", "complaint"),
    [
        ({"maildir": "@/file"}, "maildir: @/file is a file: a Maildir is a folder"),
        ({"maildir": "@/file/deep/M"}, "maildir: @/file is a file: @/file/deep/M cannot be made there"),
        ({"maildir": "@/broken"}, "maildir: @/broken/new is a file: a Maildir has a folder of that name"),
        ({"maildir": "@/nowhere"}, "maildir: @/nowhere is a link to nothing: a Maildir is a folder"),
        ({"mbox": "@/folder"}, "mbox: @/folder is a folder: an mbox is a file"),
        ({"mbox": "@/file/inbox"}, "mbox: @/file is a file: @/file/inbox cannot be made there"),
        ({"command": "nothing-of-that-name -x"}, "there is no program 'nothing-of-that-name' in PATH"),
        ({"command": ["nothing-of-that-name"]}, "there is no program 'nothing-of-that-name' in PATH"),
        ({"command": "@/gone -x"}, "@/gone is not there"),
        ({"command": ["@/folder"]}, "@/folder is a folder: a command is a program"),
        ({"command": "@/plain"}, "@/plain may not be executed: chmod +x @/plain"),
        ({"command": "if true"}, "the shell does not understand it: "),
        ({"maildrop": "bob", "config": "@/postane.toml"}, "maildrop:bob: there is no such account"),
        ({"maildrop": "anna", "config": "@/empty.toml"}, "maildrop:anna: there is no post office in @/folder"),
        ({"maildrop": "anna", "config": "@/gone.toml"}, "@/gone.toml: cannot be read: No such file"),
        ({"lmtp": "unix:@/gone"}, "lmtp: @/gone is not there: does the server run?"),
        ({"lmtp": "unix:@/file"}, "lmtp: @/file is a file: a server's socket is wanted"),
    ],
)
async def test_what_can_not(places, deliver, complaint):
    found = await look(places, **at(places, deliver))
    assert found.error is not None
    assert complaint.replace("@", str(places)) in found.error.text
    assert found.error.trouble is Trouble.DESTINATION


@pytest.mark.parametrize(
    ("deliver", "refused", "complaint"),
    [
        ({"maildir": "@/a/M"}, "@", "/a/M: @ may not be written by this user"),
        ({"maildir": "@/Maildir"}, "@/Maildir/new", "maildir: @/Maildir/new may not be written by this user"),
        ({"mbox": "@/mbox"}, "@/mbox", "mbox: @/mbox may not be read and written by this user"),
        ({"mbox": "@/mbox"}, "@", "a note lies beside the mbox"),
    ],
)
async def test_what_this_user_may_not_write(places, monkeypatch, deliver, refused, complaint):
    access, refused = os.access, refused.replace("@", str(places))
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != refused and access(path, mode))
    found = await look(places, **at(places, deliver))
    assert found.error is not None
    assert complaint.replace("@", str(places)) in found.error.text


def at(places: Path, deliver: dict[str, object]) -> dict[str, object]:
    """With @ for the folder."""
    return {
        key: [word.replace("@", str(places)) for word in value]
        if isinstance(value, list)
        else str(value).replace("@", str(places))
        for key, value in deliver.items()
    }


@pytest.mark.parametrize("kind", ["lmtp", "smtp"])
async def test_a_server_that_nobody_hears(tmp_path, kind):
    found = await look(tmp_path, True, **{kind: "127.0.0.1:1", "recipients": ["a@b.example"]})
    assert found.error is not None
    assert found.error.text == f"{kind}: cannot connect to 127.0.0.1:1: nothing listens there (connection refused)"
    assert found.error.trouble is Trouble.TEMPORARY


async def test_an_imap_folder_is_not_made():
    with dovecot(has_imap=True) as server:
        url = f"imap://anna@127.0.0.1:{server.imap}/Fetched"
        found = await look(server.folder / "none", True, imap=url, password=PASSWORD)
        assert (found.error, found.note) == (None, FIRST_TIME)
        assert not list((server.folder / "mail").rglob(".Fetched"))
        found = await look(server.folder / "none", True, imap=url, password="wrong")
        assert found.error is not None
        assert found.error.text.count("127.0.0.1") == 1
        found = await look(server.folder / "none", True, imap=f"{url}/Sub", password=PASSWORD)
        assert found.error is not None
        assert found.error.trouble is Trouble.CONFIGURATION
        assert 'names of folders by "." and not by "/": the URL ends .../Fetched.Sub' in found.error.text
        found = await look(server.folder / "none", True, imap=url.replace("Fetched", "INBOX"), password=PASSWORD)
        assert (found.error, found.note) == (None, "")


def test_a_state_that_can_be_used(places):
    before = contents(places)
    assert examine_state(places / "a" / "fetch.db") is None
    (places / "folder" / "fetch.db").write_bytes(b"SQLite format 3\0...")
    assert examine_state(places / "folder" / "fetch.db") is None
    assert contents(places) == sorted([*before, f"{places}/folder/fetch.db"]), "nothing is made"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("folder", "it is a folder: let this user write there, or name another as `state`"),
        ("file", "it is no state of postane fetch, or a damaged one"),
        ("mbox", "it is no state of postane fetch, or a damaged one"),
        ("file/fetch.db", "is a file"),
        ("nowhere", "it is a link to nothing"),
    ],
)
def test_a_state_that_cannot_be_used(places, path, words):
    error = examine_state(places / path)
    assert error is not None
    assert error.trouble is Trouble.JOURNAL
    assert error.text.startswith(f"the state {places / path} cannot be used: ")
    assert words in error.text


@pytest.mark.parametrize("closed", ["fetch.db", "", "fetch.db.locks"])
def test_a_state_that_this_user_may_not_write(tmp_path, monkeypatch, closed):
    (tmp_path / "fetch.db").write_bytes(b"SQLite format 3\0")
    (tmp_path / "fetch.db.locks").mkdir()
    assert examine_state(tmp_path / "fetch.db") is None
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != tmp_path / closed)
    error = examine_state(tmp_path / "fetch.db")
    assert error is not None
    assert "written by this user" in error.text
