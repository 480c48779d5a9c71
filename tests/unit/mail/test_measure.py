"""The facts about a message, taken while it flows by."""

import hashlib

import pytest

from postane.mail.measure import Measure, measure


@pytest.mark.parametrize(
    ("message", "header_octets"),
    [
        (b"", 0),
        (b"\r\n", 2),
        (b"\r\nbody\r\n", 2),
        (b"Subject: x\r\n\r\n", 14),
        (b"Subject: x\r\n\r\nbody\r\n\r\nmore\r\n", 14),
        (b"Subject: x\r\n", 12),
        (b"Subject: x", 10),
        (b"Subject: x\r\n\rbody\r\n", 19),
    ],
)
@pytest.mark.parametrize("step", [1, 2, 3, 4, 100])
def test_where_the_header_part_ends(message, header_octets, step):
    taken = Measure()
    for at in range(0, len(message), step):
        taken.feed(message[at : at + step])
    assert taken.facts().header_octets == header_octets
    assert taken.facts() == measure(message)


def test_octets_and_digest_are_those_of_the_message():
    message = b"Subject: x\r\n\r\n" + b"line\r\n" * 1000
    facts = measure(message)
    assert facts.octets == len(message)
    assert facts.digest == hashlib.sha256(message).digest()


@pytest.mark.parametrize(
    ("message", "is_dotted"),
    [(b"", False), (b".", True), (b"a\r\n.b", True), (b"a.b\r\n", False), (b"a\n.b\r\n", False), (b"\r\n.\r\n", True)],
)
@pytest.mark.parametrize("step", [1, 2, 3, 100])
def test_whether_a_line_begins_with_a_dot(message, is_dotted, step):
    taken = Measure()
    for at in range(0, len(message), step):
        taken.feed(message[at : at + step])
    assert taken.facts().is_dotted is is_dotted


@pytest.mark.parametrize(
    ("message", "is_whole"), [(b"", True), (b"a", False), (b"a\r\n", True), (b"a\r", False), (b"\n", False)]
)
def test_whether_the_last_line_is_complete(message, is_whole):
    taken = Measure()
    for at in range(len(message)):
        taken.feed(message[at : at + 1])
    assert taken.ends_with_line is is_whole
