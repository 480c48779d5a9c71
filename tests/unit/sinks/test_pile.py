"""Messages that lie one after the other, in memory or in a file."""

import tempfile

import pytest

from postane.sinks import pile
from postane.sinks.content import BLOCK, SpoolError
from postane.sinks.pile import Pile


@pytest.mark.parametrize("in_memory", [1, 10, 10**9], ids=["in a file", "from then on in a file", "in memory"])
def test_each_is_read_again_as_often_as_wanted(monkeypatch, in_memory):
    monkeypatch.setattr(pile, "IN_MEMORY", in_memory)
    laid, contents = Pile(), []
    messages = [b"one\r\n", b"", b"x" * (BLOCK + 7), b"last"]
    for message in messages:
        start = laid.octets
        for at in range(0, len(message), 1000):
            laid.write(message[at : at + 1000])
        contents.append(laid.content(start))
        assert b"".join(contents[0].chunks()) == messages[0], "while others are laid on it"
    for _ in range(2):
        assert [b"".join(each.chunks()) for each in contents] == messages
        assert [each.octets for each in contents] == list(map(len, messages))
    assert max(map(len, contents[2].chunks())) == BLOCK
    laid.discard()
    laid.discard()
    with pytest.raises(SpoolError, match="let go of"):
        list(contents[0].chunks())


def test_two_are_read_at_once(monkeypatch):
    monkeypatch.setattr(pile, "BLOCK", 2)
    laid = Pile()
    laid.write(b"abcdef")
    one, other = laid.content(0), laid.content(0)
    assert [first + second for first, second in zip(one.chunks(), other.chunks(), strict=True)] == [
        b"abab",
        b"cdcd",
        b"efef",
    ]


def test_what_has_no_end_is_given_up():
    laid = Pile(most=10)
    laid.write(b"0123456789")
    with pytest.raises(SpoolError, match="no end"):
        laid.write(b"x")


def test_a_full_disk_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(pile, "IN_MEMORY", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))
    with pytest.raises(SpoolError, match="folder for temporary files: No such file"):
        Pile().write(b"more than one octet")
