"""What a typed line is."""

import pytest

from postane.talk.counted_speech import Pop2Speech
from postane.talk.pop3_speech import Pop3Speech
from postane.talk.typed import is_order, needs_secret, typed_secret
from support.by_hand import hear


def greeted() -> Pop3Speech:
    speech = Pop3Speech()
    hear(speech, b"+OK\r\n")
    return speech


def test_a_dot_or_a_slash_begins_an_order():
    assert [is_order(greeted(), line) for line in (".help", "/help", " .help", "HELP", "")] == [True] * 3 + [False] * 2


def test_base64_may_begin_with_a_slash():
    speech = greeted()
    speech.say("AUTH PLAIN")
    hear(speech, b"+ \r\n")
    assert not is_order(speech, "/w==")
    assert is_order(speech, ".quit")


def test_pass_alone_asks_where_it_may_be_said():
    speech = greeted()
    assert not needs_secret(speech, "PASS")
    speech.say("USER mrose")
    hear(speech, b"+OK\r\n")
    assert needs_secret(speech, "pass ")
    assert not needs_secret(speech, "PASS x")
    assert not needs_secret(speech, "QUIT")


def test_helo_of_pop2_asks_for_the_password():
    speech = Pop2Speech()
    hear(speech, b"+ POP2 h\r\n")
    assert needs_secret(speech, "HELO mrose")
    assert not needs_secret(speech, "HELO")
    assert not needs_secret(speech, "HELO mrose x")


@pytest.mark.parametrize(
    ("line", "start"),
    [("PASS x", 5), (".say PASS x", 10), (".respond x", 9), (".respond", None), (".login mrose", None), ("STAT", None),
     (".say STAT", None)],
)  # fmt: skip
def test_where_the_secret_begins(line, start):
    assert typed_secret(greeted(), line) == start
