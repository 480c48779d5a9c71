"""Bodies whose lines end with a bare LF."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.wire.bare_lf import BareUnstuffer


def read(pieces: list[bytes]) -> tuple[bytes, bytes | None]:
    """The body and what follows it; None: it has no end."""
    body, unstuffer = b"", BareUnstuffer()
    for number, piece in enumerate(pieces):
        body += unstuffer.feed(piece)
        if unstuffer.is_finished:
            return body, unstuffer.rest + b"".join(pieces[number + 1 :])
    return body, None


@pytest.mark.parametrize(
    ("octets", "body", "rest"),
    [
        (b".\n", b"", b""),
        (b".\r\n+OK\n", b"", b"+OK\n"),
        (b"one\ntwo\n.\n", b"one\r\ntwo\r\n", b""),
        (b"one\r\ntwo\n.\r\n", b"one\r\ntwo\r\n", b""),
        (b"..\n...x\n.\n.\n", b".\r\n..x\r\n", b".\n"),
        (b"a\rb\n.\n", b"a\rb\r\n", b""),
        (b"a.\n.b\n\n.\n", b"a.\r\nb\r\n\r\n", b""),
        (b"half", b"half", None),
    ],
)
def test_a_body_is_read(octets, body, rest):
    assert read([octets]) == (body, rest)
    assert read([bytes([octet]) for octet in octets]) == (body, rest)


@given(
    st.lists(st.sampled_from([b".", b"\n", b"\r", b"a", b"\r\n", b"\n."]), max_size=30).map(b"".join),
    st.lists(st.integers(1, 5), max_size=40),
)
def test_any_split_gives_the_same(octets, cuts):
    pieces = []
    rest = octets
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    pieces = [piece for piece in [*pieces, rest] if piece]
    body, after = read(pieces)
    whole, after_whole = read([octets] if octets else [])
    assert after == after_whole
    if after is not None:
        assert body == whole
