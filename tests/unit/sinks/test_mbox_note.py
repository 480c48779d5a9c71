"""What a broken append has left is mended, and nobody else's mail is ever touched."""

import os
from pathlib import Path

import pytest

from postane.sinks.keys import field_line, mark
from postane.sinks.mbox_note import SHARED, Note, heads, mend, remove_note, write_note

OTHER = b"From x@example.org Thu Jan  1 00:00:00 1970\nSubject: other\n\nhello\n\n"
POSTMARK = b"From wmt@example.org Tue Nov 14 22:13:21 2023\n"
KEYS = ("k1", "k2", "k3")


def ours(key: str, body: bytes = b"Subject: ours\n\nhello\n\n") -> bytes:
    return POSTMARK + field_line(key).replace(b"\r\n", b"\n") + body


ALL = b"".join(map(ours, KEYS))


def mended(folder: Path, mailbox: bytes, *, size: int = len(OTHER), inode: int | None = None) -> bytes:
    """The mailbox after it was mended."""
    path, note = folder / "m", folder / "note"
    path.write_bytes(mailbox)
    number = path.stat().st_ino if inode is None else inode
    write_note(str(note), Note(number, size, b"", tuple(ours(key, b"") for key in KEYS)))
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
    mend(str(path), descriptor, str(note))
    os.close(descriptor)
    assert not note.exists()
    return path.read_bytes()


def test_every_place_where_it_may_break_off(tmp_path: Path) -> None:
    size = len(ours("k1"))
    for cut in range(len(ALL) + 1):
        # Whether one is whole is told by what follows it: a postmark, which is nothing else from its first word on.
        whole = ALL[: max((cut - len(b"From ")) // size, 0) * size]
        assert mended(tmp_path, OTHER + ALL[:cut]) == OTHER + whole


@pytest.mark.parametrize("cut", range(1, len(ALL), 7))
def test_what_somebody_has_appended_since_is_never_touched(tmp_path: Path, cut: int) -> None:
    for glue in (b"", b"\n"):
        after = mended(tmp_path, OTHER + ALL[:cut] + glue + OTHER)
        assert after.startswith(OTHER)
        assert after.endswith(OTHER)
        assert len(after) == len(OTHER + ALL[:cut] + glue + OTHER)


def test_the_torn_one_is_nobodys_where_something_follows_it(tmp_path: Path) -> None:
    mended(tmp_path, OTHER + ALL[:-10] + OTHER)
    descriptor = os.open(tmp_path / "m", os.O_RDONLY)
    assert [head.mark for head in heads(descriptor)] == [mark("k1"), mark("k2"), "0" * 32]
    os.close(descriptor)


def test_somebody_who_appends_behind_a_quote(tmp_path: Path) -> None:
    torn = ours("k1", b"Subject: x\n\n>")
    assert mended(tmp_path, OTHER + torn + OTHER).endswith(OTHER)
    assert mended(tmp_path, OTHER + torn + b"From me at 10:00\nhello") == OTHER


def test_a_mailbox_that_was_rewritten(tmp_path: Path) -> None:
    changed = ours("k1", b"Subject: ours\nStatus: RO\n\nhello\n\n") + ours("k2")
    assert mended(tmp_path, OTHER + changed, inode=1) == OTHER + changed.replace(mark("k2").encode(), b"0" * 32)
    assert mended(tmp_path, changed) == changed.replace(mark("k2").encode(), b"0" * 32)
    assert mended(tmp_path, OTHER[:10]) == OTHER[:10]
    assert mended(tmp_path, OTHER + OTHER) == OTHER + OTHER


def test_no_note_and_no_sense(tmp_path: Path) -> None:
    path, note = tmp_path / "m", tmp_path / "note"
    path.write_bytes(OTHER + ALL)
    descriptor = os.open(path, os.O_RDWR)
    mend(str(path), descriptor, str(note))
    for text in ("", "7", "[1]", '["a", 1, "00"]', '[1, 1, "zz"]', "[1, 2, 3]", '[1, 2, "00"]'):
        note.write_text(text)
        mend(str(path), descriptor, str(note))
    os.close(descriptor)
    assert path.read_bytes() == OTHER + ALL
    remove_note(str(tmp_path / "none"))


def test_heads_are_found_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postane.sinks.mbox_note.BLOCK", SHARED + 100)
    keys = [f"k{number}" for number in range(200)]
    (tmp_path / "m").write_bytes(b"".join(OTHER * (n % 3) + ours(key) for n, key in enumerate(keys)))
    descriptor = os.open(tmp_path / "m", os.O_RDONLY)
    found = list(heads(descriptor))
    assert [head.mark for head in found] == list(map(mark, keys))
    assert all(os.pread(descriptor, 5, head.at) == b"From " for head in found)
    assert all(os.pread(descriptor, 32, head.mark_at) == head.mark.encode() for head in found)
    assert [head.mark for head in heads(descriptor, found[77].at)] == list(map(mark, keys[77:]))
    os.close(descriptor)
