"""Paths, names, and what a failed file operation means."""

import errno
import os

import pytest

from postane.maildrop.base import StoreFull, StoreUnavailable
from postane.maildrop.folders import (
    NAME_LIMIT,
    Folders,
    inode,
    make_folder,
    open_file,
    own_like,
    quote_name,
    storage_error,
    unquote_name,
)

NAMES = [
    "anna",
    "anna@example.org",
    "..",
    ".hidden",
    "~cut",
    "a/b",
    "a\\b",
    "%2e",
    "ü",
    "A b",
    "\0",
    "new\nline",
    "\udcff",
]


@pytest.mark.parametrize("name", NAMES)
def test_quoting_has_an_inverse(name):
    quoted = quote_name(name, "digest")
    assert unquote_name(quoted) == name
    assert quoted.isascii()
    assert quoted.isprintable()
    assert not set(quoted) & set("/\\ ")
    assert quoted[0] not in ".~"


def test_an_ordinary_name_can_be_read_by_a_person():
    assert quote_name("anna.b-c+d@example.org", "digest") == "anna.b-c+d@example.org"


def test_a_long_name_is_cut_and_still_its_own(tmp_path):
    folders = Folders(tmp_path)
    first, second = (folders.drop("x" * 250 + letter) for letter in "ab")
    assert first != second
    assert len(os.path.basename(first)) <= NAME_LIMIT
    assert unquote_name(os.path.basename(first)) is None
    assert quote_name("x" * NAME_LIMIT, "digest") == "x" * NAME_LIMIT


def test_a_drop_needs_a_name():
    with pytest.raises(ValueError, match="name"):
        quote_name("", "digest")


def test_making_a_drop_makes_all_around_it(tmp_path):
    folders = Folders(tmp_path / "var" / "post")
    folder = folders.make_drop("anna")
    assert folders.make_drop("anna") == folder == folders.drop("anna")
    assert os.path.isdir(folder)
    assert folders.names() == [], "it has no index yet"
    open(f"{folder}/index.sqlite", "w").close()
    assert folders.names() == [folder]
    open(f"{folder}/removed", "w").close()
    assert folders.names() == []


def test_strange_files_among_the_drops_do_no_harm(tmp_path):
    folders = Folders(tmp_path)
    assert folders.names() == []
    folders.make_drop("anna")
    (tmp_path / "drops" / "README").write_text("hello")
    (tmp_path / "drops" / "ab").mkdir(exist_ok=True)
    (tmp_path / "drops" / "ab" / "note").write_text("hello")
    assert folders.names() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
def test_what_root_makes_belongs_to_whom_the_folder_belongs_to(tmp_path):
    os.chown(tmp_path, 1234, 2345)
    make_folder(f"{tmp_path}/inner")
    os.close(open_file(f"{tmp_path}/inner/file", os.O_WRONLY | os.O_CREAT))
    for path in ("inner", "inner/file"):
        status = (tmp_path / path).stat()
        assert (status.st_uid, status.st_gid) == (1234, 2345)


def test_others_do_not_try_to_give_anything(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "chown", lambda *_: pytest.fail("only root may"))
    own_like(str(tmp_path), str(tmp_path))


def test_inodes_tell_a_file_from_its_successor(tmp_path):
    path = tmp_path / "file"
    assert inode(str(path)) is None
    path.write_text("first")
    first = inode(str(path))
    path.rename(tmp_path / "kept")
    path.write_text("second")
    assert inode(str(path)) not in (None, first)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, StoreFull),
        (errno.EDQUOT, StoreFull),
        (errno.EMFILE, StoreFull),
        (errno.EIO, StoreUnavailable),
        (errno.EACCES, StoreUnavailable),
    ],
)
def test_what_a_failure_means(code, kind):
    error = storage_error(OSError(code, os.strerror(code), "/a/path"), "cannot store")
    assert type(error) is kind
    assert "/a/path" in error.log
    assert "/a/path" not in error.text
