"""The header part of a message, and the hops in it."""

import pytest

from postane.mail.header_part import HeaderPart, count_hops


@pytest.mark.parametrize(
    ("message", "hops"),
    [
        (b"Received: a\r\nreceived : b\r\nX-Received: c\r\nSubject: received: d\r\n\r\nReceived: body\r\n", 2),
        (b"Received: a\r\n folded\r\nRECEIVED: b\r\n", 2),
        (b"\r\nReceived: body\r\n", 0),
    ],
)
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_hops_are_received_fields_of_the_header_part(message, hops, step):
    header = HeaderPart(1000)
    for at in range(0, len(message), step):
        header.feed(message[at : at + step])
    assert count_hops(bytes(header.kept)) == hops


def test_only_the_beginning_of_an_endless_header_part_is_looked_at():
    """A message cannot hide its hops from the loop check behind a long header part."""
    limit = len(b"Received: x\r\n") * 5000 + len(b"Received:")
    header, field = HeaderPart(limit), b"Received: x\r\n" * 1024
    for _ in range(limit // len(field) + 10):
        header.feed(field)
    assert not header.is_over
    assert header.octets == len(field) * (limit // len(field) + 10)
    assert count_hops(bytes(header.kept)) == 5001


@pytest.mark.parametrize(
    ("message", "octets", "is_over"),
    [(b"", 0, False), (b"\r\nbody", 2, True), (b"A: b\r\n\r\nbody\r\n\r\n", 8, True), (b"A: b\r\n\rbody", 11, False)],
)
@pytest.mark.parametrize("step", [1, 2, 3, 4, 100])
def test_where_it_ends(message, octets, is_over, step):
    header = HeaderPart(5)
    for at in range(0, len(message), step):
        header.feed(message[at : at + step])
    assert (header.octets, header.is_over) == (octets, is_over)
    assert header.kept == message[:octets][:5]
